package pebblevisibility

import (
	"go.temporal.io/server/common/log/tag"
	"go.temporal.io/server/common/persistence/visibility/store"
	"go.temporal.io/server/common/searchattribute"
)

// record is that of a request of any kind, but for what is known only of closed runs.
func (s *visibilityStore) record(req *store.InternalVisibilityRequestBase) (*record, error) {
	types, err := s.types()
	if err != nil {
		return nil, err
	}
	return &record{
		namespaceID: req.NamespaceID, runID: req.RunID, version: req.TaskID,
		workflowID: req.WorkflowID, workflowType: req.WorkflowTypeName, taskQueue: req.TaskQueue,
		status: req.Status, start: instantOf(req.StartTime), execution: instantOf(req.ExecutionTime),
		parentWorkflowID: req.ParentWorkflowID, parentRunID: req.ParentRunID,
		rootWorkflowID: req.RootWorkflowID, rootRunID: req.RootRunID,
		memo: req.Memo.GetData(), memoEncoding: req.Memo.GetEncodingType(),
		attributes: s.values(req, types),
	}, nil
}

// values are the search attributes. What cannot be decoded is left out: a task that failed for it would fail for ever.
func (s *visibilityStore) values(req *store.InternalVisibilityRequestBase, types searchattribute.NameTypeMap) map[string]any {
	values, err := searchattribute.Decode(req.SearchAttributes, &types, false)
	if err != nil {
		s.logger.Warn("search attribute left out of a visibility record",
			tag.WorkflowID(req.WorkflowID), tag.WorkflowRunID(req.RunID), tag.Error(err))
	}
	for name, value := range values {
		if !storable(value) {
			delete(values, name)
		}
	}
	return values
}
