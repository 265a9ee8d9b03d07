package pebblestore

import (
	"bytes"
	"context"
	"fmt"

	"go.temporal.io/api/common/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/server/common/persistence"

	"github.com/postrider/postrider/internal/engine/pebblestore/keys"
)

// An execution is one run of a workflow: its mutable state, which is a base record and items, such as pending activities.
//
//	key    kindExecution, shard ID, namespace ID, workflow ID, run ID, part, [item]
//	value  of the base: version of the record, next event ID, last write version, whether there may be items, blob of the
//	       info, blob of the state
//	       of an item: see execution_items.go
type runKey struct {
	prefix []byte // up to the part
}

func keyOfRun(shard int32, namespaceID, workflowID, runID string) runKey {
	k := keys.AppendInt32(newKey(kindExecution), shard)
	k = keys.AppendID(k, namespaceID)
	k = keys.AppendString(k, workflowID)
	return runKey{keys.AppendID(k, runID)}
}

// part is the key of the base, or the prefix of the keys of that part's items. It is good until part is called again.
func (k runKey) part(part byte) []byte { return append(k.prefix, part) }

// head is what conditions on an execution look at.
type head struct {
	recordVersion    int64
	nextEventID      int64
	lastWriteVersion int64
	hasItems         bool // or had some
}

const headRoom = 3*8 + 1

func (h head) value(info, state *common.DataBlob) []byte {
	v := newValue(headRoom + len(info.GetData()) + len(state.GetData()))
	v = appendInt64(v, h.recordVersion)
	v = appendInt64(v, h.nextEventID)
	v = appendInt64(v, h.lastWriteVersion)
	v = appendBool(v, h.hasItems)
	return appendBlob(appendBlob(v, info), state)
}

func readHead(f *fields) head {
	return head{recordVersion: f.int64(), nextEventID: f.int64(), lastWriteVersion: f.int64(), hasItems: f.bool()}
}

type executionStore struct {
	store
	persistence.HistoryBranchUtil
	timeouts timeouts
}

// GetHistoryBranchUtil is Temporal's usual one.
func (s *executionStore) GetHistoryBranchUtil() persistence.HistoryBranchUtil {
	return s.HistoryBranchUtil
}

// head reads what conditions look at, without the blobs.
func (s *executionStore) head(k runKey) (h head, found bool, err error) {
	found, err = s.db.view(k.part(partBase), func(value []byte) error {
		f := fieldsOf("execution", value)
		h = readHead(f)
		return f.opened()
	})
	return h, found, err
}

func (s *executionStore) GetWorkflowExecution(
	_ context.Context, r *persistence.GetWorkflowExecutionRequest,
) (*persistence.InternalGetWorkflowExecutionResponse, error) {
	k := keyOfRun(r.ShardID, r.NamespaceID, r.WorkflowID, r.RunID)
	state, found, err := s.mutableState(k)
	if err != nil {
		return nil, failed("GetWorkflowExecution", err)
	}
	if !found {
		return nil, serviceerror.NewNotFoundf("Workflow execution not found.  WorkflowId: %v, RunId: %v", r.WorkflowID, r.RunID)
	}
	return &persistence.InternalGetWorkflowExecutionResponse{State: state, DBRecordVersion: state.DBRecordVersion}, nil
}

// mutableState reads most executions with one look-up: those that have had no items. The others it reads again, base and
// items as of one moment.
func (s *executionStore) mutableState(k runKey) (_ *persistence.InternalWorkflowMutableState, found bool, err error) {
	value, found, err := s.db.Get(k.part(partBase))
	if err != nil || !found {
		return nil, false, err
	}
	state := emptyState()
	h, err := setBase(state, value)
	if err != nil || !h.hasItems {
		return state, true, err
	}
	state, found = emptyState(), false
	err = s.db.scan(k.prefix, keys.End(k.prefix), func(key, value []byte) (bool, error) {
		if err := setPart(state, key[len(k.prefix):], bytes.Clone(value)); err != nil {
			return false, err
		}
		found = found || key[len(k.prefix)] == partBase
		return true, nil
	})
	return state, found, err
}

func emptyState() *persistence.InternalWorkflowMutableState {
	return &persistence.InternalWorkflowMutableState{
		ActivityInfos:       map[int64]*common.DataBlob{},
		TimerInfos:          map[string]*common.DataBlob{},
		ChildExecutionInfos: map[int64]*common.DataBlob{},
		RequestCancelInfos:  map[int64]*common.DataBlob{},
		SignalInfos:         map[int64]*common.DataBlob{},
		ChasmNodes:          map[string]persistence.InternalChasmNode{},
	}
}

func setBase(state *persistence.InternalWorkflowMutableState, value []byte) (head, error) {
	f := fieldsOf("execution", value)
	h := readHead(f)
	state.ExecutionInfo, state.ExecutionState = f.blob(), f.blob()
	state.DBRecordVersion, state.NextEventID = h.recordVersion, h.nextEventID
	return h, f.done()
}

// expectHead is the condition of every write to an execution that exists: no other write in between.
func (s *executionStore) expectHead(k runKey, nextEventID, recordVersion int64) (head, error) {
	h, found, err := s.head(k)
	switch {
	case err != nil:
		return head{}, err
	case !found:
		return head{}, &persistence.ConditionFailedError{Msg: "Unable to lock an execution which does not exist."}
	case recordVersion == 0 && h.nextEventID != nextEventID: // of a Temporal that had no record versions yet
		return head{}, h.conflict(fmt.Sprintf("Next_event_id was %v when it should have been %v.", h.nextEventID, nextEventID))
	case recordVersion != 0 && h.recordVersion != recordVersion-1:
		return head{}, h.conflict(fmt.Sprintf("DBRecordVersion expected: %v, actually %v.", recordVersion-1, h.recordVersion))
	}
	return h, nil
}

func (h head) conflict(message string) error {
	return &persistence.WorkflowConditionFailedError{
		Msg: message, NextEventID: h.nextEventID, DBRecordVersion: h.recordVersion,
	}
}

// ListConcreteExecutions is not implemented, as in Temporal's SQL store.
func (s *executionStore) ListConcreteExecutions(
	context.Context, *persistence.ListConcreteExecutionsRequest,
) (*persistence.InternalListConcreteExecutionsResponse, error) {
	return nil, serviceerror.NewUnimplemented("ListConcreteExecutions is not implemented")
}
