package pebblevisibility

import (
	"bytes"
	"context"
	"fmt"
	"maps"

	"go.temporal.io/server/common/namespace"
	"go.temporal.io/server/common/persistence/visibility/store"

	"github.com/postrider/postrider/internal/engine/pebblestore"
	"github.com/postrider/postrider/internal/engine/pebblestore/keys"
)

// Check tells what of the database's visibility data does not follow from its records, if anything does not.
func Check(db *pebblestore.DB) error {
	is, err := everyKey(db)
	if err != nil {
		return err
	}
	shall, counts := map[string][]byte{}, map[string]int64{}
	for key, value := range is {
		if key[0] != spaceRecords {
			continue
		}
		namespaceID, rest, err := keys.CutID([]byte(key[1:]))
		if err != nil {
			return err
		}
		runID, _, err := keys.CutID(rest)
		if err != nil {
			return err
		}
		r, err := decodeRecord(namespaceID, runID, value)
		if err != nil {
			return err
		}
		maps.Copy(shall, r.stored())
		counts[string(r.class().key(namespaceID))]++
	}
	for key, n := range counts {
		shall[key] = encodeCount(n)
	}
	return difference(is, shall)
}

func difference(is, shall map[string][]byte) error {
	for key, value := range shall {
		if got, ok := is[key]; !ok || !bytes.Equal(got, value) {
			return fmt.Errorf("key %x: has %x, want %x", key, got, value)
		}
	}
	for key := range is {
		if _, ok := shall[key]; !ok {
			return fmt.Errorf("key %x is of no record", key)
		}
	}
	return nil
}

// Keys is how many there are.
func Keys(db *pebblestore.DB) (int, error) {
	all, err := everyKey(db)
	return len(all), err
}

func everyKey(db *pebblestore.DB) (map[string][]byte, error) {
	it, err := db.Iter([]byte{spaceRecords}, []byte{spaceEnd})
	if err != nil {
		return nil, err
	}
	all := map[string][]byte{}
	for ok := it.First(); ok; ok = it.Next() {
		all[string(it.Key())] = bytes.Clone(it.Value())
	}
	return all, it.Close()
}

// Damage replaces the value of the run's record, or deletes it if value is nil.
func Damage(db *pebblestore.DB, namespaceID, runID string, value []byte) error {
	b := db.Batch()
	key := recordKey(namespaceID, runID)
	if value == nil {
		if err := b.Delete(key, nil); err != nil {
			return err
		}
	} else if err := b.Set(key, value, nil); err != nil {
		return err
	}
	return db.Commit(b)
}

// Reads is what it takes to answer a query: entries read to list a page, and whether the records of those that are not
// listed are read too.
type Reads struct {
	Entries int
	Records bool
}

// ListReads reads a page as a list does, but sorts no more than mostPoints entries.
func ListReads(s store.VisibilityStore, namespaceID, query string, size, mostPoints int) (_ Reads, err error) {
	v, ok := s.(*visibilityStore)
	if !ok {
		return Reads{}, fmt.Errorf("a store of type %T", s)
	}
	p, err := v.parse(question{namespaceID: namespace.ID(namespaceID), query: query})
	if err != nil {
		return Reads{}, err
	}
	snapshot, err := newSnapshot(v.writer.db, namespaceID)
	if err != nil {
		return Reads{}, err
	}
	defer func() {
		if e := snapshot.close(); err == nil {
			err = e
		}
	}()
	snapshot.mostPoints = mostPoints
	search, err := newSearch(snapshot, p.filter, nil)
	if err != nil {
		return Reads{}, err
	}
	counted := &countedStream{stream: search.stream}
	search.stream = counted
	err = search.run(context.Background(), func(row, *entry) (bool, error) {
		size--
		return size == 0, nil
	})
	return Reads{Entries: counted.read, Records: !search.byEntry}, err
}

// countedStream counts the entries that a search has looked at.
type countedStream struct {
	stream

	read int
}

func (c *countedStream) summary() ([]byte, error) {
	c.read++
	return c.stream.summary()
}

// The rest is for fuzzing.

// DecodeToken is whether the token is well-formed.
func DecodeToken(token []byte) error {
	_, err := decodeToken(token)
	return err
}

// Recode decodes a record's value and encodes it again.
func Recode(value []byte) ([]byte, error) {
	r, err := decodeRecord("namespace", "run", value)
	if err != nil {
		return nil, err
	}
	return r.encode(), nil
}

// DecodeEntry is whether the value of an entry and that of a count, with the key of one, are well-formed.
func DecodeEntry(value []byte) []error {
	_, a := decodeSummary(value)
	_, b := decodeCount(value)
	_, c := decodeClass(value)
	d := checkPosition(value)
	return []error{a, b, c, d}
}
