package engine_test

import (
	"database/sql"
	"maps"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"

	"github.com/postrider/postrider/internal/engine"
	"github.com/postrider/postrider/internal/testkit/temporaltest"
)

func count(t *testing.T, c client.Client, query string) int64 {
	t.Helper()
	got, err := c.CountWorkflow(t.Context(), &workflowservice.CountWorkflowExecutionsRequest{Query: query})
	if err != nil {
		t.Fatalf("count %s: %v", query, err)
	}
	return got.GetCount()
}

func list(t *testing.T, c client.Client, query string) map[string]bool {
	t.Helper()
	got, err := c.ListWorkflow(t.Context(), &workflowservice.ListWorkflowExecutionsRequest{Query: query})
	if err != nil {
		t.Fatalf("list %s: %v", query, err)
	}
	ids := map[string]bool{}
	for _, e := range got.GetExecutions() {
		ids[e.GetExecution().GetWorkflowId()] = true
	}
	return ids
}

func TestWorkflowsAreListedAndCountedByWhatTheUIAndPeopleAskFor(t *testing.T) {
	t.Parallel()
	onEach(t, listAndCount)
}

func listAndCount(t *testing.T, kind engine.StoreKind) {
	c := temporaltest.Dial(t, temporaltest.StartWith(t, configOf(t, kind)))
	before := time.Now().Add(-time.Minute).UTC().Format(time.RFC3339)
	later := time.Now().Add(time.Minute).UTC().Format(time.RFC3339)
	start(t, c, "evt_1", "DeliverEvent", tenant.ValueSet("acme"), eventType.ValueSet("invoice.paid"))
	start(t, c, "evt_2", "DeliverEvent", tenant.ValueSet("acme"), eventType.ValueSet("invoice.voided"))
	start(t, c, "evt_3", "DeliverEvent", tenant.ValueSet("globex"), eventType.ValueSet("invoice.paid"))
	start(t, c, "report", "Report")
	if err := c.TerminateWorkflow(t.Context(), "evt_3", "", "for the test"); err != nil {
		t.Fatal(err)
	}
	await(t, "visibility", func() bool {
		return count(t, c, "") == 4 && count(t, c, "ExecutionStatus = 'Terminated'") == 1
	})

	for query, want := range map[string][]string{
		"":                                             {"evt_1", "evt_2", "evt_3", "report"},
		"WorkflowType = 'DeliverEvent'":                {"evt_1", "evt_2", "evt_3"},
		"WorkflowType = 'Nothing'":                     {},
		"WorkflowId = 'evt_2'":                         {"evt_2"},
		"WorkflowId STARTS_WITH 'evt_'":                {"evt_1", "evt_2", "evt_3"},
		"ExecutionStatus = 'Running'":                  {"evt_1", "evt_2", "report"},
		"ExecutionStatus = 'Terminated'":               {"evt_3"},
		"ExecutionStatus IN ('Completed', 'Failed')":   {},
		"PostriderTenant = 'acme'":                     {"evt_1", "evt_2"},
		"PostriderEventType = 'invoice.paid'":          {"evt_1", "evt_3"},
		"PostriderEventType STARTS_WITH 'invoice.'":    {"evt_1", "evt_2", "evt_3"},
		"PostriderTenant IS NULL":                      {"report"},
		"StartTime > '" + before + "'":                 {"evt_1", "evt_2", "evt_3", "report"},
		"StartTime > '" + later + "'":                  {},
		"CloseTime IS NULL":                            {"evt_1", "evt_2", "report"},
		"TaskQueue = 'nobody-listens'":                 {"evt_1", "evt_2", "evt_3", "report"},
		"ParentWorkflowId = 'evt_1'":                   {},
		"RootWorkflowId = 'evt_1'":                     {"evt_1"},
		"TemporalNamespaceDivision = 'Other'":          {},
		"TemporalChangeVersion = 'x-1'":                {},
		"TemporalReportedProblems IN ('category=Any')": {},
		"PostriderTenant = 'acme' AND ExecutionStatus = 'Running' AND StartTime BETWEEN '" + before + "' AND '" + later + "'": {"evt_1", "evt_2"},
	} {
		got, wantSet := list(t, c, query), map[string]bool{}
		for _, id := range want {
			wantSet[id] = true
		}
		if !maps.Equal(got, wantSet) {
			t.Errorf("list %s: got %v, want %v", query, got, want)
		}
		if got := count(t, c, query); got != int64(len(want)) {
			t.Errorf("count %s: got %d, want %d", query, got, len(want))
		}
	}

	groups, err := c.CountWorkflow(t.Context(), &workflowservice.CountWorkflowExecutionsRequest{Query: "WorkflowType = 'DeliverEvent' GROUP BY ExecutionStatus"})
	if err != nil {
		t.Fatal(err)
	}
	byStatus := map[string]int64{}
	for _, g := range groups.GetGroups() {
		byStatus[string(g.GetGroupValues()[0].GetData())] = g.GetCount()
	}
	if want := map[string]int64{`"Running"`: 2, `"Terminated"`: 1}; !maps.Equal(byStatus, want) {
		t.Errorf("got %v, want %v", byStatus, want)
	}
}

// What Temporal makes of the queries above, for a look at how SQLite answers them.
const (
	mine   = "namespace_id = 'x' AND TemporalNamespaceDivision IS NULL AND "
	newest = " ORDER BY coalesce(close_time, '9999-12-31 23:59:59+00:00') DESC, start_time DESC, run_id LIMIT 100"
)

func TestListsAndCountsUseAnIndexAndNeedNoSorting(t *testing.T) {
	t.Parallel()
	sharedOn(t, engine.SQLite)
	path := filepath.Join(sharedDirOf(engine.SQLite), "temporal-visibility.db")
	for query, want := range map[string]string{
		"SELECT memo FROM executions_visibility WHERE " + mine + "1" + newest:                                   "default_idx",
		"SELECT memo FROM executions_visibility WHERE " + mine + "status = 1" + newest:                          "by_status",
		"SELECT memo FROM executions_visibility WHERE " + mine + "workflow_type_name = 'DeliverEvent'" + newest: "by_workflow_type",
		"SELECT memo FROM executions_visibility WHERE " + mine + "workflow_id = 'evt_1'" + newest:               "by_workflow_id",
		"SELECT memo FROM executions_visibility WHERE " + mine + "Keyword01 = 'acme'" + newest:                  "by_keyword_01",
		"SELECT memo FROM executions_visibility WHERE " + mine + "Keyword02 = 'invoice.paid'" + newest:          "by_keyword_02",
		"SELECT memo FROM executions_visibility WHERE " + mine + "parent_workflow_id = 'evt_1'" + newest:        "by_parent_workflow_id",
		"SELECT status, count(*) FROM executions_visibility WHERE " + mine + "1 GROUP BY status":                "by_status",
		"SELECT count(*) FROM executions_visibility WHERE " + mine + "workflow_type_name = 'DeliverEvent'":      "by_workflow_type",
		"SELECT count(*) FROM executions_visibility WHERE " + mine + "status = 1":                               "by_status",
	} {
		got := plan(t, path, query)
		if !strings.Contains(got, want+" ") || strings.Contains(got, "TEMP B-TREE") || strings.Contains(got, "SCAN") {
			t.Errorf("%s: got %s, want %s", query, got, want)
		}
	}
}

func plan(t *testing.T, path, query string) string {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+path+"?mode=ro")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	rows, err := db.QueryContext(t.Context(), "EXPLAIN QUERY PLAN "+query)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var steps []string
	for rows.Next() {
		var id, parent, unused int
		var step string
		if err := rows.Scan(&id, &parent, &unused, &step); err != nil {
			t.Fatal(err)
		}
		steps = append(steps, step)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return strings.Join(steps, "; ")
}
