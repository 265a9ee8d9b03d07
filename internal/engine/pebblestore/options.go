package pebblestore

import (
	"log/slog"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/bloom"
	"github.com/cockroachdb/pebble/v2/vfs"
)

const (
	defaultCacheBytes = 32 << 20
	defaultMemTable   = 16 << 20

	// usualMemTables are charged to the cache: the one being filled and the one being written to disk.
	usualMemTables = 2
	// maxListBytes is how long the list of tables (MANIFEST) may get before it is written anew. Open reads it into memory.
	maxListBytes = 16 << 20
	// bloomBits per key make one of a hundred look-ups of an absent key touch a block in vain. Every start of a workflow
	// is such a look-up.
	bloomBits = 10
	// rangeDeleteDelay is how long deleted ranges may wait in memory when nothing else is written; what they cover is
	// given back once they are on disk.
	rangeDeleteDelay = time.Minute

	// pebbleFormat is the first in which replay of the log tells damage from the end of what was written. A later one is
	// a new version of ours.
	pebbleFormat = pebble.FormatTableFormatV6
)

// Options of Open; the zero value works.
type Options struct {
	FS         vfs.FS       // default: the machine's
	CacheBytes int64        // of blocks read; default 32 MiB
	MemTable   int          // bytes of each of up to four tables of what was written last; default 16 MiB
	Logger     *slog.Logger // default: no logs

	// NoSync makes commits not wait for the disk: a power cut or kill loses what was acknowledged last. For tests and
	// comparisons.
	NoSync bool
	// MinSyncInterval is the least time from one fsync of the log to the next. Some hundred microseconds put more commits
	// in each under load, and add as much to the latency of a single one. Default 0.
	MinSyncInterval time.Duration
	// Fatal is called once, on a goroutine of its own, when an error means that nothing more may be
	// acknowledged. From before that on every call returns an error. The process should end.
	Fatal func(error)
}

func (o Options) withDefaults() Options {
	if o.FS == nil {
		o.FS = vfs.Default
	}
	if o.CacheBytes == 0 {
		o.CacheBytes = defaultCacheBytes
	}
	if o.MemTable == 0 {
		o.MemTable = defaultMemTable
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Fatal == nil {
		o.Fatal = func(error) {}
	}
	return o
}

// pebble are the options for Pebble; the caller releases the cache.
func (o Options) pebble(f *failure, p *backpressure, lock *pebble.Lock) *pebble.Options {
	options := &pebble.Options{
		FS:                          o.FS,
		Lock:                        lock,
		Cache:                       pebble.NewCache(o.CacheBytes + usualMemTables*int64(o.MemTable)),
		MemTableSize:                uint64(o.MemTable),
		MemTableStopWritesThreshold: never,
		L0StopWritesThreshold:       never,
		MaxManifestFileSize:         maxListBytes,
		FormatMajorVersion:          pebbleFormat,
		FlushDelayDeleteRange:       rangeDeleteDelay,
		WALMinSyncInterval:          func() time.Duration { return o.MinSyncInterval },
		CompactionConcurrencyRange:  func() (lower, upper int) { return 1, 2 },
		Logger:                      pebbleLogger{o.Logger, f},
		EventListener:               events(o.Logger, f, p),
	}
	// The last level's filters would not be asked: Pebble takes what is looked for to be there.
	last := len(options.Levels) - 1
	for i := range options.Levels[:last] {
		options.Levels[i].FilterPolicy = bloom.FilterPolicy(bloomBits)
	}
	options.Levels[last].FilterPolicy = pebble.NoFilterPolicy
	return options
}
