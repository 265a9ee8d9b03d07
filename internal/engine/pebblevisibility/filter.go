package pebblevisibility

import "slices"

// row is what a filter is checked on: a record, or as much of one as an entry or a count tells. Values are nil for SQL's NULL,
// string, []string, bool, int64, float64 or instant.
type row interface {
	value(field string) any
}

// filter is a condition on runs.
type filter struct {
	check  func(row) truth
	fields []string  // that check asks for
	narrow narrowing // what else is so wherever check is true
}

// everything is the filter that leaves nothing out.
func everything() *filter {
	return &filter{check: func(row) truth { return isTrue }, narrow: anywhere()}
}

func (f *filter) matches(r row) bool { return f.check(r) == isTrue }

func (f *filter) and(o *filter) *filter {
	return &filter{
		check: func(r row) truth {
			t := f.check(r)
			if t == isFalse {
				return isFalse
			}
			return t.and(o.check(r))
		},
		fields: slices.Concat(f.fields, o.fields),
		narrow: f.narrow.and(o.narrow),
	}
}

func (f *filter) or(o *filter) *filter {
	return &filter{
		check: func(r row) truth {
			t := f.check(r)
			if t == isTrue {
				return isTrue
			}
			return t.or(o.check(r))
		},
		fields: slices.Concat(f.fields, o.fields),
		narrow: f.narrow.or(o.narrow),
	}
}

func (f *filter) not() *filter {
	return &filter{
		check:  func(r row) truth { return f.check(r).not() },
		fields: f.fields,
		narrow: anywhere(),
	}
}
