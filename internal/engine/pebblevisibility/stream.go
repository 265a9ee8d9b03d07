package pebblevisibility

import (
	"bytes"

	"github.com/cockroachdb/pebble/v2"
)

// stream gives entries in the order of lists. A position is its encoded form; nil is after the last.
type stream interface {
	// at is where the stream is, until it is moved.
	at() []byte
	// seek moves forward to the first entry at the position or after it. A stream that is there already stays.
	seek(position []byte) error
	// next moves to the entry after the current one.
	next() error
	// terms adds those that the current entry was found by.
	terms(to []term) []term
	// summary is the value of the current entry.
	summary() ([]byte, error)
}

// scan is the stream of one range of entries.
type scan struct {
	it     *pebble.Iterator
	prefix []byte // of the keys; the position follows
	found  *term  // nil for the range of all runs
	begun  bool   // it has been sought in
	key    []byte // scratch
}

func (s *scan) at() []byte {
	if !s.it.Valid() {
		return nil
	}
	return s.it.Key()[len(s.prefix):]
}

func (s *scan) seek(position []byte) error {
	if s.begun {
		if at := s.at(); at == nil || bytes.Compare(at, position) >= 0 {
			return nil
		}
		// The next one is tried first: where ranges overlap much, it mostly is the one, and a seek costs several steps.
		if !s.it.Next() || bytes.Compare(s.at(), position) >= 0 {
			return s.it.Error()
		}
	}
	s.begun = true
	s.key = append(append(s.key[:0], s.prefix...), position...)
	s.it.SeekGE(s.key)
	return s.it.Error()
}

func (s *scan) next() error {
	s.it.Next()
	return s.it.Error()
}

func (s *scan) terms(to []term) []term {
	if s.found == nil {
		return to
	}
	return append(to, *s.found)
}

func (s *scan) summary() ([]byte, error) { return s.it.ValueAndErr() }
