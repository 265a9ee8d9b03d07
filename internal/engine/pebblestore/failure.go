package pebblestore

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"

	"github.com/cockroachdb/pebble/v2"
)

// ErrClosed is what calls return after Close.
var ErrClosed = errors.New("engine database is closed")

// ErrStopped is what calls return, wrapped with the cause, after an error that leaves open what is on disk. It is known
// only once the database is opened again.
var ErrStopped = errors.New("engine database has stopped")

// ErrCorrupt is what reading something damaged returns, wrapped with where it is.
var ErrCorrupt = errors.New("engine database is corrupt")

// failure is the one-way switch from working to stopped.
type failure struct {
	once    sync.Once
	stopped chan struct{} // closed when err is set
	err     error
	notify  func(error)
}

func newFailure(notify func(error)) *failure {
	return &failure{stopped: make(chan struct{}), notify: notify}
}

// stop must not block: Pebble calls it with its locks held.
func (f *failure) stop(cause error) error {
	f.once.Do(func() {
		f.err = fmt.Errorf("%w: %w", ErrStopped, cause)
		close(f.stopped)
		go f.notify(f.err)
	})
	<-f.stopped
	return f.err
}

// check is nil until stop.
func (f *failure) check() error {
	select {
	case <-f.stopped:
		return f.err
	default:
		return nil
	}
}

// pebbleLogger is where Pebble reports to. Pebble calls Fatalf when it cannot go on, and expects the process to end.
type pebbleLogger struct {
	log *slog.Logger
	f   *failure
}

func (l pebbleLogger) Infof(format string, args ...any) {
	if l.log.Enabled(context.Background(), slog.LevelDebug) {
		l.log.Debug("pebble reports", "message", fmt.Sprintf(format, args...))
	}
}

func (l pebbleLogger) Errorf(format string, args ...any) {
	l.log.Error("pebble reports an error", "message", fmt.Sprintf(format, args...))
}

func (l pebbleLogger) Fatalf(format string, args ...any) {
	err := l.f.stop(fmt.Errorf(format, args...))
	l.log.Error("engine database stopped", "error", err)
}

// events tells what Pebble does in the background. A failed compaction is tried again and loses nothing. A failed flush
// is the disk's refusal of what must get there: the log could not be shortened any more, and memory would fill up.
func events(log *slog.Logger, f *failure, p *backpressure) *pebble.EventListener {
	var flush atomic.Pointer[error] // of the last flush, which Pebble calls an error too when there was nothing to write
	return &pebble.EventListener{
		WALCreated: func(pebble.WALCreateInfo) { p.rotated.Store(true) },
		FlushEnd: func(info pebble.FlushInfo) {
			flush.Store(&info.Err)
			p.progressed()
		},
		BackgroundError: func(err error) {
			log.Error("background work of the engine database failed", "error", err)
			if last := flush.Load(); last != nil && errors.Is(err, *last) {
				log.Error("engine database stopped", "error", f.stop(fmt.Errorf("write to disk: %w", err)))
			}
		},
		DataCorruption: func(info pebble.DataCorruptionInfo) {
			log.Error("engine database is corrupt", "file", info.Path, "error", info.Details)
		},
	}
}

// readError makes Pebble's error of a read one of ours.
func readError(err error) error {
	if errors.Is(err, pebble.ErrCorruption) {
		return fmt.Errorf("%w: %w", ErrCorrupt, err)
	}
	return err
}
