package pebblevisibility

import (
	"time"

	"github.com/temporalio/sqlparser"
	"go.temporal.io/server/common/persistence/visibility/store/query"
	"go.temporal.io/server/common/searchattribute/sadefs"
)

// converter makes filters for Temporal's query parser. Where there is no condition, it is given and gives nil.
type converter struct{}

var _ query.StoreQueryConverter[*filter] = converter{}

func invalid(format string, args ...any) error {
	return query.NewConverterError("%s: "+format, append([]any{query.InvalidExpressionErrMessage}, args...)...)
}

// GetDatetimeFormat is that in which the parser hands over times.
func (converter) GetDatetimeFormat() string { return time.RFC3339Nano }

func (converter) BuildParenExpr(f *filter) (*filter, error) { return f, nil }

func (converter) BuildNotExpr(f *filter) (*filter, error) { return f.not(), nil }

func (converter) BuildAndExpr(fs ...*filter) (*filter, error) { return reduce((*filter).and, fs), nil }

func (converter) BuildOrExpr(fs ...*filter) (*filter, error) { return reduce((*filter).or, fs), nil }

func reduce(join func(a, b *filter) *filter, fs []*filter) *filter {
	var all *filter
	for _, f := range fs {
		switch {
		case f == nil:
		case all == nil:
			all = f
		default:
			all = join(all, f)
		}
	}
	return all
}

// on is the filter that checks one column.
func on(col *query.SAColumn, check func(value any) truth, n narrowing) *filter {
	name := col.FieldName
	return &filter{
		check:  func(r row) truth { return check(r.value(name)) },
		fields: []string{name},
		narrow: n,
	}
}

// ConvertComparisonExpr is called for numbers, booleans and times.
func (converter) ConvertComparisonExpr(operator string, col *query.SAColumn, value any) (*filter, error) {
	switch operator {
	case sqlparser.InStr, sqlparser.NotInStr:
		literals, err := literalList(col, value)
		if err != nil {
			return nil, err
		}
		check, negated := membership(literals), operator == sqlparser.NotInStr
		if negated {
			return on(col, check, anywhere()).not(), nil
		}
		return on(col, check, termsOf(col, literals)), nil
	}
	l, err := literal(col, value)
	if err != nil {
		return nil, err
	}
	n := anywhere()
	switch {
	case operator == sqlparser.EqualStr && col.FieldName != sadefs.CloseTime:
		n = termsOf(col, []any{l})
	case col.FieldName == sadefs.CloseTime:
		n = closeTime(operator, l)
	}
	return on(col, comparison(operator, l), n), nil
}

// ConvertKeywordComparisonExpr is called for keywords, among which is the status.
func (c converter) ConvertKeywordComparisonExpr(operator string, col *query.SAColumn, value any) (*filter, error) {
	if operator != sqlparser.StartsWithStr && operator != sqlparser.NotStartsWithStr {
		return c.ConvertComparisonExpr(operator, col, value)
	}
	s, ok := value.(string)
	if !ok || col.FieldName == sadefs.ExecutionStatus {
		return nil, invalid("right-hand side of %q operator must be a literal string (got: %v)", operator, value)
	}
	f := on(col, prefix(s), anywhere())
	if terms := termsWith(col.FieldName, s); len(terms) == 1 && terms[0].field != byRunID {
		terms[0].prefix = true
		f.narrow = among(terms...)
	}
	if operator == sqlparser.NotStartsWithStr {
		return f.not(), nil
	}
	return f, nil
}

// ConvertKeywordListComparisonExpr is called for lists of keywords.
func (converter) ConvertKeywordListComparisonExpr(operator string, col *query.SAColumn, value any) (*filter, error) {
	values, isList := value.([]any)
	switch operator {
	case sqlparser.EqualStr, sqlparser.NotEqualStr:
		values = []any{value}
	default:
		if !isList {
			return nil, invalid("unexpected value type (expected tuple of strings, got %v)", value)
		}
	}
	keywords := make([]string, len(values))
	terms := make([]term, len(values))
	for i, v := range values {
		s, ok := v.(string)
		if !ok {
			return nil, invalid("unexpected value type (expected string, got %v)", v)
		}
		keywords[i], terms[i] = s, term{field: byProblem, value: s}
	}
	n := anywhere()
	if col.FieldName == sadefs.TemporalReportedProblems {
		n = among(terms...)
	}
	f := on(col, listed(keywords), n)
	if operator == sqlparser.NotEqualStr || operator == sqlparser.NotInStr {
		return f.not(), nil
	}
	return f, nil
}

// ConvertTextComparisonExpr is called for texts: equality is to have one of the words.
func (converter) ConvertTextComparisonExpr(operator string, col *query.SAColumn, value any) (*filter, error) {
	s, ok := value.(string)
	if !ok {
		return nil, invalid("unexpected value type (expected string, got %v)", value)
	}
	phrases := query.TokenizeTextQueryString(s)
	if len(phrases) == 0 {
		return nil, invalid("unexpected value for Text type search attribute (no tokens found)")
	}
	f := on(col, mentions(phrases), anywhere())
	if operator == sqlparser.NotEqualStr {
		return f.not(), nil
	}
	return f, nil
}

// ConvertRangeExpr is called for BETWEEN.
func (converter) ConvertRangeExpr(operator string, col *query.SAColumn, from, to any) (*filter, error) {
	least, err := literal(col, from)
	if err != nil {
		return nil, err
	}
	most, err := literal(col, to)
	if err != nil {
		return nil, err
	}
	n := anywhere()
	if col.FieldName == sadefs.CloseTime {
		n = closeTime(sqlparser.GreaterEqualStr, least).and(closeTime(sqlparser.LessEqualStr, most))
	}
	f := on(col, between(least, most), n)
	if operator == sqlparser.NotBetweenStr {
		return f.not(), nil
	}
	return f, nil
}

// ConvertIsExpr is called for IS NULL and IS NOT NULL.
func (converter) ConvertIsExpr(operator string, col *query.SAColumn) (*filter, error) {
	if operator == sqlparser.IsNotNullStr {
		f := on(col, isNull, anywhere()).not()
		if col.FieldName == sadefs.CloseTime {
			f.narrow = closedWithin(never, stillOpen-1)
		}
		return f, nil
	}
	n := anywhere()
	if col.FieldName == sadefs.CloseTime {
		n = closedWithin(stillOpen, stillOpen)
	}
	return on(col, isNull, n), nil
}
