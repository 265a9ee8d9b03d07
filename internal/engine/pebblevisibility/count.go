package pebblevisibility

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"

	"go.temporal.io/api/common/v1"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/server/common/persistence/visibility/store"
	"go.temporal.io/server/common/persistence/visibility/store/query"
	"go.temporal.io/server/common/searchattribute"
	"go.temporal.io/server/common/searchattribute/sadefs"

	"github.com/postrider/postrider/internal/engine/pebblestore/keys"
)

// count is how many runs the question is about, in groups if it asks for them.
func (s *visibilityStore) count(ctx context.Context, q question) (_ *store.InternalCountExecutionsResponse, err error) {
	p, err := s.parse(q)
	if err != nil {
		return nil, err
	}
	t := newTally(p.groupBy)
	snapshot, err := newSnapshot(s.writer.db, q.namespaceID.String())
	if err != nil {
		return nil, failed("count executions", err)
	}
	defer func() { err = failed("count executions", errors.Join(err, snapshot.close())) }()
	if t.asksOnly(p.filter, classFields()) {
		err = snapshot.addUp(p.filter, t)
	} else {
		err = snapshot.count(ctx, p.filter, t)
	}
	if err != nil {
		return nil, err
	}
	return t.response(p.types)
}

// addUp tallies the counts of the classes that the filter is true for.
func (s *snapshot) addUp(f *filter, t *tally) error {
	prefix := space(spaceCounts, s.namespaceID)
	it, err := s.iter(prefix, keys.End(prefix))
	if err != nil {
		return err
	}
	for ok := it.First(); ok; ok = it.Next() {
		c, err := decodeClass(bytes.TrimPrefix(it.Key(), prefix))
		if err != nil {
			return fmt.Errorf("%w: key of a count", errCorrupt)
		}
		value, err := it.ValueAndErr()
		if err != nil {
			return err
		}
		n, err := decodeCount(value)
		if err != nil {
			return err
		}
		if f.matches(c) {
			t.add(c, n)
		}
	}
	return it.Error()
}

// count tallies the runs that the filter is true for, one by one.
func (s *snapshot) count(ctx context.Context, f *filter, t *tally) error {
	search, err := newCount(s, f, t.fields()...)
	if err != nil {
		return err
	}
	if search.readsAll() {
		return s.each(ctx, func(r *record) {
			if f.matches(r) {
				t.add(r, 1)
			}
		})
	}
	return search.run(ctx, func(found row, _ *entry) (enough bool, err error) {
		t.add(found, 1)
		return false, nil
	})
}

// tally is a count in the making.
type tally struct {
	by     *query.SAColumn // nil for a single group
	total  int64
	groups map[any]int64 // by the column's value
}

func newTally(by *query.SAColumn) *tally { return &tally{by: by, groups: map[any]int64{}} }

func (t *tally) fields() []string {
	if t.by == nil {
		return nil
	}
	return []string{t.by.FieldName}
}

func (t *tally) asksOnly(f *filter, known []string) bool {
	return subset(slices.Concat(f.fields, t.fields()), known)
}

func (t *tally) add(r row, n int64) {
	t.total += n
	if t.by == nil {
		return
	}
	value := r.value(t.by.FieldName)
	if value == nil && t.by.FieldName == sadefs.TemporalNamespaceDivision {
		value = "" // as Temporal has it
	}
	t.groups[value] += n
}

func (t *tally) response(types searchattribute.NameTypeMap) (*store.InternalCountExecutionsResponse, error) {
	response := &store.InternalCountExecutionsResponse{Count: t.total}
	if t.by == nil {
		return response, nil
	}
	valueType, err := types.GetType(t.by.FieldName)
	if err != nil {
		return nil, err
	}
	for _, value := range t.values() {
		n := t.groups[value]
		if status, ok := value.(int64); ok && t.by.FieldName == sadefs.ExecutionStatus {
			value = enums.WorkflowExecutionStatus(status).String()
		}
		payload, err := sadefs.EncodeValue(value, valueType)
		if err != nil {
			return nil, err
		}
		response.Groups = append(response.Groups, store.InternalAggregationGroup{
			GroupValues: []*common.Payload{payload}, Count: n,
		})
	}
	return response, nil
}

// values are the groups' in order, NULL first.
func (t *tally) values() []any {
	var values []any
	for v := range t.groups {
		values = append(values, v)
	}
	slices.SortFunc(values, func(a, b any) int {
		if c, ok := compare(a, b); ok {
			return c
		}
		return ordinal(a != nil) - ordinal(b != nil)
	})
	return values
}
