package pebblestore

import (
	"bytes"
	"errors"

	"github.com/cockroachdb/pebble/v2"
)

// Get is the value under key, the caller's own copy.
func (db *DB) Get(key []byte) (value []byte, found bool, err error) {
	found, err = db.view(key, func(v []byte) error {
		value = bytes.Clone(v)
		return nil
	})
	return value, found, err
}

// view calls f with the value under key, which is valid only during the call, unless there is none.
func (db *DB) view(key []byte, f func(value []byte) error) (found bool, err error) {
	if err := db.enter(); err != nil {
		return false, err
	}
	defer db.gate.leave()
	value, closer, err := db.pebble.Get(key)
	if errors.Is(err, pebble.ErrNotFound) {
		return false, nil
	}
	if err != nil {
		return false, readError(err)
	}
	return true, errors.Join(f(value), closer.Close())
}

// Iter is over the keys from lower up to, without, upper; a nil upper is the end. The caller closes it, before the database.
// Its Error and Close may return pebble.ErrCorruption.
func (db *DB) Iter(lower, upper []byte) (*pebble.Iterator, error) {
	if err := db.enter(); err != nil {
		return nil, err
	}
	defer db.gate.leave()
	it, err := db.pebble.NewIter(&pebble.IterOptions{LowerBound: lower, UpperBound: upper})
	return it, readError(err)
}

// A visitor is called with a key and its value, both valid only during the call. It reports whether to go on.
type visitor func(key, value []byte) (more bool, err error)

// scan visits the keys from lower up to, without, upper in order.
func (db *DB) scan(lower, upper []byte, visit visitor) error {
	return db.walk(lower, upper, (*pebble.Iterator).First, (*pebble.Iterator).Next, visit)
}

// scanBack visits the same keys as scan, last one first.
func (db *DB) scanBack(lower, upper []byte, visit visitor) error {
	return db.walk(lower, upper, (*pebble.Iterator).Last, (*pebble.Iterator).Prev, visit)
}

func (db *DB) walk(lower, upper []byte, first, next func(*pebble.Iterator) bool, visit visitor) (err error) {
	if upper != nil && bytes.Compare(lower, upper) >= 0 {
		return nil
	}
	if err := db.enter(); err != nil {
		return err
	}
	defer db.gate.leave()
	it, err := db.pebble.NewIter(&pebble.IterOptions{LowerBound: lower, UpperBound: upper})
	if err != nil {
		return readError(err)
	}
	defer func() { err = errors.Join(err, readError(it.Close())) }()
	for ok := first(it); ok; ok = next(it) {
		value, err := it.ValueAndErr()
		if err != nil {
			return nil // Close returns it too
		}
		if more, err := visit(it.Key(), value); err != nil || !more {
			return err
		}
	}
	return nil
}
