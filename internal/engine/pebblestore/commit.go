package pebblestore

import (
	"errors"
	"fmt"

	"github.com/cockroachdb/pebble/v2"
)

// Batch is a new batch, to be written with Commit or CommitNoWait, or else to be closed.
func (db *DB) Batch() *pebble.Batch { return newBatch(db.pebble) }

// Commit writes all of the batch or, if it stops the database, perhaps nothing. It is durable when Commit returns nil; one
// fsync of the log serves all batches that wait for it. The batch must not be used any more, whatever is returned.
func (db *DB) Commit(b *pebble.Batch) error { return db.commit(b, func() {}) }

// commit is Commit that calls release between the write, when everybody can see it, and the wait for the disk; or else
// after an error.
func (db *DB) commit(b *pebble.Batch, release func()) error {
	if err := db.enter(); err != nil {
		release()
		return errors.Join(err, b.Close())
	}
	defer db.gate.leave()
	number, err := db.apply(b)
	release()
	if err != nil {
		return err
	}
	return db.await(b, number)
}

// CommitNoWait writes the batch without waiting for the disk: visible at once, durable when any later Commit returns.
// The batch must not be used any more, whatever is returned.
func (db *DB) CommitNoWait(b *pebble.Batch) error {
	_, err := db.inTurn(b, func() error { return errors.Join(db.pebble.Apply(b, pebble.NoSync), b.Close()) })
	return err
}

// apply writes the batch to the log's buffer and to memory, where everybody sees it at once, and returns
// without waiting for the disk; the caller goes on to await, with the batch's number. An error disposes of the batch.
//
// That others may see it before it is on disk does no harm: what they write on its strength comes later in the same log,
// so it cannot be on disk without the batch. What they do in the world on its strength is done at least once anyway: it is
// what they would have done if the process had died just after the fsync. When the log cannot be written, nobody is told
// anything any more.
func (db *DB) apply(b *pebble.Batch) (number uint64, err error) {
	if db.noSync {
		return db.inTurn(b, func() error { return db.pebble.Apply(b, pebble.NoSync) })
	}
	return db.inTurn(b, func() error { return db.pebble.ApplyNoSyncWait(b, pebble.Sync) })
}

// inTurn runs write for one batch at a time: Pebble's write path is left in an unusable state when the log cannot be
// written, and nobody may be waiting in it then.
func (db *DB) inTurn(b *pebble.Batch, write func() error) (number uint64, err error) {
	if err := db.enter(); err != nil {
		return 0, errors.Join(err, b.Close())
	}
	defer db.gate.leave()
	select {
	case db.turn <- struct{}{}:
		defer func() { <-db.turn }()
		db.backpressure.wait(db.pebble.Metrics, db.failure.stopped)
	case <-db.failure.stopped:
	}
	if err := db.failure.check(); err != nil {
		return 0, errors.Join(err, b.Close())
	}
	defer func() {
		if cause := recover(); cause != nil {
			err = db.failure.stop(fmt.Errorf("write the log: %v", cause))
		}
	}()
	number = db.witnesses.sign(b)
	if err := write(); err != nil {
		return 0, db.failure.stop(fmt.Errorf("write the log: %w", err))
	}
	return number, db.failure.check()
}

// await returns when the batch that apply wrote is durable.
func (db *DB) await(b *pebble.Batch, number uint64) error {
	if db.noSync {
		return b.Close()
	}
	if err := b.SyncWait(); err != nil {
		return db.failure.stop(fmt.Errorf("write the log to disk: %w", err))
	}
	db.witnesses.isDurable(number)
	if err := b.Close(); err != nil {
		return err
	}
	return db.failure.check()
}
