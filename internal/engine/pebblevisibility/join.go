package pebblevisibility

import "bytes"

// union is the stream of what is in one of the streams at least.
type union []stream

// first is one of the streams that are at the position of the union, or nil.
func (u union) first() stream {
	var first stream
	for _, s := range u {
		if at := s.at(); at != nil && (first == nil || bytes.Compare(at, first.at()) < 0) {
			first = s
		}
	}
	return first
}

func (u union) at() []byte {
	if first := u.first(); first != nil {
		return first.at()
	}
	return nil
}

func (u union) seek(position []byte) error {
	for _, s := range u {
		if err := s.seek(position); err != nil {
			return err
		}
	}
	return nil
}

func (u union) next() error {
	position := bytes.Clone(u.at())
	for _, s := range u {
		if !bytes.Equal(s.at(), position) {
			continue
		}
		if err := s.next(); err != nil {
			return err
		}
	}
	return nil
}

func (u union) simplest() stream {
	if len(u) == 1 {
		return u[0]
	}
	return u
}

func (u union) terms(to []term) []term   { return u.first().terms(to) }
func (u union) summary() ([]byte, error) { return u.first().summary() }

// intersection is the stream of what is in all of the streams.
type intersection []stream

func (x intersection) at() []byte { return x[0].at() }

func (x intersection) seek(position []byte) error {
	if err := x[0].seek(position); err != nil {
		return err
	}
	return x.align()
}

func (x intersection) next() error {
	if err := x[0].next(); err != nil {
		return err
	}
	return x.align()
}

// align moves each stream to where the first is, and the first to where another is that has nothing there, until all are
// at one position or one is after its last.
func (x intersection) align() error {
	for agree := 1; agree < len(x); {
		target := x[0].at()
		if target == nil {
			return nil
		}
		if err := x[agree].seek(target); err != nil {
			return err
		}
		switch at := x[agree].at(); {
		case bytes.Equal(at, target):
			agree++
		case at == nil:
			return x[0].seek(afterAll())
		default:
			if err := x[0].seek(bytes.Clone(at)); err != nil {
				return err
			}
			agree = 1
		}
	}
	return nil
}

// afterAll is a position after all that entries can have.
func afterAll() []byte { return bytes.Repeat([]byte{0xff}, 17) }

func (x intersection) simplest() stream {
	if len(x) == 1 {
		return x[0]
	}
	return x
}

func (x intersection) terms(to []term) []term {
	for _, s := range x {
		to = s.terms(to)
	}
	return to
}

func (x intersection) summary() ([]byte, error) { return x[0].summary() }
