// Package workflows is the deterministic part of delivery: one workflow for each event, which keeps
// time and control. It sees to it that every endpoint's delivery ends, under the endpoint's retry
// policy, and that people can cancel and hurry it. The facts are in the store, behind activities.
package workflows

import (
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/postrider/postrider/activities"
	"github.com/postrider/postrider/webhook"
)

// DeliverEventResult is every delivery's outcome. A run that did not deliver everything fails, and
// a cancelled one is cancelled, with this as the detail.
type DeliverEventResult struct {
	V         int                          `json:"v"`
	State     webhook.EventState           `json:"state"`
	Endpoints []activities.EndpointOutcome `json:"endpoints"`
}

// NotDeliveredType is the type of the application error of a run that did not deliver everything.
const NotDeliveredType = "NotDelivered"

// DeliverEvent delivers one event to its endpoints.
func DeliverEvent(ctx workflow.Context, in DeliverEventInput) (DeliverEventResult, error) {
	if len(in.Endpoints) > ChunkSize {
		return deliverChunks(ctx, in)
	}
	return deliver(ctx, in)
}

func deliver(ctx workflow.Context, in DeliverEventInput) (DeliverEventResult, error) {
	run := newRun(in)
	if err := run.answerQueries(ctx); err != nil {
		return DeliverEventResult{}, err
	}
	run.deliverAll(ctx)
	return end(run.result())
}

// end makes a run's result what Temporal shows of it.
func end(result DeliverEventResult) (DeliverEventResult, error) {
	switch result.State {
	case webhook.EventDelivered, webhook.EventUnrouted:
		return result, nil
	}
	for _, o := range result.Endpoints {
		if o.Status == activities.Exhausted || o.Status == activities.Expired {
			return DeliverEventResult{}, temporal.NewApplicationErrorWithOptions(
				"not delivered to every endpoint", NotDeliveredType,
				temporal.ApplicationErrorOptions{NonRetryable: true, Details: []any{result}, Category: temporal.ApplicationErrorCategoryBenign})
		}
	}
	return DeliverEventResult{}, temporal.NewCanceledError(result)
}
