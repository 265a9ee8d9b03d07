package pebblestore

import (
	"context"

	"go.temporal.io/api/common/v1"
	"go.temporal.io/api/serviceerror"
	persistencespb "go.temporal.io/server/api/persistence/v1"
	"go.temporal.io/server/chasm"
	"go.temporal.io/server/common/persistence"

	"github.com/postrider/postrider/internal/engine/pebblestore/keys"
)

// The current execution of a workflow is the run that its ID alone means.
//
//	key    kindCurrent, shard ID, namespace ID, archetype, workflow ID
//	value  last write version, run ID, blob of the run's state
func currentKey(shard int32, namespaceID string, archetype chasm.ArchetypeID, workflowID string) []byte {
	k := keys.AppendInt32(newKey(kindCurrent), shard)
	k = keys.AppendID(k, namespaceID)
	k = keys.AppendUint32(k, archetype)
	return keys.AppendString(k, workflowID)
}

type current struct {
	lastWriteVersion int64
	runID            string
	state            *common.DataBlob
}

func (c current) value() []byte {
	v := appendInt64(newValue(8+len(c.runID)+len(c.state.GetData())), c.lastWriteVersion)
	return appendBlob(appendText(v, c.runID), c.state)
}

// current is nil when there is none.
func (s *executionStore) current(key []byte) (*current, error) {
	value, found, err := s.db.Get(key)
	if err != nil || !found {
		return nil, err
	}
	f := fieldsOf("current execution", value)
	c := &current{lastWriteVersion: f.int64(), runID: f.text(), state: f.blob()}
	return c, f.done()
}

// conflict is the error that tells the caller which run is the current one.
func (s *executionStore) conflict(c *current, message string) error {
	failure := &persistence.CurrentWorkflowConditionFailedError{Msg: message}
	if c == nil {
		return failure
	}
	state, err := s.serializer.WorkflowExecutionStateFromBlob(c.state)
	if err != nil {
		return err
	}
	failure.RequestIDs = state.GetRequestIds()
	failure.RunID = c.runID
	failure.FirstExecutionRunID = state.GetFirstExecutionRunId()
	failure.State = state.GetState()
	failure.Status = state.GetStatus()
	failure.LastWriteVersion = c.lastWriteVersion
	if started := state.GetStartTime(); started != nil {
		at := started.AsTime()
		failure.StartTime = &at
	}
	return failure
}

func (s *executionStore) GetCurrentExecution(
	_ context.Context, r *persistence.GetCurrentExecutionRequest,
) (*persistence.InternalGetCurrentExecutionResponse, error) {
	c, err := s.current(currentKey(r.ShardID, r.NamespaceID, r.ArchetypeID, r.WorkflowID))
	if err != nil {
		return nil, failed("GetCurrentExecution", err)
	}
	if c == nil {
		return nil, serviceerror.NewNotFoundf("Workflow execution not found.  WorkflowId: %v", r.WorkflowID)
	}
	state, err := s.serializer.WorkflowExecutionStateFromBlob(c.state)
	if err != nil {
		return nil, failed("GetCurrentExecution", err)
	}
	return &persistence.InternalGetCurrentExecutionResponse{
		RunID: c.runID,
		ExecutionState: &persistencespb.WorkflowExecutionState{
			CreateRequestId: state.GetCreateRequestId(), State: state.GetState(), Status: state.GetStatus(),
		},
	}, nil
}

// DeleteCurrentWorkflowExecution leaves a workflow alone that has had another run since.
func (s *executionStore) DeleteCurrentWorkflowExecution(
	_ context.Context, r *persistence.DeleteCurrentWorkflowExecutionRequest,
) error {
	key := currentKey(r.ShardID, r.NamespaceID, r.ArchetypeID, r.WorkflowID)
	return s.update("DeleteCurrentWorkflowExecution", s.db.locks.shard(r.ShardID), func(b *batch) error {
		c, err := s.current(key)
		if err == nil && c != nil && c.runID == r.RunID {
			b.remove(key)
		}
		return err
	})
}
