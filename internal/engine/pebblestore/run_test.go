package pebblestore_test

import (
	"bytes"
	"context"
	"fmt"
	"time"

	"go.temporal.io/api/common/v1"
	"go.temporal.io/api/enums/v1"
	enumsspb "go.temporal.io/server/api/enums/v1"
	persistencespb "go.temporal.io/server/api/persistence/v1"
	"go.temporal.io/server/chasm"
	"go.temporal.io/server/common/persistence"
	"go.temporal.io/server/common/persistence/serialization"
	"go.temporal.io/server/service/history/tasks"
)

const namespaceID = "0198c0de-0000-7000-8000-000000000001"

// run is a run of a workflow whose records tell which version they are of: at version n it has n nodes of history, n
// transfer tasks and timer tasks, and the three latest timers.
type run struct {
	shard      int32
	workflowID string
	runID      string
	first      int64 // ID of its tasks, less the version
}

func newRun(shard int32, n int) run {
	return run{
		shard: shard, workflowID: fmt.Sprintf("evt_%06d", n), runID: fmt.Sprintf("0198c0de-0000-7000-9000-%012d", n),
		first: int64(n) * 1000,
	}
}

func text(s string) *common.DataBlob {
	return &common.DataBlob{EncodingType: enums.ENCODING_TYPE_PROTO3, Data: []byte(s)}
}

// padding makes records as large as those of webhooks with some payload.
var padding = string(make([]byte, 300))

func (r run) info(version int64) *common.DataBlob {
	return text(fmt.Sprintf("info of %s at %d%s", r.workflowID, version, padding))
}

func (r run) events(version int64) *common.DataBlob {
	return text(fmt.Sprintf("events of %s at %d%s", r.workflowID, version, padding))
}

func (r run) state() *persistencespb.WorkflowExecutionState {
	return &persistencespb.WorkflowExecutionState{
		RunId: r.runID, CreateRequestId: "request of " + r.workflowID,
		State: enumsspb.WORKFLOW_EXECUTION_STATE_RUNNING, Status: enums.WORKFLOW_EXECUTION_STATUS_RUNNING,
	}
}

func blobOf(state *persistencespb.WorkflowExecutionState) *common.DataBlob {
	blob, err := serialization.NewSerializer().WorkflowExecutionStateToBlob(state)
	if err != nil {
		panic(err)
	}
	return blob
}

func (r run) branch() *persistencespb.HistoryBranch {
	return &persistencespb.HistoryBranch{TreeId: r.runID, BranchId: r.runID}
}

func (r run) token() []byte {
	blob, err := serialization.NewSerializer().HistoryBranchToBlob(r.branch())
	if err != nil {
		panic(err)
	}
	return blob.Data
}

func (r run) node(version int64) []*persistence.InternalAppendHistoryNodesRequest {
	return []*persistence.InternalAppendHistoryNodesRequest{{
		ShardID: r.shard, BranchToken: r.token(), BranchInfo: r.branch(), IsNewBranch: version == 1, TreeInfo: text(r.workflowID),
		Node: persistence.InternalHistoryNode{
			NodeID: version, TransactionID: version, PrevTransactionID: version - 1, Events: r.events(version),
		},
	}}
}

func fireTime(id int64) time.Time { return time.Unix(1_800_000_000+id, 0).UTC() }

func (r run) tasks(version int64) map[tasks.Category][]persistence.InternalHistoryTask {
	id := r.first + version
	blob := text(fmt.Sprintf("task of %s at %d", r.workflowID, version))
	return map[tasks.Category][]persistence.InternalHistoryTask{
		tasks.CategoryTransfer: {{Key: tasks.NewImmediateKey(id), Blob: blob}},
		tasks.CategoryTimer:    {{Key: tasks.NewKey(fireTime(id), id), Blob: blob}},
	}
}

func timerID(version int64) string { return fmt.Sprintf("timer %d", version) }

func (r run) create(rangeID int64) *persistence.InternalCreateWorkflowExecutionRequest {
	return &persistence.InternalCreateWorkflowExecutionRequest{
		ShardID: r.shard, RangeID: rangeID, Mode: persistence.CreateWorkflowModeBrandNew, ArchetypeID: chasm.WorkflowArchetypeID,
		NewWorkflowSnapshot: persistence.InternalWorkflowSnapshot{
			NamespaceID: namespaceID, WorkflowID: r.workflowID, RunID: r.runID, DBRecordVersion: 1, NextEventID: 2, LastWriteVersion: 1,
			ExecutionInfoBlob: r.info(1), ExecutionState: r.state(), ExecutionStateBlob: blobOf(r.state()),
			TimerInfos: map[string]*common.DataBlob{timerID(1): text(timerID(1))}, Tasks: r.tasks(1),
		},
		NewWorkflowNewEvents: r.node(1),
	}
}

// update is to the version from the one before.
func (r run) update(rangeID, version int64) *persistence.InternalUpdateWorkflowExecutionRequest {
	return &persistence.InternalUpdateWorkflowExecutionRequest{
		ShardID: r.shard, RangeID: rangeID, Mode: persistence.UpdateWorkflowModeUpdateCurrent, ArchetypeID: chasm.WorkflowArchetypeID,
		UpdateWorkflowMutation: persistence.InternalWorkflowMutation{
			NamespaceID: namespaceID, WorkflowID: r.workflowID, RunID: r.runID, DBRecordVersion: version, NextEventID: version + 1,
			LastWriteVersion: version, ExecutionInfoBlob: r.info(version), ExecutionState: r.state(), ExecutionStateBlob: blobOf(r.state()),
			UpsertTimerInfos: map[string]*common.DataBlob{timerID(version): text(timerID(version))},
			DeleteTimerInfos: map[string]struct{}{timerID(version - 3): {}}, Tasks: r.tasks(version),
		},
		UpdateWorkflowNewEvents: r.node(version),
	}
}

// check reads everything of the run. It returns its version, or zero if there is nothing of it at all, or an error when
// records are missing, of different versions, or not what was written.
func (r run) check(ctx context.Context, s persistence.ExecutionStore) (version int64, err error) {
	found, err := s.GetWorkflowExecution(ctx, &persistence.GetWorkflowExecutionRequest{
		ShardID: r.shard, NamespaceID: namespaceID, WorkflowID: r.workflowID, RunID: r.runID,
	})
	switch {
	case isNotFound(err):
	case err != nil:
		return 0, err
	default:
		version = found.DBRecordVersion
		if got, want := string(found.State.ExecutionInfo.Data), string(r.info(version).Data); got != want {
			return 0, fmt.Errorf("info is %q", got)
		}
		if len(found.State.TimerInfos) != int(min(version, 3)) || found.State.TimerInfos[timerID(version)] == nil {
			return 0, fmt.Errorf("timers at %d are %v", version, found.State.TimerInfos)
		}
	}
	for what, check := range map[string]func(context.Context, persistence.ExecutionStore, int64) error{
		"current run": r.checkCurrent, "history": r.checkHistory, "tasks": r.checkTasks,
	} {
		if err := check(ctx, s, version); err != nil {
			return 0, fmt.Errorf("%s of %s at version %d: %w", what, r.workflowID, version, err)
		}
	}
	return version, nil
}

func (r run) checkCurrent(ctx context.Context, s persistence.ExecutionStore, version int64) error {
	found, err := s.GetCurrentExecution(ctx, &persistence.GetCurrentExecutionRequest{
		ShardID: r.shard, NamespaceID: namespaceID, WorkflowID: r.workflowID, ArchetypeID: chasm.WorkflowArchetypeID,
	})
	switch {
	case isNotFound(err) && version == 0:
		return nil
	case err != nil:
		return err
	case version == 0 || found.RunID != r.runID:
		return fmt.Errorf("it is %s", found.RunID)
	}
	return nil
}

func (r run) checkHistory(ctx context.Context, s persistence.ExecutionStore, version int64) error {
	found, err := s.ReadHistoryBranch(ctx, &persistence.InternalReadHistoryBranchRequest{
		ShardID: r.shard, BranchToken: r.token(), BranchID: r.runID, MinNodeID: 1, MaxNodeID: 1 << 40, PageSize: 1000,
	})
	if err != nil {
		return err
	}
	if len(found.Nodes) != int(version) {
		return fmt.Errorf("it has %d nodes", len(found.Nodes))
	}
	for i, node := range found.Nodes {
		n := int64(i) + 1
		if node.NodeID != n || node.TransactionID != n || node.PrevTransactionID != n-1 || !bytes.Equal(node.Events.Data, r.events(n).Data) {
			return fmt.Errorf("node %d is %v", n, node)
		}
	}
	tree, err := s.GetHistoryTreeContainingBranch(ctx, &persistence.InternalGetHistoryTreeContainingBranchRequest{
		ShardID: r.shard, BranchToken: r.token(),
	})
	if err == nil && len(tree.TreeInfos) != int(min(version, 1)) {
		err = fmt.Errorf("it has %d branches", len(tree.TreeInfos))
	}
	return err
}

func (r run) checkTasks(ctx context.Context, s persistence.ExecutionStore, version int64) error {
	from, to := r.first, r.first+1000
	for _, category := range []tasks.Category{tasks.CategoryTransfer, tasks.CategoryTimer} {
		request := &persistence.GetHistoryTasksRequest{
			ShardID: r.shard, TaskCategory: category, BatchSize: 1000,
			InclusiveMinTaskKey: tasks.NewImmediateKey(from), ExclusiveMaxTaskKey: tasks.NewImmediateKey(to),
		}
		if category.Type() == tasks.CategoryTypeScheduled {
			request.InclusiveMinTaskKey, request.ExclusiveMaxTaskKey = tasks.NewKey(fireTime(from), 0), tasks.NewKey(fireTime(to), 0)
		}
		found, err := s.GetHistoryTasks(ctx, request)
		if err != nil {
			return err
		}
		if len(found.Tasks) != int(version) {
			return fmt.Errorf("there are %d of category %s", len(found.Tasks), category.Name())
		}
		for i, task := range found.Tasks {
			want := r.tasks(int64(i) + 1)[category][0]
			if task.Key.CompareTo(want.Key) != 0 || !bytes.Equal(task.Blob.Data, want.Blob.Data) {
				return fmt.Errorf("task %d of category %s is %v", i, category.Name(), task)
			}
		}
	}
	return nil
}
