package pebblestore

import (
	"bytes"
	"errors"
	"sync"

	"github.com/cockroachdb/pebble/v2"

	"github.com/postrider/postrider/internal/engine/pebblestore/keys"
)

// pointDeletes is up to how many keys are deleted one by one. A range needs one entry however many keys it has, but
// reads go through all ranges that were deleted lately and are still in memory.
const pointDeletes = 32

// batch collects the writes of one transaction.
type batch struct {
	*pebble.Batch
	db  *DB
	err error // the first
}

func (b *batch) set(key, value []byte) { b.note(b.Set(key, value, nil)) }

func (b *batch) remove(key []byte) { b.note(b.Delete(key, nil)) }

// removeRange deletes the keys from lower up to, without, upper.
func (b *batch) removeRange(lower, upper []byte) {
	if bytes.Compare(lower, upper) < 0 {
		b.note(b.DeleteRange(lower, upper, nil))
	}
}

// clear deletes the same keys as removeRange, a few of them one by one. It does not see what the batch itself has set.
func (b *batch) clear(lower, upper []byte) {
	found, err := b.find(lower, upper, pointDeletes+1)
	b.note(err)
	if len(found) > pointDeletes {
		b.removeRange(lower, upper)
		return
	}
	b.removeEach(found)
}

// clearSome is clear for up to limit keys, and tells how many they are.
func (b *batch) clearSome(lower, upper []byte, limit int) (int, error) {
	found, err := b.find(lower, upper, limit)
	if err != nil || len(found) == 0 {
		return 0, err
	}
	if len(found) > pointDeletes {
		b.removeRange(found[0], keys.After(found[len(found)-1]))
	} else {
		b.removeEach(found)
	}
	return len(found), nil
}

func (b *batch) find(lower, upper []byte, limit int) (found [][]byte, err error) {
	err = b.db.scan(lower, upper, func(key, _ []byte) (bool, error) {
		found = append(found, bytes.Clone(key))
		return len(found) < limit, nil
	})
	return found, err
}

func (b *batch) removeEach(all [][]byte) {
	for _, key := range all {
		b.remove(key)
	}
}

// clearAll is clear for all keys that begin with prefix.
func (b *batch) clearAll(prefix []byte) { b.clear(prefix, keys.End(prefix)) }

func (b *batch) note(err error) {
	if b.err == nil {
		b.err = err
	}
}

// update is a transaction: what fill checks still holds, for everybody who writes it under lock, when what it put into
// the batch is visible. It returns when that is durable. Nothing is written when fill returns an error, or nothing to
// write.
func (db *DB) update(lock sync.Locker, fill func(*batch) error) error {
	b := &batch{Batch: db.Batch(), db: db}
	lock.Lock()
	err := fill(b)
	if err == nil {
		err = b.err
	}
	if err != nil || b.Count() == 0 {
		lock.Unlock()
		return errors.Join(err, b.Close())
	}
	return db.commit(b.Batch, lock.Unlock)
}

// noLock is for writes that depend on nothing.
type noLock struct{}

func (noLock) Lock()   {}
func (noLock) Unlock() {}
