package workflows

import (
	"errors"
	"fmt"

	enums "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/postrider/postrider/activities"
	"github.com/postrider/postrider/webhook"
)

// deliverChunks is DeliverEvent for an event with more than ChunkSize endpoints: a child workflow
// for each chunk, to which signals and cancelling are passed on.
func deliverChunks(ctx workflow.Context, in DeliverEventInput) (DeliverEventResult, error) {
	chunks := split(in)
	children := make([]workflow.ChildWorkflowFuture, len(chunks))
	for i, chunk := range chunks {
		child := workflow.WithChildOptions(ctx, workflow.ChildWorkflowOptions{
			WorkflowID:          fmt.Sprintf("%s~%d", workflow.GetInfo(ctx).WorkflowExecution.ID, i+1),
			WaitForCancellation: true,
			ParentClosePolicy:   enums.PARENT_CLOSE_POLICY_TERMINATE,
		})
		children[i] = workflow.ExecuteChildWorkflow(child, DeliverChunkName, chunk)
	}
	passOn(ctx, children)
	return end(collect(ctx, chunks, children))
}

// DeliverChunk delivers one chunk of an event's endpoints.
func DeliverChunk(ctx workflow.Context, in DeliverEventInput) (DeliverEventResult, error) {
	return deliver(ctx, in)
}

func split(in DeliverEventInput) []DeliverEventInput {
	var chunks []DeliverEventInput
	for rest := in.Endpoints; len(rest) > 0; {
		n := min(ChunkSize, len(rest))
		chunk := in
		chunk.Endpoints, rest = rest[:n], rest[n:]
		chunks = append(chunks, chunk)
	}
	return chunks
}

// passOn forwards signals to every child; one that they do not concern does nothing.
func passOn(ctx workflow.Context, children []workflow.ChildWorkflowFuture) {
	for _, name := range []string{SignalCancel, SignalRetry, SignalOutcome} {
		workflow.GoNamed(ctx, "pass on "+name, func(ctx workflow.Context) {
			for channel := workflow.GetSignalChannel(ctx, name); ; {
				var payload map[string]any
				channel.Receive(ctx, &payload)
				for _, child := range children {
					child.SignalChildWorkflow(ctx, name, payload)
				}
			}
		})
	}
}

// collect waits for all children and joins their outcomes.
func collect(ctx workflow.Context, chunks []DeliverEventInput, children []workflow.ChildWorkflowFuture) DeliverEventResult {
	wait, cancel := workflow.NewDisconnectedContext(ctx)
	defer cancel()
	all := newRun(DeliverEventInput{})
	for i, child := range children {
		part := newRun(chunks[i])
		for _, o := range childOutcomes(wait, child) {
			if d := part.byEndpoint[o.EndpointID]; d != nil {
				d.outcome = o
			}
		}
		all.deliveries = append(all.deliveries, part.deliveries...)
	}
	for _, d := range all.deliveries {
		if !d.outcome.Status.Final() { // its chunk was terminated: a person ended it
			d.outcome.Status, d.outcome.Reason = activities.Cancelled, webhook.ReasonTerminated
		}
	}
	return all.result()
}

func childOutcomes(ctx workflow.Context, child workflow.ChildWorkflowFuture) []activities.EndpointOutcome {
	var result DeliverEventResult
	err := child.Get(ctx, &result)
	var failed *temporal.ApplicationError
	var cancelled *temporal.CanceledError
	switch {
	case errors.As(err, &failed):
		_ = failed.Details(&result)
	case errors.As(err, &cancelled):
		_ = cancelled.Details(&result)
	}
	return result.Endpoints
}
