package workflows_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/postrider/postrider/activities"
	"github.com/postrider/postrider/internal/testkit/rows"
	"github.com/postrider/postrider/webhook"
)

// retrying is a row that a run finds when Temporal has lost what came before: two attempts were made,
// both reported, and the third is due in so much time.
func retrying(w *world, due time.Duration) webhook.Delivery {
	d := w.Row("ep_1")
	d.State, d.WaitingFor, d.LastStatus = webhook.DeliveryRetrying, webhook.WaitingForNothing, 500
	d.Attempts, d.Reported, d.DueAt = 2, 2, start().Add(due)
	return d
}

func TestARunThatFindsRowsGoesOnWhereTheyStand(t *testing.T) {
	t.Parallel()
	const hour = time.Hour
	due := func(after time.Duration, more func(*world), answers ...rows.Answer) func(*world) {
		return func(w *world) {
			w.Put(retrying(w, after), answers...)
			if more != nil {
				more(w)
			}
		}
	}
	for _, tt := range []struct {
		name     string
		during   func(*world)
		times    []time.Duration
		attempts int
		status   activities.Status
	}{
		{"at the stored time, with what is left of the budget", due(hour, nil, rows.Status(500)), seconds(3600, 3640), 4, activities.Exhausted},
		{"at once if it is overdue", due(-hour, nil, rows.Status(200)), seconds(0), 3, activities.Delivered},
		{"a retry does not wait for the stored time", due(hour, signalled(time.Minute, "retry", everything()), rows.Status(200)), seconds(60), 3, activities.Delivered},
		{"a cancel does not wait for it either", due(hour, signalled(time.Minute, "cancel", everything())), nil, 2, activities.Cancelled},
		{"what was made ahead is not made again", func(w *world) { w.Send("ep_1") }, seconds(0), 1, activities.Delivered},
		{"what failed ahead is reported, and retried when it is due", func(w *world) {
			w.Put(w.Row("ep_1"), status(500, 200)...)
			w.Send("ep_1")
		}, seconds(0, 10), 2, activities.Delivered},
		{"what is final already ends the run", func(w *world) {
			w.Put(w.Row("ep_1").Finish(webhook.DeliveryExpired, webhook.ReasonHeldTooLong, start()))
		}, nil, 0, activities.Expired},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var asked [2]int
			for told := range asked { // by its input; or it asks
				w := newWorld(t, nil)
				w.endpoint(plain(4))
				tt.during(w)
				if told == 1 {
					w.in.Endpoints[0].Outcome = activities.KnownOutcome(w.Row("ep_1"))
				}
				end := w.run()
				if diff := cmp.Diff(tt.times, w.times("ep_1")); diff != "" {
					t.Errorf("times of attempts: %s", diff)
				}
				if got := end.of(t, "ep_1"); got.Status != tt.status || got.Attempts != tt.attempts {
					t.Errorf("%s after %d attempts, want %s after %d", got.Status, got.Attempts, tt.status, tt.attempts)
				}
				asked[told] = w.Calls("FirstAttempts")
			}
			if asked[1] != asked[0]-1 {
				t.Errorf("a run asked %d times, one that was told %d times", asked[0], asked[1])
			}
		})
	}
}

func TestASecondGenerationHasOnlyTheUndelivered(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	w.endpoint(plain(2), rows.Status(200))
	w.endpoint(plain(2), status(500, 500, 500, 200)...)
	if end := w.run(); end.how != failed || end.result.State != webhook.EventPartial {
		t.Fatalf("the first run is %s, the event %s", end.how, end.result.State)
	}
	w.Revive("ep_2") // the event was closed: a new run of the same ID

	second := newWorld(t, nil)
	second.Put(w.Row("ep_2"), status(500, 200)...)
	second.in = w.in
	second.in.Generation, second.in.Endpoints = 2, w.in.Endpoints[1:]
	end := second.run()
	if end.how != completed || end.result.State != webhook.EventDelivered || len(end.result.Endpoints) != 1 {
		t.Errorf("the second run is %s with %+v", end.how, end.result)
	}
	if got := end.of(t, "ep_2"); got.Attempts != 4 || got.Budget != 4 {
		t.Errorf("%+v", got)
	}
	// The count goes on, and with it the interval: 40 s after the third attempt.
	if diff := cmp.Diff(seconds(0, 40), second.times("ep_2")); diff != "" {
		t.Error(diff)
	}
}
