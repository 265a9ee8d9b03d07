package pebblestore

import (
	"context"
	"fmt"

	"go.temporal.io/api/serviceerror"
	enumsspb "go.temporal.io/server/api/enums/v1"
	"go.temporal.io/server/common/persistence"
)

// UpdateWorkflowExecution changes a run and writes its new events and tasks, with those of the run that it goes
// on as, if any.
func (s *executionStore) UpdateWorkflowExecution(
	_ context.Context, r *persistence.InternalUpdateWorkflowExecutionRequest,
) error {
	change, next := &r.UpdateWorkflowMutation, r.NewWorkflowSnapshot
	key := currentKey(r.ShardID, change.NamespaceID, r.ArchetypeID, change.WorkflowID)
	return s.updateShard("UpdateWorkflowExecution", r.ShardID, r.RangeID, func(b *batch) error {
		runID := change.ExecutionState.RunId
		switch r.Mode {
		case persistence.UpdateWorkflowModeIgnoreCurrent:
		case persistence.UpdateWorkflowModeBypassCurrent:
			if err := s.expectNotCurrent(key, runID); err != nil {
				return err
			}
		case persistence.UpdateWorkflowModeUpdateCurrent:
			to := current{change.LastWriteVersion, runID, change.ExecutionStateBlob}
			if next != nil {
				if next.NamespaceID != change.NamespaceID {
					return serviceerror.NewUnavailable("UpdateWorkflowExecution: cannot continue as new to another namespace")
				}
				to = currentOf(next)
			}
			if err := s.moveCurrent(b, key, runID, to); err != nil {
				return err
			}
		default:
			return serviceerror.NewUnavailablef("UpdateWorkflowExecution: unknown mode: %v", r.Mode)
		}
		b.appendNodes(r.UpdateWorkflowNewEvents)
		b.appendNodes(r.NewWorkflowNewEvents)
		if err := s.changeRun(b, r.ShardID, change); err != nil || next == nil {
			return err
		}
		return s.createRun(b, r.ShardID, next)
	})
}

// ConflictResolveWorkflowExecution writes a run anew, and perhaps changes the one that was current and creates another.
func (s *executionStore) ConflictResolveWorkflowExecution(
	_ context.Context, r *persistence.InternalConflictResolveWorkflowExecutionRequest,
) error {
	reset, was, next := &r.ResetWorkflowSnapshot, r.CurrentWorkflowMutation, r.NewWorkflowSnapshot
	key := currentKey(r.ShardID, reset.NamespaceID, r.ArchetypeID, reset.WorkflowID)
	return s.updateShard("ConflictResolveWorkflowExecution", r.ShardID, r.RangeID, func(b *batch) error {
		switch r.Mode {
		case persistence.ConflictResolveWorkflowModeBypassCurrent:
			if err := s.expectNotCurrent(key, reset.ExecutionState.RunId); err != nil {
				return err
			}
		case persistence.ConflictResolveWorkflowModeUpdateCurrent:
			from, to := reset.ExecutionState.RunId, currentOf(reset)
			if was != nil {
				from = was.ExecutionState.RunId
			}
			if next != nil {
				to = currentOf(next)
			}
			if err := s.moveCurrent(b, key, from, to); err != nil {
				return err
			}
		default:
			return serviceerror.NewUnavailablef("ConflictResolveWorkflowExecution: unknown mode: %v", r.Mode)
		}
		b.appendNodes(r.CurrentWorkflowEventsNewEvents)
		b.appendNodes(r.ResetWorkflowEventsNewEvents)
		b.appendNodes(r.NewWorkflowEventsNewEvents)
		if err := s.resetRun(b, r.ShardID, reset); err != nil {
			return err
		}
		if was != nil {
			if err := s.changeRun(b, r.ShardID, was); err != nil {
				return err
			}
		}
		if next != nil {
			return s.createRun(b, r.ShardID, next)
		}
		return nil
	})
}

// SetWorkflowExecution writes a run anew, whichever is current.
func (s *executionStore) SetWorkflowExecution(_ context.Context, r *persistence.InternalSetWorkflowExecutionRequest) error {
	return s.updateShard("SetWorkflowExecution", r.ShardID, r.RangeID, func(b *batch) error {
		return s.resetRun(b, r.ShardID, &r.SetWorkflowSnapshot)
	})
}

// DeleteWorkflowExecution deletes a run if it is there, but neither its history nor its being current.
func (s *executionStore) DeleteWorkflowExecution(_ context.Context, r *persistence.DeleteWorkflowExecutionRequest) error {
	k := keyOfRun(r.ShardID, r.NamespaceID, r.WorkflowID, r.RunID)
	return s.update("DeleteWorkflowExecution", s.db.locks.shard(r.ShardID), func(b *batch) error {
		h, found, err := s.head(k)
		switch {
		case err != nil || !found:
			return err
		case h.hasItems:
			b.clearAll(k.prefix)
		default:
			b.remove(k.part(partBase))
		}
		return nil
	})
}

func currentOf(run *persistence.InternalWorkflowSnapshot) current {
	return current{run.LastWriteVersion, run.ExecutionState.RunId, run.ExecutionStateBlob}
}

// expectNotCurrent lets a workflow without a current run pass.
func (s *executionStore) expectNotCurrent(key []byte, runID string) error {
	c, err := s.current(key)
	if err != nil || c == nil || c.runID != runID {
		return err
	}
	return s.conflict(c, "assertRunIDMismatch failed. request run ID: "+runID)
}

func (s *executionStore) moveCurrent(b *batch, key []byte, from string, to current) error {
	c, err := s.current(key)
	if err != nil {
		return err
	}
	if c == nil {
		return serviceerror.NewUnavailable("assertCurrentExecution failed. Unable to load current record.")
	}
	if c.runID != from {
		return s.conflict(c, fmt.Sprintf("assertRunIDAndUpdateCurrentExecution failed. current run ID: %v, request run ID: %v", c.runID, from))
	}
	b.set(key, to.value())
	return nil
}

// resetRun writes all of a run that must be there.
func (s *executionStore) resetRun(b *batch, shard int32, run *persistence.InternalWorkflowSnapshot) error {
	k := keyOfRun(shard, run.NamespaceID, run.WorkflowID, run.ExecutionState.RunId)
	h, err := s.expectHead(k, run.Condition, run.DBRecordVersion)
	if err != nil {
		return err
	}
	if h.hasItems {
		b.clearAll(k.prefix)
	}
	return b.setRun(shard, k, run)
}

// changeRun changes a run that must be there. What is both set and deleted is deleted, as in Temporal's SQL store.
func (s *executionStore) changeRun(b *batch, shard int32, m *persistence.InternalWorkflowMutation) error {
	k := keyOfRun(shard, m.NamespaceID, m.WorkflowID, m.ExecutionState.RunId)
	h, err := s.expectHead(k, m.Condition, m.DBRecordVersion)
	if err != nil {
		return err
	}
	added := len(m.UpsertActivityInfos) + len(m.UpsertTimerInfos) + len(m.UpsertChildExecutionInfos) +
		len(m.UpsertRequestCancelInfos) + len(m.UpsertSignalInfos) + len(m.UpsertSignalRequestedIDs) + len(m.UpsertChasmNodes)
	hasItems := h.hasItems || added > 0 || m.NewBufferedEvents != nil
	to := head{m.DBRecordVersion, m.NextEventID, m.LastWriteVersion, hasItems}
	b.set(k.part(partBase), to.value(m.ExecutionInfoBlob, m.ExecutionStateBlob))
	if hasItems {
		if err := b.changeItems(k, m); err != nil {
			return err
		}
	}
	if m.ExecutionState.State == enumsspb.WORKFLOW_EXECUTION_STATE_COMPLETED {
		b.removeEach(s.timeouts.take(m.ExecutionState.RunId))
	}
	return b.setTasks(shard, m.Tasks)
}

func (b *batch) changeItems(k runKey, m *persistence.InternalWorkflowMutation) error {
	b.setEvents(k, partActivities, m.UpsertActivityInfos)
	b.removeEvents(k, partActivities, m.DeleteActivityInfos)
	b.setTimers(k, m.UpsertTimerInfos)
	b.removeNamed(k, partTimers, m.DeleteTimerInfos)
	b.setEvents(k, partChildren, m.UpsertChildExecutionInfos)
	b.removeEvents(k, partChildren, m.DeleteChildExecutionInfos)
	b.setEvents(k, partCancels, m.UpsertRequestCancelInfos)
	b.removeEvents(k, partCancels, m.DeleteRequestCancelInfos)
	b.setEvents(k, partSignals, m.UpsertSignalInfos)
	b.removeEvents(k, partSignals, m.DeleteSignalInfos)
	b.setRequestedSignals(k, m.UpsertSignalRequestedIDs)
	b.removeNamed(k, partRequestedSignals, m.DeleteSignalRequestedIDs)
	b.setNodes(k, m.UpsertChasmNodes)
	b.removeNamed(k, partNodes, m.DeleteChasmNodes)
	if m.ClearBufferedEvents {
		b.clearAll(k.part(partBufferedEvents))
	}
	if m.NewBufferedEvents == nil {
		return nil
	}
	return b.addBufferedEvents(k, m.NewBufferedEvents)
}
