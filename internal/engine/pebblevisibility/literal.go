package pebblevisibility

import (
	"strconv"
	"time"

	"github.com/temporalio/sqlparser"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/server/common/persistence/visibility/store/query"
	"go.temporal.io/server/common/searchattribute/sadefs"
)

// literal is a value of a query as rows have it.
func literal(col *query.SAColumn, value any) (any, error) {
	if _, isTuple := value.([]any); isTuple {
		return nil, invalid("unexpected tuple for search attribute %s", col.Alias)
	}
	s, isString := value.(string)
	switch {
	case col.FieldName == sadefs.ExecutionStatus && isString:
		status, err := enums.WorkflowExecutionStatusFromString(s)
		if err != nil {
			return nil, invalid("invalid %s value '%s'", sadefs.ExecutionStatus, s)
		}
		return int64(status), nil
	case col.ValueType == enums.INDEXED_VALUE_TYPE_DATETIME && isString:
		t, err := time.Parse(time.RFC3339Nano, s)
		if err != nil {
			return nil, invalid("unable to parse datetime '%s'", s)
		}
		return instantOf(t), nil
	}
	return value, nil
}

func literalList(col *query.SAColumn, value any) ([]any, error) {
	values, ok := value.([]any)
	if !ok {
		return nil, invalid("unexpected value for search attribute %s (expected tuple, got %v)", col.Alias, value)
	}
	literals := make([]any, len(values))
	for i, v := range values {
		var err error
		if literals[i], err = literal(col, v); err != nil {
			return nil, err
		}
	}
	return literals, nil
}

// closeTime is the narrowing that follows from `CloseTime operator literal`.
func closeTime(operator string, literal any) narrowing {
	t, ok := literal.(instant)
	if !ok {
		return anywhere()
	}
	switch operator {
	case sqlparser.EqualStr:
		return closedWithin(t, t)
	case sqlparser.GreaterThanStr:
		return closedWithin(t+1, stillOpen-1)
	case sqlparser.GreaterEqualStr:
		return closedWithin(t, stillOpen-1)
	case sqlparser.LessThanStr:
		return closedWithin(never, t-1)
	case sqlparser.LessEqualStr:
		return closedWithin(never, t)
	}
	return closedWithin(never, stillOpen-1)
}

// termsOf is the narrowing that follows from the column having one of the literals.
func termsOf(col *query.SAColumn, literals []any) narrowing {
	var terms []term
	for _, l := range literals {
		found := termsWith(col.FieldName, l)
		if len(found) == 0 {
			return anywhere()
		}
		terms = append(terms, found...)
	}
	return among(terms...)
}

func termsWith(name string, literal any) []term {
	if n, ok := literal.(int64); ok && name == sadefs.ExecutionStatus {
		return []term{{field: byStatus, value: strconv.FormatInt(n, 10)}}
	}
	s, ok := literal.(string)
	if !ok {
		return nil
	}
	if name == sadefs.RootWorkflowID {
		return []term{{field: byRootWorkflowID, value: s}, {field: byWorkflowID, value: s}} // see terms: most are their own root
	}
	for _, f := range []field{byType, byWorkflowID, byKeyword01, byKeyword02, byDivision, byParentWorkflowID, byRunID} {
		if f.name() == name {
			return []term{{field: f, value: s}}
		}
	}
	return nil
}
