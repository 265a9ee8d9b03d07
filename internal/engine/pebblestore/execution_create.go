package pebblestore

import (
	"context"
	"fmt"

	"go.temporal.io/api/serviceerror"
	enumsspb "go.temporal.io/server/api/enums/v1"
	"go.temporal.io/server/common/persistence"
)

// CreateWorkflowExecution writes a new run, its first events and its first tasks.
func (s *executionStore) CreateWorkflowExecution(
	_ context.Context, r *persistence.InternalCreateWorkflowExecutionRequest,
) (*persistence.InternalCreateWorkflowExecutionResponse, error) {
	run := &r.NewWorkflowSnapshot
	key := currentKey(r.ShardID, run.NamespaceID, r.ArchetypeID, run.WorkflowID)
	err := s.updateShard("CreateWorkflowExecution", r.ShardID, r.RangeID, func(b *batch) error {
		if err := s.expectCreatable(r, key); err != nil {
			return err
		}
		if r.Mode != persistence.CreateWorkflowModeBypassCurrent {
			b.set(key, current{run.LastWriteVersion, run.RunID, run.ExecutionStateBlob}.value())
		}
		b.appendNodes(r.NewWorkflowNewEvents)
		return s.createRun(b, r.ShardID, run)
	})
	if err != nil {
		return nil, err
	}
	return &persistence.InternalCreateWorkflowExecutionResponse{}, nil
}

// expectCreatable is the condition on the workflow's current run, as in Temporal's SQL store.
func (s *executionStore) expectCreatable(r *persistence.InternalCreateWorkflowExecutionRequest, key []byte) error {
	workflowID := r.NewWorkflowSnapshot.WorkflowID
	pointer, err := s.current(key)
	if err != nil {
		return err
	}
	c, err := s.withExecution(r, pointer)
	if err != nil {
		return err
	}
	switch r.Mode {
	case persistence.CreateWorkflowModeBrandNew:
		return s.expectNone(r, pointer, c)
	case persistence.CreateWorkflowModeUpdateCurrent:
		return s.expectClosed(r, c)
	case persistence.CreateWorkflowModeBypassCurrent:
		if c != nil && c.runID == r.NewWorkflowSnapshot.ExecutionState.RunId {
			return s.conflict(c, "assertRunIDMismatch failed. request run ID: "+c.runID)
		}
		return nil
	}
	return serviceerror.NewUnavailablef("CreateWorkflowExecution of %v: unknown mode: %v", workflowID, r.Mode)
}

// withExecution is the pointer with the last write version that its run has, or nil when that run is gone.
func (s *executionStore) withExecution(r *persistence.InternalCreateWorkflowExecutionRequest, pointer *current) (*current, error) {
	if pointer == nil {
		return nil, nil
	}
	run := r.NewWorkflowSnapshot
	h, found, err := s.head(keyOfRun(r.ShardID, run.NamespaceID, run.WorkflowID, pointer.runID))
	if err != nil || !found {
		return nil, err
	}
	return &current{h.lastWriteVersion, pointer.runID, pointer.state}, nil
}

func (s *executionStore) expectNone(r *persistence.InternalCreateWorkflowExecutionRequest, pointer, c *current) error {
	switch {
	case c != nil && c.runID != r.PreviousRunID:
		return s.conflict(c, otherRun(r, c))
	case pointer != nil:
		return serviceerror.NewUnavailablef("CreateWorkflowExecution of %v: there is a current run", r.NewWorkflowSnapshot.WorkflowID)
	}
	return nil
}

func (s *executionStore) expectClosed(r *persistence.InternalCreateWorkflowExecutionRequest, c *current) error {
	if c == nil {
		return s.conflict(nil, "")
	}
	if c.runID != r.PreviousRunID {
		return s.conflict(c, otherRun(r, c))
	}
	if c.lastWriteVersion != r.PreviousLastWriteVersion {
		return s.conflict(c, fmt.Sprintf("Workflow execution creation condition failed. workflow ID: %v, "+
			"current last write version: %v, request last write version: %v",
			r.NewWorkflowSnapshot.WorkflowID, c.lastWriteVersion, r.PreviousLastWriteVersion))
	}
	state, err := s.serializer.WorkflowExecutionStateFromBlob(c.state)
	if err != nil {
		return err
	}
	if state.GetState() != enumsspb.WORKFLOW_EXECUTION_STATE_COMPLETED {
		return s.conflict(c, fmt.Sprintf("Workflow execution creation condition failed. workflow ID: %v, "+
			"current state: %v, request state: %v",
			r.NewWorkflowSnapshot.WorkflowID, state.GetState(), enumsspb.WORKFLOW_EXECUTION_STATE_COMPLETED))
	}
	return nil
}

func otherRun(r *persistence.InternalCreateWorkflowExecutionRequest, c *current) string {
	return fmt.Sprintf("Workflow execution creation condition failed. workflow ID: %v, current run ID: %v, request run ID: %v",
		r.NewWorkflowSnapshot.WorkflowID, c.runID, r.PreviousRunID)
}

// createRun writes a run that must not be there.
func (s *executionStore) createRun(b *batch, shard int32, run *persistence.InternalWorkflowSnapshot) error {
	k := keyOfRun(shard, run.NamespaceID, run.WorkflowID, run.ExecutionState.RunId)
	_, found, err := s.head(k)
	if err != nil {
		return err
	}
	if found {
		return &persistence.WorkflowConditionFailedError{
			Msg: fmt.Sprintf("Workflow execution already running. WorkflowId: %v", run.WorkflowID),
		}
	}
	s.timeouts.remember(s.serializer, shard, run)
	return b.setRun(shard, k, run)
}

// setRun writes all of a run of which there is nothing.
func (b *batch) setRun(shard int32, k runKey, run *persistence.InternalWorkflowSnapshot) error {
	items := len(run.ActivityInfos) + len(run.TimerInfos) + len(run.ChildExecutionInfos) + len(run.RequestCancelInfos) +
		len(run.SignalInfos) + len(run.SignalRequestedIDs) + len(run.ChasmNodes)
	h := head{run.DBRecordVersion, run.NextEventID, run.LastWriteVersion, items > 0}
	b.set(k.part(partBase), h.value(run.ExecutionInfoBlob, run.ExecutionStateBlob))
	b.setEvents(k, partActivities, run.ActivityInfos)
	b.setTimers(k, run.TimerInfos)
	b.setEvents(k, partChildren, run.ChildExecutionInfos)
	b.setEvents(k, partCancels, run.RequestCancelInfos)
	b.setEvents(k, partSignals, run.SignalInfos)
	b.setRequestedSignals(k, run.SignalRequestedIDs)
	b.setNodes(k, run.ChasmNodes)
	return b.setTasks(shard, run.Tasks)
}
