package pebblevisibility

import (
	"go.temporal.io/server/common/searchattribute/sadefs"

	"github.com/postrider/postrider/internal/engine/pebblestore/keys"
)

// entry is a run as the indexes tell of it. It is valid until its stream is moved.
type entry struct {
	summary

	closed, start instant
	run           []byte // its encoded ID
	position      []byte // all three
	terms         []term // that it was found by
}

// read makes e the current entry of the stream.
func (e *entry) read(s stream) (err error) {
	e.position = s.at()
	closed, rest, err := keys.CutInt64Desc(e.position)
	if err != nil {
		return err
	}
	start, rest, err := keys.CutInt64Desc(rest)
	if err != nil {
		return err
	}
	e.closed, e.start, e.run = instant(closed), instant(start), rest
	value, err := s.summary()
	if err != nil {
		return err
	}
	e.terms = s.terms(e.terms[:0])
	e.summary, err = decodeSummary(value)
	return err
}

func (e *entry) runID() (string, error) {
	id, rest, err := keys.CutID(e.run)
	if err == nil && len(rest) > 0 {
		err = keys.ErrMalformed
	}
	return id, err
}

func (e *entry) value(name string) any {
	switch name {
	case sadefs.ExecutionStatus:
		return int64(e.status)
	case sadefs.TemporalNamespaceDivision:
		return optional(e.division)
	case sadefs.StartTime:
		return e.start
	case sadefs.RunID:
		id, err := e.runID()
		if err != nil {
			return nil // reading the record tells
		}
		return id
	case sadefs.CloseTime:
		if e.closed == stillOpen {
			return nil
		}
		return e.closed
	}
	for _, t := range e.terms {
		if t.field.name() == name {
			return t.value
		}
	}
	return nil
}

// entryFields are those that value knows of entries that are found through the groups.
func entryFields(groups [][]term) []string {
	known := []string{
		sadefs.ExecutionStatus, sadefs.TemporalNamespaceDivision, sadefs.StartTime, sadefs.RunID, sadefs.CloseTime,
	}
	for _, group := range groups {
		if name := commonName(group); name != "" {
			known = append(known, name)
		}
	}
	return known
}

// commonName is that of the field that all terms are of, so that whichever a run was found by tells the field's value.
func commonName(group []term) string {
	name := group[0].field.name()
	for _, t := range group {
		if t.field.name() != name {
			return ""
		}
	}
	return name
}
