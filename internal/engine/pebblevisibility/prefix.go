package pebblevisibility

import (
	"bytes"

	"github.com/cockroachdb/pebble/v2"

	"github.com/postrider/postrider/internal/engine/pebblestore/keys"
)

// mostPoints is how many entries are sorted to list the runs in which a value begins with a prefix. Where there are more,
// reading all runs in order finds a page soon enough. They take about 100 bytes each.
const mostPoints = 20_000

// sweep gives the entries in which a field's value begins with a prefix, sorted by value first. It is a stream but for that
// order, and so can only be read from its beginning to its end.
type sweep struct {
	it       *pebble.Iterator
	prefix   []byte // of the keys; the value and the position follow
	found    term
	position []byte
}

func (s *snapshot) sweep(t term) (*sweep, error) {
	lower := t.key(s.namespaceID)
	it, err := s.iter(lower, keys.End(lower))
	return &sweep{it: it, prefix: t.field.key(s.namespaceID), found: term{field: t.field}}, err
}

func (s *sweep) at() []byte { return s.position }

func (s *sweep) seek([]byte) error { return s.read(s.it.First()) }

func (s *sweep) next() error { return s.read(s.it.Next()) }

func (s *sweep) read(ok bool) (err error) {
	s.position = nil
	if !ok {
		return s.it.Error()
	}
	s.found.value, s.position, err = keys.CutString(s.it.Key()[len(s.prefix):])
	return err
}

func (s *sweep) terms(to []term) []term { return append(to, s.found) }

func (s *sweep) summary() ([]byte, error) { return s.it.ValueAndErr() }

// gather is the stream of the runs in which a value begins with the term's prefix; it reports false if they are too many.
func (s *snapshot) gather(t term) (_ stream, ok bool, err error) {
	all, err := s.sweep(t)
	if err != nil {
		return nil, false, err
	}
	var found []point
	for err = all.seek(nil); err == nil && all.at() != nil; err = all.next() {
		if len(found) == s.mostPoints {
			return nil, false, nil
		}
		summary, err := all.summary()
		if err != nil {
			return nil, false, err
		}
		found = append(found, point{position: bytes.Clone(all.at()), summary: bytes.Clone(summary), found: all.found})
	}
	return newPoints(found), true, err
}
