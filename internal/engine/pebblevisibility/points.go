package pebblevisibility

import (
	"bytes"
	"slices"
)

// points is the stream of entries that are known one by one.
type points []point

type point struct {
	position, summary []byte
	found             term
}

func newPoints(all []point) *points {
	slices.SortFunc(all, func(a, b point) int { return bytes.Compare(a.position, b.position) })
	p := points(all)
	return &p
}

func (p *points) at() []byte {
	if len(*p) == 0 {
		return nil
	}
	return (*p)[0].position
}

func (p *points) seek(position []byte) error {
	for len(*p) > 0 && bytes.Compare(p.at(), position) < 0 {
		*p = (*p)[1:]
	}
	return nil
}

func (p *points) next() error {
	*p = (*p)[1:]
	return nil
}

func (p *points) terms(to []term) []term   { return append(to, (*p)[0].found) }
func (p *points) summary() ([]byte, error) { return (*p)[0].summary, nil }
