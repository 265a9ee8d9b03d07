package webhook_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/postrider/postrider/webhook"
)

func then() time.Time { return time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC) }

// waiting is a delivery that the dispatcher has, after so many of three attempts.
func waiting(attempts int) webhook.Delivery {
	policy := webhook.DefaultPolicy()
	policy.Jitter, policy.MaximumAttempts, policy.PermanentStatuses = 0, 3, []int{404}
	d := webhook.Delivery{
		EventID: "evt_1", EndpointID: "ep_1", Policy: policy, Attempts: attempts, Reported: attempts, Budget: 3,
		State: webhook.DeliveryPending, WaitingFor: webhook.WaitingForTurn, DueAt: then(), CreatedAt: then().Add(-time.Hour),
	}
	if attempts > 0 {
		d.State, d.LastStatus, d.LastErrorClass, d.LastError = webhook.DeliveryRetrying, 500, webhook.ErrorHTTPStatus, "answered 500"
	}
	return d
}

func answered(status int) webhook.AttemptResult {
	r := webhook.AttemptResult{Outcome: webhook.OutcomeRejected, Status: status, ErrorClass: webhook.ErrorHTTPStatus, Error: "refused"}
	if status == 200 {
		r = webhook.AttemptResult{Outcome: webhook.OutcomeDelivered, Status: status}
	}
	return r
}

func TestApply(t *testing.T) {
	t.Parallel()
	unreachable := webhook.AttemptResult{Outcome: webhook.OutcomeUnreachable, ErrorClass: webhook.ErrorTimeout, Error: "no answer"}
	unknown := webhook.AttemptResult{Outcome: webhook.OutcomeUnknown, ErrorClass: webhook.ErrorOutcomeUnknown, Error: "stopped"}
	blocked := webhook.AttemptResult{Outcome: webhook.OutcomeBlocked, ErrorClass: webhook.ErrorBlockedAddress, Error: "blocked"}
	later := answered(503)
	later.RetryAfter = time.Hour
	wishing := func(attempts int, wish webhook.Wish) webhook.Delivery {
		d := waiting(attempts)
		d.Wish = wish
		return d
	}
	gone := waiting(0)
	gone.Policy.PermanentStatuses = []int{410}
	forced := waiting(3)
	forced.Budget = 4

	type outcome struct {
		State  webhook.DeliveryState
		Due    time.Duration // from now; 0: none
		Waits  webhook.WaitingFor
		Reason string
		Budget int
	}
	retrying := func(due time.Duration) outcome { return outcome{State: webhook.DeliveryRetrying, Due: due, Budget: 3} }
	exhausted := outcome{State: webhook.DeliveryExhausted, Reason: webhook.ReasonOutOfAttempts, Budget: 3}
	delivered := outcome{State: webhook.DeliveryDelivered, Budget: 3}
	cancelled := outcome{State: webhook.DeliveryCancelled, Reason: webhook.ReasonCancelled, Budget: 3}
	permanent := outcome{State: webhook.DeliveryExhausted, Reason: webhook.ReasonPermanent, Budget: 3}
	held := func(budget int) outcome {
		return outcome{State: webhook.DeliveryHeld, Waits: webhook.WaitingForDisabled, Budget: budget}
	}
	tests := []struct {
		name   string
		before webhook.Delivery
		result webhook.AttemptResult
		want   outcome
	}{
		{"a first attempt delivers", waiting(0), answered(200), delivered},
		{"the last attempt delivers", waiting(2), answered(200), delivered},
		{"a first attempt is refused", waiting(0), answered(500), retrying(5 * time.Second)},
		{"a second attempt is refused", waiting(1), answered(500), retrying(15 * time.Second)},
		{"a receiver that does not answer is tried again", waiting(0), unreachable, retrying(5 * time.Second)},
		{"an outcome that is unknown is tried again", waiting(0), unknown, retrying(5 * time.Second)},
		{"an address that is blocked is tried again, for it may be corrected", waiting(0), blocked, retrying(5 * time.Second)},
		{"Retry-After postpones", waiting(0), later, retrying(time.Hour)},
		{"the last attempt is refused", waiting(2), answered(500), exhausted},
		{"the last attempt is not answered", waiting(2), unreachable, exhausted},
		{"the last attempt's outcome is unknown", waiting(2), unknown, exhausted},
		{"the last attempt is refused with a Retry-After", waiting(2), later, exhausted},
		{"a permanent status ends it at once", waiting(0), answered(404), permanent},
		{"a permanent status is the reason on the last attempt too", waiting(2), answered(404), permanent},
		{"another 4xx does not end it", waiting(0), answered(400), retrying(5 * time.Second)},
		{"410 holds it", waiting(0), answered(410), held(3)},
		{"410 holds it even where it is permanent", gone, answered(410), held(3)},
		{"410 on the last attempt leaves one more for when it is resumed", waiting(2), answered(410), held(4)},
		{"a wish to cancel comes too late for a delivery", wishing(0, webhook.WishCancel), answered(200), delivered},
		{"a wish to cancel ends what was refused", wishing(0, webhook.WishCancel), answered(500), cancelled},
		{"a wish to cancel ends what is gone", wishing(0, webhook.WishCancel), answered(410), cancelled},
		{"a wish to cancel goes before a permanent status", wishing(0, webhook.WishCancel), answered(404), cancelled},
		{"a wish to cancel goes before being out of attempts", wishing(2, webhook.WishCancel), answered(500), cancelled},
		{"a wish to retry is granted by the attempt", wishing(1, webhook.WishRetry), answered(500), retrying(15 * time.Second)},
		{"a wish to retry gives no attempt beyond the budget", wishing(2, webhook.WishRetry), answered(500), exhausted},
		{"an attempt beyond the policy, in a new budget, ends it", forced, answered(500), outcome{State: webhook.DeliveryExhausted, Reason: webhook.ReasonOutOfAttempts, Budget: 4}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			before := tt.before
			after := tt.before.Apply(tt.result, then(), 0.5)
			if diff := cmp.Diff(before, tt.before); diff != "" {
				t.Errorf("the delivery itself was changed: %s", diff)
			}
			want := before
			want.Attempts++
			want.State, want.WaitingFor, want.Reason, want.Budget = tt.want.State, tt.want.Waits, tt.want.Reason, tt.want.Budget
			want.Wish, want.DueAt, want.UpdatedAt = webhook.WishNone, time.Time{}, then()
			if tt.want.Due > 0 {
				want.DueAt = then().Add(tt.want.Due)
			}
			if tt.want.State.Final() {
				want.CompletedAt = then()
			}
			want.LastStatus, want.LastErrorClass, want.LastError = tt.result.Status, tt.result.ErrorClass, tt.result.Error
			if diff := cmp.Diff(want, after); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestAnyAnswersEndADeliveryWithinItsBudget(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		d := waiting(0)
		for d.State.Open() {
			if d.State == webhook.DeliveryHeld { // resumed
				d = d.Wait(webhook.WaitingForTurn, then())
			}
			if d.AttemptsLeft() == 0 {
				t.Fatalf("%s with no attempt left", d.State)
			}
			before := d
			d = d.Apply(answered(rapid.SampledFrom([]int{200, 404, 410, 429, 500}).Draw(t, "status")), then(), 0.5)
			switch {
			case d.Attempts != before.Attempts+1:
				t.Fatalf("%d attempts after %d", d.Attempts, before.Attempts)
			case d.State.Final() == d.CompletedAt.IsZero():
				t.Fatalf("%s, completed at %s", d.State, d.CompletedAt)
			case (d.State == webhook.DeliveryRetrying) == d.DueAt.IsZero():
				t.Fatalf("%s, due at %s", d.State, d.DueAt)
			}
		}
	})
}

func TestFinishClearsWhatOnlyAnOpenDeliveryHas(t *testing.T) {
	t.Parallel()
	d := waiting(1)
	d.Wish = webhook.WishCancel
	got := d.Finish(webhook.DeliveryCancelled, webhook.ReasonEndpointDeleted, then())
	want := d
	want.State, want.Reason = webhook.DeliveryCancelled, webhook.ReasonEndpointDeleted
	want.WaitingFor, want.Wish, want.DueAt = webhook.WaitingForNothing, webhook.WishNone, time.Time{}
	want.UpdatedAt, want.CompletedAt = then(), then()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestWaitHoldsOrQueues(t *testing.T) {
	t.Parallel()
	held := map[webhook.WaitingFor]bool{webhook.WaitingForPaused: true, webhook.WaitingForDisabled: true, webhook.WaitingForEngine: true}
	for _, why := range []webhook.WaitingFor{
		webhook.WaitingForTurn, webhook.WaitingForCap, webhook.WaitingForBreaker, webhook.WaitingForStore,
		webhook.WaitingForPaused, webhook.WaitingForDisabled, webhook.WaitingForEngine,
	} {
		for attempts, open := range []webhook.DeliveryState{webhook.DeliveryPending, webhook.DeliveryRetrying} {
			got := waiting(attempts).Wait(why, then())
			want, due := open, then()
			if held[why] {
				want, due = webhook.DeliveryHeld, time.Time{}
			}
			if got.State != want || got.WaitingFor != why || !got.DueAt.Equal(due) || got.Attempts != attempts {
				t.Errorf("%s after %d attempts: %s, due at %s", why, attempts, got.State, got.DueAt)
			}
		}
	}
}
