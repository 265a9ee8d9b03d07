package pebblevisibility

import (
	"bytes"
	"errors"
	"fmt"
	"hash/maphash"
	"sync"

	"github.com/cockroachdb/pebble/v2"

	"github.com/postrider/postrider/internal/engine/pebblestore"
)

// stripes is how many locks there are for the runs; two runs may share one.
const stripes = 64

// writer changes records with what follows from them. There must be only one for a database.
type writer struct {
	db      *pebblestore.DB
	runs    [stripes]sync.Mutex // held from reading a record until its replacement is visible
	seed    maphash.Seed
	counter *counter
}

func newWriter(db *pebblestore.DB) *writer {
	return &writer{db: db, seed: maphash.MakeSeed(), counter: newCounter(db)}
}

func (w *writer) lock(key []byte) *sync.Mutex { return &w.runs[maphash.Bytes(w.seed, key)%stripes] }

// insert writes the record of a run of which there is none.
func (w *writer) insert(r *record) error {
	return w.change(r.namespaceID, r.runID, func(old *record) (*record, bool) { return r, old == nil })
}

// upsert writes the record unless there is one of the same or a later version.
func (w *writer) upsert(r *record) error {
	return w.change(r.namespaceID, r.runID, func(old *record) (*record, bool) {
		return r, old == nil || old.version < r.version
	})
}

// delete removes the record if there is one.
func (w *writer) delete(namespaceID, runID string) error {
	return w.change(namespaceID, runID, func(old *record) (*record, bool) { return nil, old != nil })
}

// change replaces a record, which is nil when there is none, by what decide makes of it, if that reports true.
func (w *writer) change(namespaceID, runID string, decide func(old *record) (replacement *record, write bool)) error {
	key := recordKey(namespaceID, runID)
	mu := w.lock(key)
	mu.Lock()
	defer mu.Unlock()
	var old *record
	value, found, err := w.db.Get(key)
	if err != nil {
		return fmt.Errorf("read the record of run %s: %w", runID, err)
	}
	if found {
		if old, err = decodeRecord(namespaceID, runID, value); err != nil {
			return fmt.Errorf("read the record of run %s: %w", runID, err)
		}
	}
	replacement, write := decide(old)
	if !write {
		return nil
	}
	if err := w.replace(old, replacement); err != nil {
		return fmt.Errorf("write the record of run %s: %w", runID, err)
	}
	return nil
}

func (w *writer) replace(old, replacement *record) error {
	b := w.db.Batch()
	if err := setStored(b, old.stored(), replacement.stored()); err != nil {
		return errors.Join(err, b.Close())
	}
	return w.counter.commit(b, countChanges(old, replacement))
}

// setStored makes what is stored what shall be, leaving alone what is the same.
func setStored(b *pebble.Batch, is, shall map[string][]byte) error {
	for key := range is {
		if _, stays := shall[key]; stays {
			continue
		}
		if err := b.Delete([]byte(key), nil); err != nil {
			return err
		}
	}
	for key, value := range shall {
		if was, is := is[key]; is && bytes.Equal(was, value) {
			continue
		}
		if err := b.Set([]byte(key), value, nil); err != nil {
			return err
		}
	}
	return nil
}

// countChanges tells by key of a count how it changes.
func countChanges(old, replacement *record) map[string]int64 {
	changes := map[string]int64{}
	if old != nil {
		changes[string(old.class().key(old.namespaceID))]--
	}
	if replacement != nil {
		key := string(replacement.class().key(replacement.namespaceID))
		if changes[key]++; changes[key] == 0 {
			delete(changes, key)
		}
	}
	return changes
}
