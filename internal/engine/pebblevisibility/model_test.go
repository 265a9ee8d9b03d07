package pebblevisibility_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"go.temporal.io/api/common/v1"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/server/common/namespace"
	"go.temporal.io/server/common/persistence/visibility/manager"
	"go.temporal.io/server/common/persistence/visibility/store"
	"go.temporal.io/server/common/searchattribute"
	"google.golang.org/protobuf/testing/protocmp"
	"pgregory.net/rapid"
)

// pair is the two stores with one namespace of their own in both.
type pair struct {
	pebble, sqlite store.VisibilityStore
	namespaceID    string
	runs           []string
}

func TestTheSameRecordsAndQueriesGiveTheSameAsWithTemporalsSQLiteStore(t *testing.T) {
	t.Parallel()
	pebble, sqlite := onPebble(t, openDB(t)), onSQLite(t)
	rapid.Check(t, func(t *rapid.T) {
		p := pair{pebble: pebble, sqlite: sqlite, namespaceID: uuid.NewString()}
		for range 5 {
			p.runs = append(p.runs, uuid.NewString())
		}
		for range rapid.IntRange(1, 12).Draw(t, "writes") {
			p.write(t)
		}
		for range 6 {
			q := condition(3).Draw(t, "query")
			p.compareLists(t, q)
			p.compareCounts(t, q)
			p.compareCounts(t, strings.TrimSpace(q+" GROUP BY "+rapid.SampledFrom([]string{"ExecutionStatus", "TemporalNamespaceDivision"}).Draw(t, "group")))
		}
		p.compareRecords(t)
	})
}

// write does the same random thing to both.
func (p pair) write(t *rapid.T) {
	run := rapid.SampledFrom(p.runs).Draw(t, "run")
	base := func() *store.InternalVisibilityRequestBase { return request(p.namespaceID, run).Draw(t, "request") }
	ctx := t.Context()
	var do func(s store.VisibilityStore) error
	switch rapid.SampledFrom([]string{"start", "start", "close", "close", "upsert", "delete"}).Draw(t, "kind") {
	case "start":
		req := &store.InternalRecordWorkflowExecutionStartedRequest{InternalVisibilityRequestBase: base()}
		req.Status = enums.WORKFLOW_EXECUTION_STATUS_RUNNING
		do = func(s store.VisibilityStore) error { return s.RecordWorkflowExecutionStarted(ctx, req) }
	case "upsert":
		req := &store.InternalUpsertWorkflowExecutionRequest{InternalVisibilityRequestBase: base()}
		do = func(s store.VisibilityStore) error { return s.UpsertWorkflowExecution(ctx, req) }
	case "close":
		b, closed := base(), moment().Draw(t, "closed")
		size := rapid.Int64Range(0, 3).Draw(t, "size")
		do = func(s store.VisibilityStore) error {
			return s.RecordWorkflowExecutionClosed(ctx, &store.InternalRecordWorkflowExecutionClosedRequest{
				InternalVisibilityRequestBase: b, CloseTime: closed, ExecutionDuration: time.Duration(size) * time.Second,
				HistoryLength: size, HistorySizeBytes: size * 100, StateTransitionCount: size,
			})
		}
	default:
		do = func(s store.VisibilityStore) error {
			return s.DeleteWorkflowExecution(ctx, &manager.VisibilityDeleteWorkflowExecutionRequest{NamespaceID: namespace.ID(p.namespaceID), RunID: run})
		}
	}
	for _, s := range []store.VisibilityStore{p.pebble, p.sqlite} {
		if err := do(s); err != nil {
			t.Fatalf("write to %s: %v", s.GetName(), err)
		}
	}
}

func request(namespaceID, run string) *rapid.Generator[*store.InternalVisibilityRequestBase] {
	return rapid.Custom(func(t *rapid.T) *store.InternalVisibilityRequestBase {
		req := &store.InternalVisibilityRequestBase{
			NamespaceID: namespaceID, RunID: run,
			WorkflowID:       rapid.SampledFrom(ids()).Draw(t, "id"),
			WorkflowTypeName: rapid.SampledFrom(types()).Draw(t, "type"),
			StartTime:        moment().Draw(t, "start"), ExecutionTime: moment().Draw(t, "execution"),
			Status:         rapid.SampledFrom(statuses()).Draw(t, "status"),
			TaskID:         rapid.Int64Range(1, 12).Draw(t, "version"),
			Memo:           &common.DataBlob{Data: []byte(run), EncodingType: enums.ENCODING_TYPE_PROTO3},
			TaskQueue:      rapid.SampledFrom([]string{"q1", "q2"}).Draw(t, "queue"),
			RootWorkflowID: rapid.SampledFrom(ids()).Draw(t, "root"), RootRunID: run,
		}
		if rapid.Bool().Draw(t, "child") {
			parent := rapid.SampledFrom(ids()).Draw(t, "parent")
			req.ParentWorkflowID, req.ParentRunID = &parent, &run
		}
		attributes := map[string]any{}
		set := func(name string, value any) {
			if rapid.Bool().Draw(t, "has "+name) {
				attributes[name] = value
			}
		}
		set("Keyword01", rapid.SampledFrom(keywords()).Draw(t, "Keyword01"))
		set("Keyword02", rapid.SampledFrom(keywords()).Draw(t, "Keyword02"))
		set("Keyword03", rapid.SampledFrom(keywords()).Draw(t, "Keyword03"))
		set("Int01", rapid.Int64Range(-2, 2).Draw(t, "Int01"))
		set("Double01", float64(rapid.IntRange(-4, 4).Draw(t, "Double01"))/2)
		set("Bool01", rapid.Bool().Draw(t, "Bool01"))
		set("Datetime01", moment().Draw(t, "Datetime01"))
		set("Text01", rapid.SampledFrom(texts()).Draw(t, "Text01"))
		set("KeywordList01", rapid.SliceOfN(rapid.SampledFrom(keywords()), 1, 3).Draw(t, "KeywordList01"))
		set("TemporalReportedProblems", rapid.SliceOfN(rapid.SampledFrom(problems()), 1, 2).Draw(t, "problems"))
		if rapid.IntRange(0, 5).Draw(t, "divided") == 0 {
			attributes["TemporalNamespaceDivision"] = rapid.SampledFrom([]string{"Batcher", "Scheduler"}).Draw(t, "division")
		}
		known := searchattribute.TestNameTypeMap()
		encoded, err := searchattribute.Encode(attributes, &known)
		if err != nil {
			t.Fatal(err)
		}
		req.SearchAttributes = encoded
		return req
	})
}

// compareLists reads all pages of both, of a random size.
func (p pair) compareLists(t *rapid.T, q string) {
	size := rapid.IntRange(1, 5).Draw(t, "page size")
	got, want := listAll(t, p.pebble, p.namespaceID, q, size), listAll(t, p.sqlite, p.namespaceID, q, size)
	if diff := cmp.Diff(want, got, protocmp.Transform()); diff != "" {
		t.Fatalf("list %s (-SQLite +Pebble):\n%s", q, diff)
	}
}

type failer interface {
	Helper()
	Fatalf(format string, args ...any)
}

// listAll is all that the query lists, with a nil where a page ended.
func listAll(t failer, s store.VisibilityStore, namespaceID, q string, size int) []*store.InternalExecutionInfo {
	t.Helper()
	var all []*store.InternalExecutionInfo
	page := listPage(t, s, namespaceID, q, size, nil)
	for len(page.NextPageToken) > 0 {
		all = append(append(all, page.Executions...), nil)
		page = listPage(t, s, namespaceID, q, size, page.NextPageToken)
	}
	return append(all, page.Executions...)
}

func listPage(t failer, s store.VisibilityStore, namespaceID, q string, size int, token []byte) *store.InternalListExecutionsResponse {
	t.Helper()
	page, err := s.ListWorkflowExecutions(bounded(), &manager.ListWorkflowExecutionsRequestV2{
		NamespaceID: namespace.ID(namespaceID), PageSize: size, NextPageToken: token, Query: q,
	})
	if err != nil {
		t.Fatalf("list %s on %s: %v", q, s.GetName(), err)
	}
	return page
}

func (p pair) compareCounts(t *rapid.T, q string) {
	got, want := count(t, p.pebble, p.namespaceID, q), count(t, p.sqlite, p.namespaceID, q)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatalf("count %s (-SQLite +Pebble):\n%s", q, diff)
	}
}

// count is the total and the groups, written as text.
func count(t failer, s store.VisibilityStore, namespaceID, q string) string {
	t.Helper()
	got, err := s.CountWorkflowExecutions(bounded(), &manager.CountWorkflowExecutionsRequest{NamespaceID: namespace.ID(namespaceID), Query: q})
	if err != nil {
		t.Fatalf("count %s on %s: %v", q, s.GetName(), err)
	}
	text := fmt.Sprint(got.Count)
	for _, g := range got.Groups {
		text += fmt.Sprintf(" %s (%s): %d", g.GroupValues[0].GetData(), g.GroupValues[0].GetMetadata()["type"], g.Count)
	}
	return text
}

// compareRecords asks both for every run by its ID.
func (p pair) compareRecords(t *rapid.T) {
	for _, run := range p.runs {
		req := &manager.GetWorkflowExecutionRequest{NamespaceID: namespace.ID(p.namespaceID), RunID: run}
		got, gotErr := p.pebble.GetWorkflowExecution(t.Context(), req)
		want, wantErr := p.sqlite.GetWorkflowExecution(t.Context(), req)
		if (gotErr == nil) != (wantErr == nil) {
			t.Fatalf("run %s: error %v with Pebble, %v with SQLite", run, gotErr, wantErr)
		}
		if diff := cmp.Diff(want, got, protocmp.Transform()); gotErr == nil && diff != "" {
			t.Fatalf("run %s (-SQLite +Pebble):\n%s", run, diff)
		}
	}
}
