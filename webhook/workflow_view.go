package webhook

import "time"

// WorkflowView is Temporal's own view of an event's workflow.
type WorkflowView struct {
	Status    string // as Temporal names it: Running, Completed, Failed, Canceled, Terminated, …
	RunID     string
	StartedAt time.Time
	ClosedAt  time.Time // zero while it runs
	Pending   []PendingActivity
}

// PendingActivity is an activity that Temporal has not seen the end of.
type PendingActivity struct {
	ActivityID    string
	Type          string
	EndpointID    string // empty: not of one endpoint
	State         string // as Temporal names it: Scheduled, Started, CancelRequested, Paused
	Attempt       int    // the attempt that is under way or comes next
	MaxAttempts   int    // 0: no limit
	LastFailure   string
	LastStartedAt time.Time // zero: not started yet
	NextAttemptAt time.Time // zero: under way, or due now
}
