package pebblevisibility

import (
	"time"

	"go.temporal.io/api/enums/v1"
	"go.temporal.io/server/common/searchattribute/sadefs"
)

// record is what is known of one run.
type record struct {
	namespaceID, runID string
	version            int64 // of the visibility task that it is from

	workflowID       string
	workflowType     string
	taskQueue        string
	status           enums.WorkflowExecutionStatus
	start, execution instant
	closing          *closing // nil while it is open
	parentWorkflowID *string  // nil without a parent, as is parentRunID
	parentRunID      *string
	rootWorkflowID   string
	rootRunID        string
	memo             []byte
	memoEncoding     enums.EncodingType
	attributes       map[string]any // by field: string, []string, bool, int64, float64 or time.Time
}

// closing is what is known only of a closed run.
type closing struct {
	time             instant
	duration         time.Duration
	historyLength    int64
	historySize      int64 // bytes
	stateTransitions int64
}

// closed is the time that a run is listed by.
func (r *record) closed() instant {
	if r.closing == nil {
		return stillOpen
	}
	return r.closing.time
}

func (r *record) position() position {
	return position{closed: r.closed(), start: r.start, runID: r.runID}
}

// division is that of Temporal's own workflows (schedules, batches); those of people have none.
func (r *record) division() *string { return r.keyword(sadefs.TemporalNamespaceDivision) }

func (r *record) keyword(field string) *string {
	if s, ok := r.attributes[field].(string); ok {
		return &s
	}
	return nil
}

// value is what the field of a query has in the run.
func (r *record) value(field string) any {
	switch field {
	case sadefs.WorkflowID:
		return r.workflowID
	case sadefs.RunID:
		return r.runID
	case sadefs.WorkflowType:
		return r.workflowType
	case sadefs.TaskQueue:
		return r.taskQueue
	case sadefs.ExecutionStatus:
		return int64(r.status)
	case sadefs.StartTime:
		return r.start
	case sadefs.ExecutionTime:
		return r.execution
	case sadefs.ParentWorkflowID:
		return optional(r.parentWorkflowID)
	case sadefs.ParentRunID:
		return optional(r.parentRunID)
	case sadefs.RootWorkflowID:
		return r.rootWorkflowID
	case sadefs.RootRunID:
		return r.rootRunID
	case sadefs.CloseTime, sadefs.ExecutionDuration, sadefs.HistoryLength, sadefs.HistorySizeBytes, sadefs.StateTransitionCount:
		return r.closing.value(field)
	}
	return attribute(r.attributes[field])
}

func (c *closing) value(field string) any {
	if c == nil {
		return nil
	}
	switch field {
	case sadefs.CloseTime:
		return c.time
	case sadefs.ExecutionDuration:
		return c.duration.Nanoseconds()
	case sadefs.HistoryLength:
		return c.historyLength
	case sadefs.HistorySizeBytes:
		return c.historySize
	}
	return c.stateTransitions
}

func optional(s *string) any {
	if s == nil {
		return nil
	}
	return *s
}

func attribute(v any) any {
	if t, ok := v.(time.Time); ok {
		return instantOf(t)
	}
	return v
}
