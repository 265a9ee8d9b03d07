package pebblevisibility_test

import (
	"errors"
	"fmt"
	"testing"

	"go.temporal.io/api/serviceerror"
	"go.temporal.io/server/common/namespace"
	"go.temporal.io/server/common/persistence/visibility/manager"
	"go.temporal.io/server/common/persistence/visibility/store"

	"github.com/postrider/postrider/internal/engine/pebblevisibility"
)

// ask is a list's error, and a count's.
func ask(s store.VisibilityStore, query string) (list, count error) {
	id := namespace.ID(someNamespace)
	_, list = s.ListWorkflowExecutions(bounded(), &manager.ListWorkflowExecutionsRequestV2{NamespaceID: id, PageSize: 1, Query: query})
	_, count = s.CountWorkflowExecutions(bounded(), &manager.CountWorkflowExecutionsRequest{NamespaceID: id, Query: query})
	return list, count
}

func TestABadQueryIsRefusedAsTemporalsSQLiteStoreDoes(t *testing.T) {
	t.Parallel()
	pebble, sqlite := onPebble(t, openDB(t)), onSQLite(t)
	for _, query := range []string{
		"nonsense",
		"WorkflowId",
		"WorkflowId =",
		"WorkflowId = evt_1",
		"WorkflowId = 'a' AND",
		"WorkflowId = 1",
		"Unknown = 'a'",
		"ExecutionStatus = 'Sleeping'",
		"ExecutionStatus = 99",
		"ExecutionStatus = 1.5",
		"ExecutionStatus STARTS_WITH 'Running'",
		"StartTime > 'yesterday'",
		"StartTime STARTS_WITH '2026'",
		"ExecutionDuration > 'long'",
		"HistoryLength = 'a'",
		"Int01 = 'a'",
		"Bool01 = 1",
		"Bool01 BETWEEN true AND false",
		"Text01 < 'a'",
		"Text01 = ' '",
		"Text01 IN ('a', 'b')",
		"KeywordList01 < 'a'",
		"KeywordList01 STARTS_WITH 'a'",
		"Keyword01 STARTS_WITH ('a', 'b')",
		"Keyword01 LIKE 'a%'",
		"Keyword01 IS TRUE",
		"length(Keyword01) = 1",
		"Keyword01 = Keyword02",
		"Keyword01 = 'a' LIMIT 1",
		"ORDER BY StartTime",
		"Keyword01 = 'a' ORDER BY StartTime",
		"GROUP BY WorkflowType",
		"GROUP BY ExecutionStatus, TemporalNamespaceDivision",
		"1 = 1",
	} {
		gotList, gotCount := ask(pebble, query)
		wantList, wantCount := ask(sqlite, query)
		if fmt.Sprintf("%T %v", gotList, gotList) != fmt.Sprintf("%T %v", wantList, wantList) || wantList == nil {
			t.Errorf("list %s:\ngot  %v\nwant %v", query, gotList, wantList)
		}
		if fmt.Sprintf("%T %v", gotCount, gotCount) != fmt.Sprintf("%T %v", wantCount, wantCount) || wantCount == nil {
			t.Errorf("count %s:\ngot  %v\nwant %v", query, gotCount, wantCount)
		}
	}
}

func TestATupleWhereOneValueBelongsIsAnInvalidArgument(t *testing.T) {
	t.Parallel()
	s := onPebble(t, openDB(t))
	for _, query := range []string{
		"Keyword01 = ('a', 'b')", "StartTime > ('2026-01-01T00:00:00Z', '2026-01-01T00:00:00Z')",
		"ExecutionStatus != ('Running', 'Failed')", "Keyword01 IN (('a', 'b'), ('c', 'd'))", "KeywordList01 = ('a', 'b')",
	} {
		list, count := ask(s, query)
		for _, err := range []error{list, count} {
			if bad := new(serviceerror.InvalidArgument); !errors.As(err, &bad) {
				t.Errorf("%s: got %T %v", query, err, err)
			}
		}
	}
}

func TestARunThatIsNotThereIsNotFound(t *testing.T) {
	t.Parallel()
	s := onPebble(t, openDB(t))
	_, err := s.GetWorkflowExecution(t.Context(), &manager.GetWorkflowExecutionRequest{NamespaceID: someNamespace, RunID: someRun})
	if missing := new(serviceerror.NotFound); !errors.As(err, &missing) {
		t.Errorf("got %T %v", err, err)
	}
}

func TestADamagedRecordIsLostDataAndNeverSilence(t *testing.T) {
	t.Parallel()
	for name, value := range map[string][]byte{
		"a record that is gone":            nil,
		"a record of an unknown version":   {99},
		"a record that is cut short":       {1, 2},
		"a record with a length too large": {1, 2, 0xff, 0xff, 0xff, 0x0f},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db := openDB(t)
			s := onPebble(t, db)
			aRun("evt_1", 1, nil).start(t, s)
			if err := pebblevisibility.Damage(db, someNamespace, someRun, value); err != nil {
				t.Fatal(err)
			}
			list, _ := ask(s, "")
			_, count := ask(s, "CloseTime IS NULL AND TaskQueue = ''")
			for _, err := range []error{list, count} {
				if lost := new(serviceerror.DataLoss); !errors.As(err, &lost) {
					t.Errorf("got %T %v", err, err)
				}
			}
		})
	}
}

func TestAStoppedDatabaseIsUnavailable(t *testing.T) {
	t.Parallel()
	db, err := openStopped()
	if err != nil {
		t.Fatal(err)
	}
	list, count := ask(onPebble(t, db), "")
	for _, err := range []error{list, count} {
		if gone := new(serviceerror.Unavailable); !errors.As(err, &gone) {
			t.Errorf("got %T %v", err, err)
		}
	}
}
