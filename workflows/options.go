package workflows

import (
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/postrider/postrider/activities"
)

// ChunkSize is the most endpoints that one run has. An event with more is split into child
// workflows: Temporal allows 2,000 pending activities in a run and advises far fewer.
const ChunkSize = 1000

// insist runs a local activity until it succeeds. Each is quick, and fails only while our own store
// does not answer; a workflow that can't know how things stand has nothing better to do than to wait.
func insist(ctx workflow.Context, activity string, params, result any) {
	ctx, cancel := workflow.NewDisconnectedContext(ctx)
	defer cancel()
	local := workflow.WithLocalActivityOptions(ctx, workflow.LocalActivityOptions{
		StartToCloseTimeout: 5 * time.Second,
		RetryPolicy:         &temporal.RetryPolicy{MaximumAttempts: 1},
	})
	for pause := time.Second; ; pause = min(2*pause, time.Minute) {
		if err := workflow.ExecuteLocalActivity(local, activity, params).Get(ctx, result); err == nil {
			return
		}
		_ = workflow.Sleep(ctx, pause)
	}
}

// sendMargin is what an attempt may take beyond the request's own time-out: reading and committing
// rows. A worker is taken for dead after it.
const sendMargin = 10 * time.Second

// deliverOptions put the endpoint's policy into Temporal's own words. The first invocation reports
// an attempt that has been made already, or makes the next one.
func deliverOptions(d *delivery) workflow.ActivityOptions {
	left := d.outcome.Budget - d.outcome.Attempts
	if d.outcome.Attempts > d.outcome.Reported {
		left++
	}
	return workflow.ActivityOptions{
		ActivityID:          d.endpoint.ID,
		StartToCloseTimeout: time.Duration(d.policy.Timeout) + sendMargin,
		WaitForCancellation: true,
		Priority:            temporal.Priority{FairnessKey: fairnessKey(d.endpoint.ID)},
		RetryPolicy: &temporal.RetryPolicy{
			InitialInterval:    time.Duration(d.policy.InitialInterval),
			BackoffCoefficient: d.policy.BackoffCoefficient,
			MaximumInterval:    time.Duration(d.policy.MaximumInterval),
			MaximumAttempts:    int32(max(1, left)),
		},
		Summary: activities.DeliverName + " to " + d.endpoint.ID,
	}
}

// fairnessKey is the endpoint's ID, cut to the 64 bytes that Temporal allows.
func fairnessKey(endpointID string) string { return endpointID[:min(len(endpointID), 64)] }
