package activities

import (
	"context"
	"errors"
	"time"

	"go.temporal.io/sdk/activity"

	"github.com/postrider/postrider/webhook"
)

// DeliverParams names the delivery.
type DeliverParams struct {
	UID         int64  `json:"uid"`
	EndpointKey int64  `json:"endpoint_key"`
	Tenant      string `json:"tenant"` // this and the next two are for people who look at it
	EventID     string `json:"event_id"`
	EndpointID  string `json:"endpoint_id"`
}

// DeliverResult is what ended the activity without a failure to report.
type DeliverResult struct {
	V       int             `json:"v"`
	Outcome EndpointOutcome `json:"outcome"`
	// NotDue: Temporal asked for an attempt that has been made already (its own records fell back).
	// The next one is due at Outcome.Due.
	NotDue bool `json:"not_due,omitempty"`
}

// Deliver is one endpoint's retries. It fails only to report one HTTP attempt, each once, since in
// Temporal every failure uses up an attempt; everything else completes it. On every invocation it
// reads the row first and follows the first rule that applies:
//
//  1. the delivery is final: complete with that, no request;
//  2. an attempt was made that Temporal has not been told of: report it, no request;
//  3. Temporal asks for an attempt that was made already, and the next is not due: complete;
//  4. it may not be sent to now: complete, the dispatcher will send it;
//  5. send, commit, and only then return. An attempt that could not be committed, or that a worker
//     died in, counts: the next one has the number after it.
func (a *Activities) Deliver(ctx context.Context, p DeliverParams) (DeliverResult, error) {
	row, err := a.dispatcher.Delivery(ctx, p.UID, p.EndpointKey)
	switch {
	case errors.Is(err, webhook.NotFound): // deleted by retention: nothing is left to deliver
		return a.complete(webhook.Delivery{EndpointID: p.EndpointID, State: webhook.DeliveryExpired}), nil
	case err != nil: // nothing was sent; the overdue sweep wakes the workflow
		return a.complete(webhook.Delivery{EndpointID: p.EndpointID, WaitingFor: webhook.WaitingForStore}), nil
	}
	t := int(activity.GetInfo(ctx).Attempt)
	switch step := decide(row, t, a.now()); step.rule {
	case ruleFinal, ruleWaits:
		return a.complete(row), nil
	case ruleReport:
		return a.report(ctx, row)
	case ruleNotDue:
		result := a.complete(row)
		result.NotDue = true
		return result, nil
	case ruleSpent:
		return DeliverResult{}, spent(row)
	default:
		return a.send(ctx, row, step, t)
	}
}

// report hands the last attempt, made outside of this activity, over to Temporal.
func (a *Activities) report(ctx context.Context, row webhook.Delivery) (DeliverResult, error) {
	after := row
	after.Reported, after.Base = row.Attempts, row.Attempts-1
	if err := a.dispatcher.Save(ctx, row, after); err != nil {
		return a.complete(parked(row)), nil
	}
	wait := after.DueAt.Sub(a.now())
	if row.Wish != webhook.WishNone { // somebody was quicker than the handover
		wait = 0
	}
	return DeliverResult{}, attemptFailed(after, max(wait, time.Millisecond))
}

func (a *Activities) send(ctx context.Context, row webhook.Delivery, step step, t int) (DeliverResult, error) {
	if step.base != row.Base { // known before the request, should the worker die during it
		based := row
		based.Base = step.base
		if err := a.dispatcher.Save(ctx, row, based); err != nil {
			return a.complete(parked(row)), nil
		}
		row = based
	}
	after, err := a.dispatcher.Attempt(ctx, row, step.lost)
	switch {
	case errors.Is(err, ErrUnrecorded):
		return DeliverResult{}, unrecorded(row, err)
	case err != nil:
		return a.complete(parked(row)), nil
	case after.State == webhook.DeliveryExhausted && after.Attempts > row.Attempts:
		return DeliverResult{}, lastAttemptFailed(after)
	case after.State == webhook.DeliveryRetrying && after.WaitingFor == webhook.WaitingForNothing:
		return DeliverResult{}, attemptFailed(after, delay(after, t, a.now()))
	default:
		return a.complete(after), nil
	}
}

// delay is what Temporal is told to wait. 0 where its own policy gives the delivery's due time.
func delay(d webhook.Delivery, t int, now time.Time) time.Duration {
	if d.Policy.Plain() && d.Attempts == t && d.DueAt.Sub(d.UpdatedAt) == d.Policy.Interval(t) {
		return 0
	}
	return max(d.DueAt.Sub(now), time.Millisecond)
}

// parked is the row as the workflow is to see it when nothing could be done: wait to be woken.
func parked(row webhook.Delivery) webhook.Delivery {
	row.WaitingFor = webhook.WaitingForStore
	return row
}

func (a *Activities) complete(row webhook.Delivery) DeliverResult {
	return DeliverResult{V: ResultVersion, Outcome: outcomeOf(Standing{Delivery: row})}
}
