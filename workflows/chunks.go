package workflows

import (
	"errors"
	"fmt"
	"slices"

	enums "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/postrider/postrider/activities"
	"github.com/postrider/postrider/webhook"
)

// chunked is DeliverEvent for an event with more than ChunkSize endpoints: a child workflow for each
// chunk, to which signals are passed on.
type chunked struct {
	*run
	chunks []*chunk
}

type chunk struct {
	in    DeliverEventInput
	child workflow.ChildWorkflowFuture
	open  bool
	again bool // it is wanted once more when it ends
}

func deliverChunks(ctx workflow.Context, in DeliverEventInput) (DeliverEventResult, error) {
	c := &chunked{run: newRun(in)}
	if err := c.answerQueries(ctx); err != nil {
		return DeliverEventResult{}, err
	}
	listen(ctx, c.wish, c.hear)
	ctx, cancel := workflow.NewDisconnectedContext(ctx) // cancelling comes as a wish, see listen
	defer cancel()
	for i, part := range split(in) {
		c.chunks = append(c.chunks, &chunk{in: part})
		c.start(ctx, i)
	}
	_ = workflow.Await(ctx, func() bool { return c.busy == 0 && !signalsPending(ctx) })
	return end(c.result())
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

// start runs the chunk's child until nobody wants it once more, and notes how its deliveries ended.
func (c *chunked) start(ctx workflow.Context, number int) {
	part := c.chunks[number]
	part.open = true
	c.busy++
	options := workflow.ChildWorkflowOptions{
		WorkflowID:        fmt.Sprintf("%s~%d", workflow.GetInfo(ctx).WorkflowExecution.ID, number+1),
		ParentClosePolicy: enums.PARENT_CLOSE_POLICY_TERMINATE,
	}
	part.child = workflow.ExecuteChildWorkflow(workflow.WithChildOptions(ctx, options), DeliverChunkName, part.in)
	workflow.GoNamed(ctx, options.WorkflowID, func(ctx workflow.Context) {
		c.collect(part, childOutcomes(ctx, part.child))
		part.open = false
		c.busy--
		if part.again {
			part.again = false
			c.start(ctx, number)
		}
	})
}

func (c *chunked) collect(part *chunk, outcomes []activities.EndpointOutcome) {
	for _, o := range outcomes {
		if d := c.byEndpoint[o.EndpointID]; d != nil {
			d.outcome = o
		}
	}
	for _, e := range part.in.Endpoints {
		if d := c.byEndpoint[e.ID]; !d.outcome.Status.Final() { // the chunk was terminated: a person ended it
			d.outcome.Status, d.outcome.Reason = activities.Cancelled, webhook.ReasonTerminated
		}
	}
}

// wish writes a wish down, once for all chunks, and passes it on.
func (c *chunked) wish(ctx workflow.Context, wish webhook.Wish, signal WishSignal) {
	c.busy++
	defer func() { c.busy-- }()
	c.record(ctx, wish, &signal)
	if wish == webhook.WishRetry {
		c.pass(ctx, SignalRetry, []string{signal.EndpointID}, signal)
		return
	}
	c.pass(ctx, SignalCancel, []string{signal.EndpointID}, signal)
}

func (c *chunked) hear(ctx workflow.Context, news OutcomeSignal) {
	c.pass(ctx, SignalOutcome, news.endpoints(), news)
}

// pass signals the chunks that have one of the endpoints; "" is all. A chunk that has ended is started once
// more for a retry: what it has to do is in the rows.
func (c *chunked) pass(ctx workflow.Context, name string, endpointIDs []string, payload any) {
	passed := make([]workflow.Future, len(c.chunks))
	for i, part := range c.chunks {
		if part.open && part.has(endpointIDs) {
			passed[i] = part.child.SignalChildWorkflow(ctx, name, payload)
		}
	}
	for i, part := range c.chunks {
		if passed[i] != nil && passed[i].Get(ctx, nil) == nil || name != SignalRetry || !part.has(endpointIDs) {
			continue
		}
		if part.open { // it has just ended
			part.again = true
		} else {
			c.start(ctx, i)
		}
	}
}

func (c *chunk) has(endpointIDs []string) bool {
	return slices.Contains(endpointIDs, "") ||
		slices.ContainsFunc(c.in.Endpoints, func(e EndpointInput) bool { return slices.Contains(endpointIDs, e.ID) })
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
