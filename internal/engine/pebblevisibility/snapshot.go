package pebblevisibility

import (
	"bytes"
	"context"
	"errors"

	"github.com/cockroachdb/pebble/v2"

	"github.com/postrider/postrider/internal/engine/pebblestore"
	"github.com/postrider/postrider/internal/engine/pebblestore/keys"
)

// snapshot is what a namespace's runs were at one moment. It is for one goroutine, and must be closed.
type snapshot struct {
	namespaceID string
	mostPoints  int
	records     *pebble.Iterator
	others      []*pebble.Iterator
}

func newSnapshot(db *pebblestore.DB, namespaceID string) (*snapshot, error) {
	prefix := space(spaceRecords, namespaceID)
	it, err := db.Iter(prefix, keys.End(prefix))
	if err != nil {
		return nil, err
	}
	return &snapshot{namespaceID: namespaceID, mostPoints: mostPoints, records: it}, nil
}

func (s *snapshot) close() error {
	var errs []error
	for _, it := range append(s.others, s.records) {
		errs = append(errs, it.Close())
	}
	return errors.Join(errs...)
}

// iter is over a range of keys, at the snapshot's moment.
func (s *snapshot) iter(lower, upper []byte) (*pebble.Iterator, error) {
	it, err := s.records.Clone(pebble.CloneOptions{IterOptions: &pebble.IterOptions{LowerBound: lower, UpperBound: upper}})
	if err != nil {
		return nil, err
	}
	s.others = append(s.others, it)
	return it, nil
}

// record is that of the run, or nil. The key as a prefix lets Pebble pass over files that do not have it.
func (s *snapshot) record(runID string) (*record, error) {
	key := recordKey(s.namespaceID, runID)
	if !s.records.SeekPrefixGE(key) || !bytes.Equal(s.records.Key(), key) {
		return nil, s.records.Error()
	}
	value, err := s.records.ValueAndErr()
	if err != nil {
		return nil, err
	}
	return decodeRecord(s.namespaceID, runID, value)
}

// recordOf is that of the run that an index has.
func (s *snapshot) recordOf(e *entry) (*record, error) {
	id, err := e.runID()
	if err != nil {
		return nil, err
	}
	r, err := s.record(id)
	if r == nil && err == nil {
		err = corrupt("index entry of run " + id + ", which has no record")
	}
	return r, err
}

// each visits all records, in no order to speak of.
func (s *snapshot) each(ctx context.Context, visit func(*record)) error {
	n := 0
	for ok := s.records.First(); ok; ok = s.records.Next() {
		if n++; n%pause == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		id, _, err := keys.CutID(s.records.Key()[len(space(spaceRecords, s.namespaceID)):])
		if err != nil {
			return err
		}
		value, err := s.records.ValueAndErr()
		if err != nil {
			return err
		}
		r, err := decodeRecord(s.namespaceID, id, value)
		if err != nil {
			return err
		}
		visit(r)
	}
	return s.records.Error()
}

// open is the stream of the runs that have one term at least of each group, and the groups of which it is so: those with
// a prefix of too many values are passed over.
func (s *snapshot) open(groups [][]term) (_ stream, used [][]term, err error) {
	var all intersection
	for _, group := range groups {
		one, ok, err := s.union(group)
		if err != nil {
			return nil, nil, err
		}
		if ok {
			all, used = append(all, one), append(used, group)
		}
	}
	if len(all) == 0 {
		st, err := s.scan(space(spaceOrder, s.namespaceID), nil)
		return st, nil, err
	}
	return all.simplest(), used, nil
}

func (s *snapshot) union(group []term) (_ stream, ok bool, err error) {
	var all union
	for _, t := range group {
		var one stream
		switch {
		case t.field == byRunID:
			one, err = s.find(t)
		case t.prefix:
			if one, ok, err = s.gather(t); err == nil && !ok {
				return nil, false, nil
			}
		default:
			one, err = s.scan(t.key(s.namespaceID), &t)
		}
		if err != nil {
			return nil, false, err
		}
		all = append(all, one)
	}
	return all.simplest(), true, nil
}

func (s *snapshot) scan(prefix []byte, found *term) (*scan, error) {
	it, err := s.iter(prefix, keys.End(prefix))
	return &scan{it: it, prefix: prefix, found: found}, err
}

// find is the stream of the run whose ID the term has.
func (s *snapshot) find(t term) (stream, error) {
	r, err := s.record(t.value)
	if r == nil {
		return newPoints(nil), err
	}
	return newPoints([]point{{position: r.position().append(nil), summary: r.summary().encode(), found: t}}), nil
}
