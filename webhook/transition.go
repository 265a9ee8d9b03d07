package webhook

import (
	"net/http"
	"time"
)

// AttemptResult is what an attempt learned from the receiver. A refusal is data, not an error.
type AttemptResult struct {
	Outcome         Outcome
	Status          int
	ErrorClass      ErrorClass
	Error           string
	RetryAfter      time.Duration // of a 429 or 503; 0: none
	RequestHeaders  map[string]string
	ResponseHeaders map[string]string
	ResponseBody    []byte
	StartedAt       time.Time
	Duration        time.Duration
}

// Apply is the delivery after one more attempt that ended with result at now. random is in [0,1).
// It never looks at what the endpoint has become meanwhile, with one exception that the result
// itself carries: 410 Gone holds the delivery (and the caller disables the endpoint).
func (d Delivery) Apply(result AttemptResult, now time.Time, random float64) Delivery {
	d.Attempts++
	d.LastStatus, d.LastErrorClass, d.LastError = result.Status, result.ErrorClass, result.Error
	d.UpdatedAt = now
	d.DueAt, d.CompletedAt = time.Time{}, time.Time{}
	d.WaitingFor, d.Reason = WaitingForNothing, ""
	if d.Wish == WishRetry {
		d.Wish = WishNone
	}
	switch {
	case result.Outcome == OutcomeDelivered:
		return d.finish(DeliveryDelivered, "", now)
	case d.Wish == WishCancel:
		return d.finish(DeliveryCancelled, ReasonCancelled, now)
	case result.Status == http.StatusGone:
		d.State, d.WaitingFor = DeliveryHeld, WaitingForDisabled
		if d.AttemptsLeft() == 0 { // the receiver's own word ended it, so resuming gives one more
			d.Budget++
		}
		return d
	case d.Policy.Permanent(result.Status):
		return d.finish(DeliveryExhausted, ReasonPermanent, now)
	case d.AttemptsLeft() == 0:
		return d.finish(DeliveryExhausted, ReasonOutOfAttempts, now)
	default:
		d.State = DeliveryRetrying
		d.DueAt = now.Add(d.Policy.Delay(d.Attempts, result.RetryAfter, random))
		return d
	}
}

// Finish is the delivery ended in the given final state for the given reason.
func (d Delivery) Finish(state DeliveryState, reason string, now time.Time) Delivery {
	d.UpdatedAt = now
	return d.finish(state, reason, now)
}

func (d Delivery) finish(state DeliveryState, reason string, now time.Time) Delivery {
	d.State, d.Reason, d.CompletedAt = state, reason, now
	d.WaitingFor, d.Wish, d.DueAt = WaitingForNothing, WishNone, time.Time{}
	return d
}

// Wait is the delivery left to the dispatcher, which sends it when what it waits for is over.
// Waiting for a paused or disabled endpoint is being held.
func (d Delivery) Wait(why WaitingFor, now time.Time) Delivery {
	d.WaitingFor, d.UpdatedAt = why, now
	switch why {
	case WaitingForPaused, WaitingForDisabled, WaitingForEngine:
		d.State, d.DueAt = DeliveryHeld, time.Time{}
	default:
		d.State = d.openState()
		d.DueAt = now
	}
	return d
}

// openState is pending before the first attempt and retrying after it.
func (d Delivery) openState() DeliveryState {
	if d.Attempts == 0 {
		return DeliveryPending
	}
	return DeliveryRetrying
}
