package pebblestore_test

import (
	"fmt"
	"slices"
	"time"

	"go.temporal.io/api/common/v1"
	"go.temporal.io/api/enums/v1"
	enumsspb "go.temporal.io/server/api/enums/v1"
	persistencespb "go.temporal.io/server/api/persistence/v1"
	"go.temporal.io/server/chasm"
	"go.temporal.io/server/common/persistence"
	"google.golang.org/protobuf/types/known/timestamppb"
	"pgregory.net/rapid"
)

var (
	workflowIDs = []string{"evt_1", "evt_1\x01", "évt/2 "}
	runIDs      = []string{
		"0198c0de-0000-7000-9000-000000000001", "0198c0de-0000-7000-9000-000000000002", "0198c0de-0000-7000-9000-000000000003",
	}
)

func (m *model) createShard(t *rapid.T) {
	for range 2 {
		_, _ = both(t, m, "GetOrCreateShard", func(s stores) (*common.DataBlob, error) {
			r, err := s.shards.GetOrCreateShard(m.ctx, &persistence.InternalGetOrCreateShardRequest{
				ShardID: m.shard, CreateShardInfo: func() (int64, *common.DataBlob, error) { return m.rangeID, text("shard"), nil },
			})
			return r.ShardInfo, err
		})
	}
}

func (m *model) drawRange(t *rapid.T) int64 {
	return usually(t, m.rangeID, rapid.Int64Range(5, 9), "range ID")
}

func (m *model) updateShard(t *rapid.T) {
	previous, next := m.drawRange(t), m.rangeID+rapid.Int64Range(0, 1).Draw(t, "more")
	_, err := both(t, m, "UpdateShard", func(s stores) (any, error) {
		return nil, s.shards.UpdateShard(m.ctx, &persistence.InternalUpdateShardRequest{
			ShardID: m.shard, RangeID: next, PreviousRangeID: previous, ShardInfo: text("updated"),
		})
	})
	if err == nil {
		m.rangeID = next
	}
}

func drawState(t *rapid.T, runID string) *persistencespb.WorkflowExecutionState {
	state := &persistencespb.WorkflowExecutionState{
		RunId: runID, CreateRequestId: rapid.SampledFrom([]string{"r1", "r2"}).Draw(t, "request ID"),
		State: enumsspb.WORKFLOW_EXECUTION_STATE_RUNNING, Status: enums.WORKFLOW_EXECUTION_STATUS_RUNNING,
		StartTime:  timestamppb.New(time.Unix(1_800_000_000, 0)),
		RequestIds: map[string]*persistencespb.RequestIDInfo{"r1": {EventId: 1}},
	}
	if rapid.Bool().Draw(t, "completed") {
		state.State, state.Status = enumsspb.WORKFLOW_EXECUTION_STATE_COMPLETED, enums.WORKFLOW_EXECUTION_STATUS_COMPLETED
	}
	return state
}

func drawBlob() *rapid.Generator[*common.DataBlob] {
	return rapid.Custom(func(t *rapid.T) *common.DataBlob { return text(rapid.StringN(1, 5, 20).Draw(t, "blob")) })
}

func drawEvents(t *rapid.T, label string) map[int64]*common.DataBlob {
	return rapid.MapOfN(rapid.Int64Range(-2, 3), drawBlob(), 0, 3).Draw(t, label)
}

func drawIDs[K comparable](t *rapid.T, ids *rapid.Generator[K], label string) map[K]struct{} {
	set := map[K]struct{}{}
	for _, id := range rapid.SliceOfN(ids, 0, 2).Draw(t, label) {
		set[id] = struct{}{}
	}
	return set
}

func names() *rapid.Generator[string] { return rapid.SampledFrom([]string{"a", "a\x00", "b", "a/b"}) }

func drawNodes(t *rapid.T, label string) map[string]persistence.InternalChasmNode {
	nodes := map[string]persistence.InternalChasmNode{}
	for _, path := range rapid.SliceOfN(names(), 0, 2).Draw(t, label) {
		nodes[path] = persistence.InternalChasmNode{Metadata: drawBlob().Draw(t, "metadata")}
		if rapid.Bool().Draw(t, "with data") {
			nodes[path] = persistence.InternalChasmNode{Metadata: drawBlob().Draw(t, "metadata"), Data: drawBlob().Draw(t, "data")}
		}
	}
	return nodes
}

func (m *model) drawSnapshot(t *rapid.T, workflowID string) persistence.InternalWorkflowSnapshot {
	runID := rapid.SampledFrom(runIDs).Draw(t, "run")
	state := drawState(t, runID)
	return persistence.InternalWorkflowSnapshot{
		NamespaceID: namespaceID, WorkflowID: workflowID, RunID: runID,
		ExecutionInfoBlob: drawBlob().Draw(t, "info"), ExecutionState: state, ExecutionStateBlob: blobOf(state),
		NextEventID: rapid.Int64Range(2, 4).Draw(t, "next event"), LastWriteVersion: rapid.Int64Range(1, 2).Draw(t, "write version"),
		DBRecordVersion: m.drawVersion(t, workflowID, runID), Condition: rapid.Int64Range(2, 4).Draw(t, "condition"),
		ActivityInfos: drawEvents(t, "activities"), ChildExecutionInfos: drawEvents(t, "children"),
		RequestCancelInfos: drawEvents(t, "cancels"), SignalInfos: drawEvents(t, "signals"),
		TimerInfos:         rapid.MapOfN(names(), drawBlob(), 0, 2).Draw(t, "timers"),
		SignalRequestedIDs: drawIDs(t, names(), "requested"), ChasmNodes: drawNodes(t, "nodes"), Tasks: m.drawTasks(t),
	}
}

func (m *model) drawMutation(t *rapid.T, workflowID string) persistence.InternalWorkflowMutation {
	runID := m.drawRun(t, workflowID)
	state := drawState(t, runID)
	events := rapid.Int64Range(-2, 3)
	mutation := persistence.InternalWorkflowMutation{
		NamespaceID: namespaceID, WorkflowID: workflowID, RunID: runID,
		ExecutionInfoBlob: drawBlob().Draw(t, "info"), ExecutionState: state, ExecutionStateBlob: blobOf(state),
		NextEventID: rapid.Int64Range(2, 4).Draw(t, "next event"), LastWriteVersion: rapid.Int64Range(1, 2).Draw(t, "write version"),
		DBRecordVersion: m.drawVersion(t, workflowID, runID), Condition: rapid.Int64Range(2, 4).Draw(t, "condition"),
		UpsertActivityInfos: drawEvents(t, "activities"), DeleteActivityInfos: drawIDs(t, events, "no activities"),
		UpsertChildExecutionInfos: drawEvents(t, "children"), DeleteChildExecutionInfos: drawIDs(t, events, "no children"),
		UpsertRequestCancelInfos: drawEvents(t, "cancels"), DeleteRequestCancelInfos: drawIDs(t, events, "no cancels"),
		UpsertSignalInfos: drawEvents(t, "signals"), DeleteSignalInfos: drawIDs(t, events, "no signals"),
		UpsertTimerInfos:         rapid.MapOfN(names(), drawBlob(), 0, 2).Draw(t, "timers"),
		DeleteTimerInfos:         drawIDs(t, names(), "no timers"),
		UpsertSignalRequestedIDs: drawIDs(t, names(), "requested"), DeleteSignalRequestedIDs: drawIDs(t, names(), "not requested"),
		UpsertChasmNodes: drawNodes(t, "nodes"), DeleteChasmNodes: drawIDs(t, names(), "no nodes"),
		ClearBufferedEvents: rapid.Bool().Draw(t, "clear"), Tasks: m.drawTasks(t),
	}
	if rapid.Bool().Draw(t, "buffer") {
		mutation.NewBufferedEvents = drawBlob().Draw(t, "buffered")
	}
	return mutation
}

// drawRun is often one that is there.
func (m *model) drawRun(t *rapid.T, workflowID string) string {
	var there []string
	for _, runID := range runIDs {
		if m.recordVersion[workflowID+runID] > 0 {
			there = append(there, runID)
		}
	}
	if len(there) > 0 && rapid.IntRange(0, 3).Draw(t, "known run") > 0 {
		return rapid.SampledFrom(there).Draw(t, "known run")
	}
	return rapid.SampledFrom(runIDs).Draw(t, "run")
}

// reset makes the snapshot one of a run that is often there.
func (m *model) reset(t *rapid.T, run *persistence.InternalWorkflowSnapshot) {
	run.RunID = m.drawRun(t, run.WorkflowID)
	run.ExecutionState.RunId = run.RunID
	run.ExecutionStateBlob = blobOf(run.ExecutionState)
	run.DBRecordVersion = m.drawVersion(t, run.WorkflowID, run.RunID)
}

// seldom keeps deletes from leaving nothing to work on.
func seldom(t *rapid.T) bool { return rapid.IntRange(0, 4).Draw(t, "seldom") == 0 }

func (m *model) drawVersion(t *rapid.T, workflowID, runID string) int64 {
	return usually(t, m.recordVersion[workflowID+runID]+1, rapid.Int64Range(0, 3), "record version")
}

func (m *model) drawWorkflow(t *rapid.T) string {
	m.touched = rapid.SampledFrom(workflowIDs).Draw(t, "workflow")
	return m.touched
}

func (m *model) wrote(workflowID, runID string, version int64) {
	m.recordVersion[workflowID+runID] = version
}

func (m *model) create(t *rapid.T) {
	r := persistence.InternalCreateWorkflowExecutionRequest{
		ShardID: m.shard, RangeID: m.drawRange(t), ArchetypeID: drawArchetype(t),
		Mode: rapid.SampledFrom([]persistence.CreateWorkflowMode{
			persistence.CreateWorkflowModeBrandNew, persistence.CreateWorkflowModeUpdateCurrent, persistence.CreateWorkflowModeBypassCurrent,
		}).Draw(t, "mode"),
		PreviousRunID:            rapid.SampledFrom(append([]string{""}, runIDs...)).Draw(t, "previous run"),
		PreviousLastWriteVersion: rapid.Int64Range(1, 2).Draw(t, "previous write version"),
		NewWorkflowSnapshot:      m.drawSnapshot(t, m.drawWorkflow(t)),
	}
	_, err := both(t, m, "CreateWorkflowExecution", func(s stores) (any, error) {
		request := r
		return s.executions.CreateWorkflowExecution(m.ctx, &request)
	})
	if run := r.NewWorkflowSnapshot; err == nil {
		m.wrote(run.WorkflowID, run.RunID, run.DBRecordVersion)
	}
}

func drawArchetype(t *rapid.T) chasm.ArchetypeID {
	return usually(t, chasm.WorkflowArchetypeID, rapid.Just(chasm.ArchetypeID(77)), "archetype")
}

func (m *model) update(t *rapid.T) {
	workflowID := m.drawWorkflow(t)
	r := persistence.InternalUpdateWorkflowExecutionRequest{
		ShardID: m.shard, RangeID: m.drawRange(t), ArchetypeID: drawArchetype(t),
		Mode: rapid.SampledFrom([]persistence.UpdateWorkflowMode{
			persistence.UpdateWorkflowModeUpdateCurrent, persistence.UpdateWorkflowModeBypassCurrent, persistence.UpdateWorkflowModeIgnoreCurrent,
		}).Draw(t, "mode"),
		UpdateWorkflowMutation: m.drawMutation(t, workflowID),
	}
	if rapid.IntRange(0, 3).Draw(t, "continues") == 0 {
		next := m.drawSnapshot(t, workflowID)
		r.NewWorkflowSnapshot = &next
	}
	_, err := both(t, m, "UpdateWorkflowExecution", func(s stores) (any, error) {
		request := r
		return nil, s.executions.UpdateWorkflowExecution(m.ctx, &request)
	})
	if err != nil {
		return
	}
	m.wrote(workflowID, r.UpdateWorkflowMutation.RunID, r.UpdateWorkflowMutation.DBRecordVersion)
	if next := r.NewWorkflowSnapshot; next != nil {
		m.wrote(workflowID, next.RunID, next.DBRecordVersion)
	}
}

func (m *model) resolveConflict(t *rapid.T) {
	workflowID := m.drawWorkflow(t)
	r := persistence.InternalConflictResolveWorkflowExecutionRequest{
		ShardID: m.shard, RangeID: m.drawRange(t), ArchetypeID: drawArchetype(t),
		Mode: rapid.SampledFrom([]persistence.ConflictResolveWorkflowMode{
			persistence.ConflictResolveWorkflowModeUpdateCurrent, persistence.ConflictResolveWorkflowModeBypassCurrent,
		}).Draw(t, "mode"),
		ResetWorkflowSnapshot: m.drawSnapshot(t, workflowID),
	}
	m.reset(t, &r.ResetWorkflowSnapshot)
	runs := []string{r.ResetWorkflowSnapshot.RunID}
	if rapid.Bool().Draw(t, "with current") {
		if was := m.drawMutation(t, workflowID); !slices.Contains(runs, was.RunID) {
			r.CurrentWorkflowMutation = &was
			runs = append(runs, was.RunID)
		}
	}
	if rapid.IntRange(0, 3).Draw(t, "with new") == 0 {
		if next := m.drawSnapshot(t, workflowID); !slices.Contains(runs, next.RunID) {
			r.NewWorkflowSnapshot = &next
		}
	}
	_, err := both(t, m, "ConflictResolveWorkflowExecution", func(s stores) (any, error) {
		request := r
		return nil, s.executions.ConflictResolveWorkflowExecution(m.ctx, &request)
	})
	if err != nil {
		return
	}
	m.wrote(workflowID, r.ResetWorkflowSnapshot.RunID, r.ResetWorkflowSnapshot.DBRecordVersion)
	if r.CurrentWorkflowMutation != nil {
		m.wrote(workflowID, r.CurrentWorkflowMutation.RunID, r.CurrentWorkflowMutation.DBRecordVersion)
	}
	if r.NewWorkflowSnapshot != nil {
		m.wrote(workflowID, r.NewWorkflowSnapshot.RunID, r.NewWorkflowSnapshot.DBRecordVersion)
	}
}

func (m *model) set(t *rapid.T) {
	run := m.drawSnapshot(t, m.drawWorkflow(t))
	m.reset(t, &run)
	rangeID := m.drawRange(t)
	_, err := both(t, m, "SetWorkflowExecution", func(s stores) (any, error) {
		return nil, s.executions.SetWorkflowExecution(m.ctx, &persistence.InternalSetWorkflowExecutionRequest{
			ShardID: m.shard, RangeID: rangeID, ArchetypeID: chasm.WorkflowArchetypeID, SetWorkflowSnapshot: run,
		})
	})
	if err == nil {
		m.wrote(run.WorkflowID, run.RunID, run.DBRecordVersion)
	}
}

func (m *model) deleteExecution(t *rapid.T) {
	if !seldom(t) {
		return
	}
	r := persistence.DeleteWorkflowExecutionRequest{
		ShardID: m.shard, NamespaceID: namespaceID, WorkflowID: m.drawWorkflow(t), RunID: rapid.SampledFrom(runIDs).Draw(t, "run"),
	}
	_, _ = both(t, m, "DeleteWorkflowExecution", func(s stores) (any, error) {
		return nil, s.executions.DeleteWorkflowExecution(m.ctx, &r)
	})
	m.wrote(r.WorkflowID, r.RunID, 0)
}

func (m *model) deleteCurrent(t *rapid.T) {
	if !seldom(t) {
		return
	}
	r := persistence.DeleteCurrentWorkflowExecutionRequest{
		ShardID: m.shard, NamespaceID: namespaceID, WorkflowID: m.drawWorkflow(t), RunID: rapid.SampledFrom(runIDs).Draw(t, "run"),
		ArchetypeID: drawArchetype(t),
	}
	_, _ = both(t, m, "DeleteCurrentWorkflowExecution", func(s stores) (any, error) {
		return nil, s.executions.DeleteCurrentWorkflowExecution(m.ctx, &r)
	})
}

// checkTouched reads all there can be of the workflow that the last call was about.
func (m *model) checkTouched(t *rapid.T) {
	if workflowID := m.touched; workflowID != "" {
		m.touched = ""
		for _, archetype := range []chasm.ArchetypeID{chasm.WorkflowArchetypeID, 77} {
			_, _ = both(t, m, "GetCurrentExecution", func(s stores) (any, error) {
				return s.executions.GetCurrentExecution(m.ctx, &persistence.GetCurrentExecutionRequest{
					ShardID: m.shard, NamespaceID: namespaceID, WorkflowID: workflowID, ArchetypeID: archetype,
				})
			})
		}
		for _, runID := range runIDs {
			_, _ = both(t, m, fmt.Sprintf("GetWorkflowExecution of %q", workflowID), func(s stores) (any, error) {
				r, err := s.executions.GetWorkflowExecution(m.ctx, &persistence.GetWorkflowExecutionRequest{
					ShardID: m.shard, NamespaceID: namespaceID, WorkflowID: workflowID, RunID: runID,
				})
				if err == nil {
					slices.Sort(r.State.SignalRequestedIDs)
				}
				return r, err
			})
		}
	}
}
