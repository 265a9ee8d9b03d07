package pebblevisibility_test

import (
	"errors"
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"go.temporal.io/api/common/v1"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/server/api/visibilityservice/v1"
	chasmtests "go.temporal.io/server/chasm/lib/tests"
	"go.temporal.io/server/common/persistence/visibility/store"
	"go.temporal.io/server/common/searchattribute/sadefs"
	"google.golang.org/protobuf/testing/protocmp"
)

// Temporal's own kinds of executions have search attributes of their own, in fields of which only their mapper knows.
func TestExecutionsOfAnotherArchetypeAreListedAndCountedAsWithSQLite(t *testing.T) {
	t.Parallel()
	pebble, sqlite := onPebble(t, openDB(t)), onSQLite(t)
	for i, status := range []string{"Open", "Open", "Sealed"} {
		payload := aRun("payload-"+strconv.Itoa(i), 1, func(r *run) {
			r.RunID, r.StartTime = uuid.NewString(), noon().Add(time.Duration(i)*time.Minute)
			r.SearchAttributes = &common.SearchAttributes{IndexedFields: map[string]*common.Payload{
				"TemporalNamespaceDivision":       sadefs.MustEncodeValue(strconv.Itoa(int(chasmtests.ArchetypeID)), enums.INDEXED_VALUE_TYPE_KEYWORD),
				"TemporalInt01":                   sadefs.MustEncodeValue(i, enums.INDEXED_VALUE_TYPE_INT),
				"TemporalLowCardinalityKeyword01": sadefs.MustEncodeValue(status, enums.INDEXED_VALUE_TYPE_KEYWORD),
				"Keyword01":                       sadefs.MustEncodeValue("acme", enums.INDEXED_VALUE_TYPE_KEYWORD),
			}}
		})
		workflow := aRun("workflow-"+strconv.Itoa(i), 1, func(r *run) { r.RunID = uuid.NewString() })
		for _, s := range []store.VisibilityStore{pebble, sqlite} {
			payload.start(t, s)
			workflow.start(t, s)
		}
	}
	for query, want := range map[string]int{
		"":                              3,
		"PayloadTotalCount > 0":         2,
		"ExecutionStatus = 'Sealed'":    1,
		"PayloadStoreId = 'payload-1'":  1,
		"Keyword01 = 'acme'":            3,
		"GROUP BY ExecutionStatus":      3,
		"PayloadTotalCount IN (0, 2.0)": 2,
	} {
		got, want := chasmAnswer(t, pebble, query, want), chasmAnswer(t, sqlite, query, want)
		if diff := cmp.Diff(want, got, protocmp.Transform()); diff != "" {
			t.Errorf("%s (-SQLite +Pebble):\n%s", query, diff)
		}
	}
}

// chasmAnswer is a count and a list, of which the test knows how many they have.
func chasmAnswer(t *testing.T, s store.VisibilityStore, query string, want int) []any {
	t.Helper()
	counted, err := s.CountChasmExecutions(t.Context(), &visibilityservice.CountChasmExecutionsRequest{
		ArchetypeId: chasmtests.ArchetypeID, NamespaceId: someNamespace, Query: query,
	})
	if err != nil {
		t.Fatalf("count %s on %s: %v", query, s.GetName(), err)
	}
	listed, err := s.ListChasmExecutions(t.Context(), &visibilityservice.ListChasmExecutionsRequest{
		ArchetypeId: chasmtests.ArchetypeID, NamespaceId: someNamespace, Query: query, PageSize: 2,
	})
	if err != nil {
		t.Fatalf("list %s on %s: %v", query, s.GetName(), err)
	}
	if got := int(counted.Count); got != want {
		t.Errorf("%s on %s: counted %d, want %d", query, s.GetName(), got, want)
	}
	return []any{counted.Count, counted.Groups, listed.Executions, len(listed.NextPageToken) > 0}
}

func TestAnUnknownArchetypeIsAnInvalidArgument(t *testing.T) {
	t.Parallel()
	s := onPebble(t, openDB(t))
	_, list := s.ListChasmExecutions(t.Context(), &visibilityservice.ListChasmExecutionsRequest{ArchetypeId: 7})
	_, count := s.CountChasmExecutions(t.Context(), &visibilityservice.CountChasmExecutionsRequest{ArchetypeId: 7})
	for _, err := range []error{list, count} {
		if bad := new(serviceerror.InvalidArgument); !errors.As(err, &bad) {
			t.Errorf("got %T %v", err, err)
		}
	}
}
