package pebblevisibility_test

import (
	"testing"
	"time"

	"go.temporal.io/api/common/v1"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/server/common/namespace"
	"go.temporal.io/server/common/persistence/visibility/manager"
	"go.temporal.io/server/common/persistence/visibility/store"
	"go.temporal.io/server/common/searchattribute"
)

const (
	someNamespace = "11111111-0000-4000-8000-000000000001"
	someRun       = "22222222-0000-4000-8000-000000000001"
)

// noon is when everything in these tests starts.
func noon() time.Time { return time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC) }

// run is a request in the making.
type run struct {
	*store.InternalVisibilityRequestBase

	closed time.Time
}

// aRun is of a workflow of the ID that started at noon; change may be nil.
func aRun(id string, version int64, change func(r *run)) run {
	r := run{
		InternalVisibilityRequestBase: &store.InternalVisibilityRequestBase{
			NamespaceID: someNamespace, RunID: someRun, WorkflowID: id, WorkflowTypeName: "DeliverEvent",
			StartTime: noon(), ExecutionTime: noon(), Status: enums.WORKFLOW_EXECUTION_STATUS_RUNNING, TaskID: version,
			Memo: &common.DataBlob{EncodingType: enums.ENCODING_TYPE_PROTO3}, RootWorkflowID: id, RootRunID: someRun,
		},
		closed: noon().Add(time.Minute),
	}
	if change != nil {
		change(&r)
	}
	return r
}

func (r *run) set(attributes map[string]any) {
	known := searchattribute.TestNameTypeMap()
	r.SearchAttributes, _ = searchattribute.Encode(attributes, &known) // the tests would not find what they look for
}

func (r run) start(t failer, s store.VisibilityStore) {
	t.Helper()
	err := s.RecordWorkflowExecutionStarted(bounded(), &store.InternalRecordWorkflowExecutionStartedRequest{InternalVisibilityRequestBase: r.InternalVisibilityRequestBase})
	if err != nil {
		t.Fatalf("start %s: %v", r.WorkflowID, err)
	}
}

func (r run) upsert(t failer, s store.VisibilityStore) {
	t.Helper()
	err := s.UpsertWorkflowExecution(bounded(), &store.InternalUpsertWorkflowExecutionRequest{InternalVisibilityRequestBase: r.InternalVisibilityRequestBase})
	if err != nil {
		t.Fatalf("upsert %s: %v", r.WorkflowID, err)
	}
}

func (r run) close(t failer, s store.VisibilityStore) {
	t.Helper()
	r.Status = enums.WORKFLOW_EXECUTION_STATUS_COMPLETED
	err := s.RecordWorkflowExecutionClosed(bounded(), &store.InternalRecordWorkflowExecutionClosedRequest{
		InternalVisibilityRequestBase: r.InternalVisibilityRequestBase, CloseTime: r.closed,
	})
	if err != nil {
		t.Fatalf("close %s: %v", r.WorkflowID, err)
	}
}

func (r run) delete(t failer, s store.VisibilityStore) {
	t.Helper()
	err := s.DeleteWorkflowExecution(bounded(), &manager.VisibilityDeleteWorkflowExecutionRequest{
		NamespaceID: namespace.ID(r.NamespaceID), RunID: r.RunID, WorkflowID: r.WorkflowID, TaskID: r.TaskID,
	})
	if err != nil {
		t.Fatalf("delete %s: %v", r.WorkflowID, err)
	}
}

// listed are the IDs of the workflows that the query lists, in order.
func listed(t testing.TB, s store.VisibilityStore, q string) []string {
	t.Helper()
	ids := []string{}
	for _, e := range listAll(t, s, someNamespace, q, 1000) {
		ids = append(ids, e.WorkflowID)
	}
	return ids
}
