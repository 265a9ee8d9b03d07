package pebblevisibility

import (
	"cmp"
	"math"
	"slices"
	"strings"

	"github.com/temporalio/sqlparser"
)

// compare orders two values; it reports false when they cannot be compared or one is NULL.
func compare(a, b any) (int, bool) {
	switch a := a.(type) {
	case string:
		b, ok := b.(string)
		return strings.Compare(a, b), ok
	case instant:
		b, ok := b.(instant)
		return cmp.Compare(a, b), ok
	case bool:
		b, ok := b.(bool)
		return cmp.Compare(ordinal(a), ordinal(b)), ok
	case int64:
		switch b := b.(type) {
		case int64:
			return cmp.Compare(a, b), true
		case float64:
			return compareIntFloat(a, b), true
		}
	case float64:
		switch b := b.(type) {
		case float64:
			return cmp.Compare(a, b), true
		case int64:
			return -compareIntFloat(b, a), true
		}
	}
	return 0, false
}

func ordinal(b bool) int {
	if b {
		return 1
	}
	return 0
}

// compareIntFloat is exact where a float64 of i is not.
func compareIntFloat(i int64, f float64) int {
	switch {
	case f >= math.MaxInt64:
		return -1
	case f < math.MinInt64:
		return 1
	}
	whole := int64(f) // towards zero
	if i != whole {
		return cmp.Compare(i, whole)
	}
	return cmp.Compare(float64(whole), f)
}

// comparison is the check of `value operator literal`, for operators between single values.
func comparison(operator string, literal any) func(value any) truth {
	return func(value any) truth {
		c, ok := compare(value, literal)
		if !ok {
			return isUnknown
		}
		switch operator {
		case sqlparser.EqualStr:
			return truthOf(c == 0)
		case sqlparser.NotEqualStr:
			return truthOf(c != 0)
		case sqlparser.LessThanStr:
			return truthOf(c < 0)
		case sqlparser.LessEqualStr:
			return truthOf(c <= 0)
		case sqlparser.GreaterThanStr:
			return truthOf(c > 0)
		}
		return truthOf(c >= 0) // GreaterEqualStr
	}
}

// membership is the check of `value IN literals`.
func membership(literals []any) func(value any) truth {
	return func(value any) truth {
		if value == nil {
			return isUnknown
		}
		return truthOf(slices.ContainsFunc(literals, func(l any) bool {
			c, ok := compare(value, l)
			return ok && c == 0
		}))
	}
}

// prefix is the check of `value STARTS_WITH literal`.
func prefix(literal string) func(value any) truth {
	return func(value any) truth {
		s, ok := value.(string)
		if !ok {
			return isUnknown
		}
		return truthOf(strings.HasPrefix(s, literal))
	}
}

// between is the check of `value BETWEEN from AND to`.
func between(from, to any) func(value any) truth {
	least, most := comparison(sqlparser.GreaterEqualStr, from), comparison(sqlparser.LessEqualStr, to)
	return func(value any) truth { return least(value).and(most(value)) }
}

// listed is the check of a keyword list for one of the literals. Of no list it is false, as in SQLite, not unknown.
func listed(literals []string) func(value any) truth {
	return func(value any) truth {
		list, _ := value.([]string)
		return truthOf(slices.ContainsFunc(list, func(s string) bool { return slices.Contains(literals, s) }))
	}
}

func isNull(value any) truth { return truthOf(value == nil) }
