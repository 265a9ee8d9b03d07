package pebblestore

import (
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// closeTimeout is how long Close of a stopped database waits for calls that may never return.
const closeTimeout = time.Second

// DB is one Pebble database with the engine's data, owned by one process. All methods are safe for concurrent use.
type DB struct {
	fs           vfs.FS
	dir          string
	pebble       *pebble.DB
	lock         *pebble.Lock
	noSync       bool
	gate         *gate
	failure      *failure
	turn         chan struct{} // holds one token while a batch is being applied
	backpressure *backpressure
	witnesses    witnesses
	locks        *locks
	shards       *rangeIDs
}

// Open opens the database in dir, or makes it there. Its error is one line fit for people when another process has it
// open or its format is a newer one.
func Open(dir string, o Options) (*DB, error) { return open(dir, o, currentFormat) }

func open(dir string, o Options, f format) (_ *DB, err error) {
	o = o.withDefaults()
	db := &DB{
		fs: o.FS, dir: dir,
		noSync: o.NoSync, gate: newGate(), failure: newFailure(o.Fatal), turn: make(chan struct{}, 1),
		backpressure: newBackpressure(o.MemTable), locks: newLocks(), shards: newRangeIDs(),
	}
	if err := o.FS.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make the engine's directory: %w", err)
	}
	if db.lock, err = lockDir(dir, o); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, db.release())
		}
	}()
	if err := errors.Join(unseal(o.FS, dir), checkRecordFiles(o.FS, dir)); err != nil {
		return nil, fmt.Errorf("open the engine database in %s: %w", dir, err)
	}
	options := o.pebble(db.failure, db.backpressure, db.lock)
	defer options.Cache.Unref()
	if db.pebble, err = openPebble(dir, options); err != nil {
		return nil, fmt.Errorf("open the engine database in %s: %w", dir, err)
	}
	if err := db.checkFormat(f); err != nil {
		return nil, fmt.Errorf("open the engine database in %s: %w", dir, err)
	}
	return db, nil
}

func lockDir(dir string, o Options) (*pebble.Lock, error) {
	lock, err := pebble.LockDirectory(dir, o.FS)
	switch {
	case errors.Is(err, fs.ErrPermission):
		return nil, fmt.Errorf("lock the engine's directory: %w", err)
	case err != nil:
		return nil, fmt.Errorf("engine directory %s is in use by another process", dir)
	}
	return lock, nil
}

// openPebble makes an error of a panic: not every byte of a damaged database is checked before it is used.
func openPebble(dir string, o *pebble.Options) (db *pebble.DB, err error) {
	defer func() {
		if cause := recover(); cause != nil {
			db, err = nil, fmt.Errorf("%w: %v", ErrCorrupt, cause)
		}
	}()
	db, err = pebble.Open(dir, o)
	return db, readError(err)
}

// Close waits for calls to return and closes the database. Iterators must have been closed. After an error that stopped
// the database it returns that error, waits a second at most, and leaves the directory locked as long as the process
// lives when something may still write to it.
func (db *DB) Close() error {
	empty, wasOpen := db.gate.close()
	if !wasOpen {
		return ErrClosed
	}
	if err := db.failure.check(); err != nil {
		return db.closeStopped(empty, err)
	}
	select {
	case <-empty:
	case <-db.failure.stopped:
		return db.closeStopped(empty, db.failure.err)
	}
	// What is in tables is safer from damage than what is in the log.
	if err := errors.Join(readError(db.pebble.Flush()), db.pebble.Close()); err != nil {
		return errors.Join(err, db.lock.Close())
	}
	return errors.Join(seal(db.fs, db.dir), db.lock.Close())
}

func (db *DB) closeStopped(empty <-chan struct{}, cause error) error {
	released := make(chan struct{})
	go func() {
		<-empty
		_ = db.release() // the cause says more
		close(released)
	}()
	select {
	case <-released:
	case <-time.After(closeTimeout):
	}
	return cause
}

func (db *DB) release() (err error) {
	if db.pebble != nil {
		err = db.pebble.Close()
	}
	return errors.Join(err, db.lock.Close())
}

// Checkpoint writes a consistent copy of the database, with everything acknowledged so far, to dir, which must not
// exist. The copy is a database for Open, sealed like one that was closed. On one file system it takes little time and
// space: most files are linked.
func (db *DB) Checkpoint(dir string) error {
	if err := db.enter(); err != nil {
		return err
	}
	defer db.gate.leave()
	if err := db.pebble.Checkpoint(dir, pebble.WithFlushedWAL()); err != nil {
		return fmt.Errorf("copy the engine database: %w", readError(err))
	}
	if err := seal(db.fs, dir); err != nil {
		return fmt.Errorf("seal the copy of the engine database: %w", err)
	}
	return nil
}

// SizeBytes is the space that the database takes on disk.
func (db *DB) SizeBytes() uint64 {
	if db.enter() != nil {
		return 0
	}
	defer db.gate.leave()
	return db.pebble.Metrics().DiskSpaceUsage()
}

// Metrics are Pebble's own, or nil after Close.
func (db *DB) Metrics() *pebble.Metrics {
	if db.enter() != nil {
		return nil
	}
	defer db.gate.leave()
	return db.pebble.Metrics()
}

// Fatal stops the database: from now on all calls return an error, and Options.Fatal is called if it was not yet.
func (db *DB) Fatal(err error) { _ = db.failure.stop(err) }

// enter asks for a call to be let in, which then leaves by db.gate.leave.
func (db *DB) enter() error {
	if err := db.failure.check(); err != nil {
		return err
	}
	if !db.gate.enter() {
		return ErrClosed
	}
	return nil
}
