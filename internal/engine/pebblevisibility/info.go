package pebblevisibility

import (
	"time"

	"go.temporal.io/api/common/v1"
	"go.temporal.io/server/chasm"
	"go.temporal.io/server/common/persistence/visibility/store"
	"go.temporal.io/server/common/searchattribute"
)

// info is the record as Temporal wants it. Attributes that are of no known type (any more) are left out.
func (r *record) info(types searchattribute.NameTypeMap) (*store.InternalExecutionInfo, error) {
	info := &store.InternalExecutionInfo{
		WorkflowID:     r.workflowID,
		RunID:          r.runID,
		TypeName:       r.workflowType,
		StartTime:      r.start.time(),
		ExecutionTime:  r.execution.time(),
		Status:         r.status,
		TaskQueue:      r.taskQueue,
		RootWorkflowID: r.rootWorkflowID,
		RootRunID:      r.rootRunID,
		Memo:           &common.DataBlob{EncodingType: r.memoEncoding, Data: r.memo},
	}
	if r.execution == instantOf(time.Unix(0, 0)) {
		info.ExecutionTime = info.StartTime
	}
	if c := r.closing; c != nil {
		info.CloseTime = c.time.time()
		info.ExecutionDuration = c.duration
		info.HistoryLength = c.historyLength
		info.HistorySizeBytes = c.historySize
		info.StateTransitionCount = c.stateTransitions
	}
	if r.parentWorkflowID != nil {
		info.ParentWorkflowID = *r.parentWorkflowID
	}
	if r.parentRunID != nil {
		info.ParentRunID = *r.parentRunID
	}
	var err error
	info.SearchAttributes, err = searchattribute.Encode(r.attributes, &types)
	return info, err
}

// combined are the types of all attributes that a record can have in the mapper's archetype.
func combined(types searchattribute.NameTypeMap, mapper *chasm.VisibilitySearchAttributesMapper) searchattribute.NameTypeMap {
	return store.CombineTypeMaps(types, mapper)
}
