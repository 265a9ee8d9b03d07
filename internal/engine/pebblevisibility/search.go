package pebblevisibility

import (
	"bytes"
	"context"
	"slices"

	"github.com/postrider/postrider/internal/engine/pebblestore/keys"
)

// pause is how many entries are read between looks at whether the caller has gone.
const pause = 1024

// search reads the runs of a snapshot that a filter is true for, in the order of lists.
type search struct {
	snapshot *snapshot
	filter   *filter
	stream   stream
	from, to []byte // positions: the first to read, and the first not to, or nil
	narrowed bool   // by terms or close time
	byEntry  bool   // the filter, and all that the caller asks of rows, needs no records
}

// newSearch is for a caller that asks for the fields of the rows that it gets. The first row is the one after the position
// after, unless that is nil.
func newSearch(s *snapshot, f *filter, after []byte, fields ...string) (*search, error) {
	n := f.narrow
	from := keys.AppendInt64Desc(nil, int64(n.newest))
	if after != nil {
		if after = keys.After(after); bytes.Compare(from, after) < 0 {
			from = after
		}
	}
	st, groups, err := s.open(n.groups)
	if err != nil {
		return nil, err
	}
	return &search{
		snapshot: s, filter: f, stream: st,
		from: from, to: keys.End(keys.AppendInt64Desc(nil, int64(n.oldest))),
		narrowed: len(groups) > 0 || n.oldest > never || n.newest < stillOpen,
		byEntry:  subset(slices.Concat(f.fields, fields), entryFields(groups)),
	}, nil
}

// newCount is a search in any order, for a caller that asks for the fields of the rows that it gets.
func newCount(s *snapshot, f *filter, fields ...string) (*search, error) {
	groups := f.narrow.groups
	if len(groups) != 1 || len(groups[0]) != 1 || !groups[0][0].prefix {
		return newSearch(s, f, nil, fields...)
	}
	st, err := s.sweep(groups[0][0])
	if err != nil {
		return nil, err
	}
	return &search{
		snapshot: s, filter: f, stream: st, narrowed: true, byEntry: subset(slices.Concat(f.fields, fields), entryFields(groups)),
	}, nil
}

// readsAll tells the searches that come to all records, which are read faster in their own order.
func (s *search) readsAll() bool { return !s.narrowed && !s.byEntry }

func subset(names, of []string) bool {
	return !slices.ContainsFunc(names, func(name string) bool { return !slices.Contains(of, name) })
}

// run visits a row for each run found, until visit says that it has enough. The row may be the entry.
func (s *search) run(ctx context.Context, visit func(row, *entry) (enough bool, err error)) error {
	if err := s.stream.seek(s.from); err != nil {
		return err
	}
	var e entry
	for n := 0; ; n++ {
		if n%pause == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		at := s.stream.at()
		if at == nil || s.to != nil && bytes.Compare(at, s.to) >= 0 {
			return nil
		}
		if err := e.read(s.stream); err != nil {
			return err
		}
		found, err := s.row(&e)
		if err != nil {
			return err
		}
		if s.filter.matches(found) {
			if enough, err := visit(found, &e); err != nil || enough {
				return err
			}
		}
		if err := s.stream.next(); err != nil {
			return err
		}
	}
}

// row is the entry, or its record where it tells too little.
func (s *search) row(e *entry) (row, error) {
	if s.byEntry {
		return e, nil
	}
	return s.snapshot.recordOf(e)
}
