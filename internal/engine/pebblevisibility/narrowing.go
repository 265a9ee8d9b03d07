package pebblevisibility

import "slices"

// A search reads at most as many ranges of entries side by side: so many for a group, and so many groups.
const (
	mostTerms  = 32
	mostGroups = 4
)

// narrowing is where the runs are that a condition can be true for: in each group's terms they have one at least, and their
// close time, or stillOpen, is from oldest to newest.
type narrowing struct {
	groups         [][]term
	oldest, newest instant
}

func anywhere() narrowing { return narrowing{oldest: never, newest: stillOpen} }

// among is the narrowing to runs with one of the terms.
func among(terms ...term) narrowing {
	n := anywhere()
	if len(terms) <= mostTerms {
		n.groups = [][]term{terms}
	}
	return n
}

// closedWithin is the narrowing to runs that closed from oldest to newest.
func closedWithin(oldest, newest instant) narrowing { return narrowing{oldest: oldest, newest: newest} }

// and has the groups of both sides, or the smallest of them: the rest is left to the check.
func (n narrowing) and(o narrowing) narrowing {
	groups := slices.Concat(n.groups, o.groups)
	if len(groups) > mostGroups {
		slices.SortStableFunc(groups, bySize)
		groups = groups[:mostGroups]
	}
	return narrowing{
		groups: groups,
		oldest: max(n.oldest, o.oldest),
		newest: min(n.newest, o.newest),
	}
}

// or has the union of one group of each side.
func (n narrowing) or(o narrowing) narrowing {
	either := narrowing{oldest: min(n.oldest, o.oldest), newest: max(n.newest, o.newest)}
	if len(n.groups) == 0 || len(o.groups) == 0 {
		return either
	}
	union := slices.Concat(smallest(n.groups), smallest(o.groups))
	if len(union) <= mostTerms {
		either.groups = [][]term{union}
	}
	return either
}

func smallest(groups [][]term) []term { return slices.MinFunc(groups, bySize) }

func bySize(a, b []term) int { return len(a) - len(b) }
