package pebblevisibility_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"go.temporal.io/server/common/namespace"
	"go.temporal.io/server/common/persistence/visibility/manager"
	"go.temporal.io/server/common/persistence/visibility/store"
)

func TestTimesAreComparedToTheMicrosecond(t *testing.T) {
	t.Parallel()
	pebble, sqlite := onPebble(t, openDB(t)), onSQLite(t)
	for id, d := range map[string]time.Duration{
		"before": -time.Microsecond, "at": 0, "at, and a bit": 999 * time.Nanosecond, "after": time.Microsecond,
	} {
		r := aRun(id, 1, func(r *run) { r.RunID, r.closed, r.StartTime = uuid.NewString(), noon().Add(d), noon().Add(d) })
		r.close(t, pebble)
		r.close(t, sqlite)
	}
	open := aRun("open", 1, func(r *run) { r.RunID, r.StartTime = uuid.NewString(), noon().Add(time.Hour) })
	open.start(t, pebble)
	open.start(t, sqlite)
	now, soon := "'"+noon().Format(time.RFC3339Nano)+"'", "'"+noon().Add(time.Microsecond).Format(time.RFC3339Nano)+"'"
	for query, want := range map[string]string{
		"CloseTime < " + now:                             "before",
		"CloseTime <= " + now:                            "at|at, and a bit|before",
		"CloseTime = " + now:                             "at|at, and a bit",
		"CloseTime != " + now:                            "after|before",
		"CloseTime > " + now:                             "after",
		"CloseTime >= " + now:                            "after|at|at, and a bit",
		"CloseTime BETWEEN " + now + " AND " + soon:      "after|at|at, and a bit",
		"CloseTime NOT BETWEEN " + now + " AND " + soon:  "before",
		"CloseTime BETWEEN " + soon + " AND " + now:      "",
		"CloseTime IN (" + now + ", " + soon + ")":       "after|at|at, and a bit",
		"CloseTime IS NULL":                              "open",
		"CloseTime IS NOT NULL":                          "after|at|at, and a bit|before",
		"NOT CloseTime < " + now:                         "after|at|at, and a bit",
		"NOT CloseTime IS NULL AND CloseTime != " + soon: "at|at, and a bit|before",
		"CloseTime IS NULL OR CloseTime < " + now:        "before|open",
		"CloseTime > " + now + " OR CloseTime < " + now:  "after|before",
		"StartTime < " + now:                             "before",
		"StartTime = " + now + " AND CloseTime IS NULL":  "",
		"StartTime > " + now + " AND CloseTime IS NULL":  "open",
		"StartTime BETWEEN " + now + " AND " + soon:      "after|at|at, and a bit",
		"CloseTime >= " + now + " AND ExecutionStatus = 'Completed' AND WorkflowId = 'at'": "at",
	} {
		for _, s := range []store.VisibilityStore{pebble, sqlite} {
			got := listed(t, s, query)
			slices.Sort(got)
			if got := strings.Join(got, "|"); got != want {
				t.Errorf("%s on %s: got %s, want %s", query, s.GetName(), got, want)
			}
		}
	}
}

func TestARunKeepsTheTimesThatItHasOrLacks(t *testing.T) {
	t.Parallel()
	s := onPebble(t, openDB(t))
	aRun("evt_1", 1, func(r *run) { r.ExecutionTime, r.closed = time.Unix(0, 0), time.Time{} }).close(t, s)
	got, err := s.GetWorkflowExecution(t.Context(), &manager.GetWorkflowExecutionRequest{NamespaceID: namespace.ID(someNamespace), RunID: someRun})
	if err != nil {
		t.Fatal(err)
	}
	if e := got.Execution; !e.StartTime.Equal(noon()) || !e.ExecutionTime.Equal(noon()) || !e.CloseTime.IsZero() {
		t.Errorf("got %v, %v, %v", e.StartTime, e.ExecutionTime, e.CloseTime)
	}
}
