package activities

import (
	"testing"
	"time"

	"github.com/postrider/postrider/webhook"
)

func TestDecide(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	later, earlier := now.Add(time.Minute), now.Add(-time.Minute)
	// row was attempted so often, Temporal knows of so many, and its activity began after base. Its
	// budget is 5.
	row := func(attempts, reported, base int, due time.Time) webhook.Delivery {
		return webhook.Delivery{State: webhook.DeliveryRetrying, Attempts: attempts, Reported: reported, Base: base, Budget: 5, DueAt: due}
	}
	with := func(d webhook.Delivery, change func(*webhook.Delivery)) webhook.Delivery {
		change(&d)
		return d
	}
	final := func(s webhook.DeliveryState) webhook.Delivery {
		return with(row(2, 1, 0, time.Time{}), func(d *webhook.Delivery) { d.State = s })
	}
	waits := func(why webhook.WaitingFor) webhook.Delivery {
		return with(row(2, 1, 0, now), func(d *webhook.Delivery) { d.WaitingFor = why })
	}
	wished := func(d webhook.Delivery) webhook.Delivery {
		return with(d, func(d *webhook.Delivery) { d.Wish = webhook.WishRetry })
	}
	for _, tt := range []struct {
		name string
		row  webhook.Delivery
		t    int
		want step
	}{
		{"delivered", final(webhook.DeliveryDelivered), 2, step{rule: ruleFinal}},
		{"exhausted", final(webhook.DeliveryExhausted), 2, step{rule: ruleFinal}},
		{"cancelled", final(webhook.DeliveryCancelled), 1, step{rule: ruleFinal}},
		{"expired", final(webhook.DeliveryExpired), 9, step{rule: ruleFinal}},

		{"held, with a failure to report", with(row(1, 0, 0, time.Time{}), func(d *webhook.Delivery) {
			d.State, d.WaitingFor = webhook.DeliveryHeld, webhook.WaitingForPaused
		}), 1, step{rule: ruleWaits}},
		{"held for a pause in Temporal that is over", waits(webhook.WaitingForEngine), 1, step{rule: ruleReport}},
		{"waiting for its turn", waits(webhook.WaitingForTurn), 1, step{rule: ruleWaits}},
		{"waiting for the breaker", waits(webhook.WaitingForBreaker), 3, step{rule: ruleWaits}},

		{"handover of the first attempt, on time", row(1, 0, 0, later), 1, step{rule: ruleReport}},
		{"handover of the first attempt, late", row(1, 0, 0, earlier), 1, step{rule: ruleReport}},
		{"handover of an attempt that the dispatcher made later", row(3, 2, 0, later), 1, step{rule: ruleReport}},
		{"a failure to report goes before a forced retry", wished(row(1, 0, 0, later)), 1, step{rule: ruleReport}},

		{"the second attempt", row(1, 1, 0, now), 2, step{rule: ruleSend, base: 0}},
		{"the fourth attempt", row(3, 3, 0, now), 4, step{rule: ruleSend, base: 0}},
		{"an attempt after a later handover", row(4, 4, 2, now), 3, step{rule: ruleSend, base: 2}},
		{"an attempt before it is due: Unpause", row(2, 2, 0, later), 3, step{rule: ruleSend, base: 0}},

		{"a first send", row(0, 0, 0, now), 1, step{rule: ruleSend, base: 0}},
		{"Reset in back-off", row(3, 3, 0, later), 1, step{rule: ruleSend, base: 3}},
		{"Reset twice", row(4, 4, 3, later), 1, step{rule: ruleSend, base: 4}},

		{"one worker died", row(1, 1, 0, earlier), 3, step{rule: ruleSend, base: 0, lost: 1}},
		{"two workers died", row(1, 1, 0, earlier), 4, step{rule: ruleSend, base: 0, lost: 2}},
		{"a worker died in a forced retry", row(2, 2, 2, earlier), 2, step{rule: ruleSend, base: 2, lost: 1}},
		{"workers died in all that was left", row(2, 2, 0, earlier), 6, step{rule: ruleSpent}},
		{"a worker died in the last attempt, after a Reset", row(4, 4, 4, earlier), 2, step{rule: ruleSpent}},

		{"fell back by one, not due", row(3, 3, 0, later), 3, step{rule: ruleNotDue}},
		{"fell back by one, due", row(3, 3, 0, now), 3, step{rule: ruleSend, base: 1}},
		{"fell back by two, not due", row(4, 4, 0, later), 3, step{rule: ruleNotDue}},
		{"fell back by three, due", row(4, 4, 0, earlier), 2, step{rule: ruleSend, base: 3}},
		{"fell back and wanted now", wished(row(3, 3, 0, later)), 3, step{rule: ruleSend, base: 1}},
		{"fell back behind a handover", row(4, 4, 1, later), 2, step{rule: ruleNotDue}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := decide(tt.row, tt.t, now); got != tt.want {
				t.Errorf("got %+v, want %+v", got, tt.want)
			}
		})
	}
}

func TestDelayIsLeftToTemporalWhereItsOwnPolicyGivesIt(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	policy := webhook.Policy{
		InitialInterval: webhook.Duration(10 * time.Second), BackoffCoefficient: 2, MaximumInterval: webhook.Duration(time.Minute), MaximumAttempts: 9,
	}
	jitter := policy
	jitter.Jitter = 0.2
	// failed is what an attempt leaves behind, that ended at now.
	failed := func(p webhook.Policy, attempts int, retryAfter time.Duration, random float64) webhook.Delivery {
		d := webhook.Delivery{State: webhook.DeliveryRetrying, Policy: p, Budget: p.MaximumAttempts, Attempts: attempts - 1}
		return d.Apply(webhook.AttemptResult{Outcome: webhook.OutcomeRejected, Status: 503, RetryAfter: retryAfter}, now, random)
	}
	for _, tt := range []struct {
		name  string
		after webhook.Delivery
		t     int
		late  time.Duration // since the attempt ended
		want  time.Duration
	}{
		{"the policy's interval, without jitter", failed(policy, 3, 0, 0.5), 3, 0, 0},
		{"the maximum interval, without jitter", failed(policy, 8, 0, 0.5), 8, 0, 0},
		{"the commit took a while", failed(policy, 3, 0, 0.5), 3, time.Second, 0},
		{"Temporal's count is another", failed(policy, 3, 0, 0.5), 1, 0, 40 * time.Second},
		{"Retry-After", failed(policy, 3, time.Hour, 0), 3, 0, time.Hour},
		{"Retry-After less than the interval", failed(policy, 3, time.Second, 0), 3, 0, 0},
		{"jitter", failed(jitter, 3, 0, 0), 3, 0, 32 * time.Second},
		{"jitter that happens to be none", failed(jitter, 3, 0, 0.5), 3, 0, 40 * time.Second},
		{"due already", failed(jitter, 3, 0, 0), 3, time.Hour, time.Millisecond},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := delay(tt.after, tt.t, now.Add(tt.late)); got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}
