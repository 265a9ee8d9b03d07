package workflows_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/postrider/postrider/activities"
	"github.com/postrider/postrider/internal/testkit/rows"
	"github.com/postrider/postrider/webhook"
	"github.com/postrider/postrider/workflows"
)

func TestARetryThatOvertakesTheLastFailureIsNotLost(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	w.endpoint(plain(2), status(500, 500, 200)...)
	w.cancellation.returning = func(invocation int) {
		if invocation == 2 { // the first reports the first attempt
			w.Revive("ep_1") // its signal is under way
		}
	}
	end := w.run()
	if got := end.of(t, "ep_1"); end.how != completed || got.Status != activities.Delivered || got.Attempts != 3 {
		t.Errorf("the run is %s, the delivery %s after %d attempts", end.how, got.Status, got.Attempts)
	}
}

func TestNewsThatOvertakeWhatParksADeliveryAreNotMissed(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	w.endpoint(plain(3), rows.Status(500), rows.Gate(webhook.WaitingForCap), rows.Status(200))
	w.cancellation.returning = func(invocation int) {
		if invocation == 2 { // it says that the delivery waits, but by now it has been sent
			w.Open("ep_1")
		}
	}
	end := w.run()
	if got := end.of(t, "ep_1"); end.how != completed || got.Status != activities.Delivered {
		t.Errorf("the run is %s, the delivery %s", end.how, got.Status)
	}
}

func TestARetryBeforeTheHandoverSendsNow(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	w.endpoint(plain(3), status(500, 200)...)
	w.Send("ep_1") // ahead of the workflow
	w.at(time.Millisecond, func(w *world) { w.signal("retry", everything()) })
	w.Fail("FirstAttempts", 1) // so that the signal comes first
	end := w.run()
	// 1 s until it is asked again, and 1 ms or 2 until the handover is over; far from the 10 s of the policy.
	times := w.times("ep_1")
	if len(times) != 2 || times[1] < time.Second || times[1] > 1010*time.Millisecond || end.how != completed {
		t.Errorf("the run is %s, attempts at %v", end.how, times)
	}
}

func TestSignalsThatComeTogetherAreAllTakenIn(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	w.endpoint(plain(1), rows.Status(500), rows.Status(200))
	w.endpoint(plain(1), rows.Gate(webhook.WaitingForCap))
	w.at(time.Minute, func(w *world) {
		w.signal("cancel", only("ep_2")) // nothing is open after it
		w.signal("cancel", only("ep_3"))
		w.signal("retry", only("ep_1"))
	})
	end := w.run()
	if got := end.of(t, "ep_1"); got.Status != activities.Delivered || got.Attempts != 2 {
		t.Errorf("%s after %d attempts", got.Status, got.Attempts)
	}
}

func TestStoreErrorsAreOutwaited(t *testing.T) {
	t.Parallel()
	for _, method := range []string{"FirstAttempts", "RecordWish", "Settle"} {
		t.Run(method, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, nil)
			w.endpoint(plain(3), rows.Status(500))
			w.Fail(method, 3) // a second, two and four between them
			w.at(5*time.Second, func(w *world) { w.signal("cancel", everything()) })
			end := w.run()
			if got := end.of(t, "ep_1"); end.how != canceled || got.Status != activities.Cancelled || w.Calls(method) < 4 {
				t.Errorf("the run is %s, the delivery %s, %d calls", end.how, got.Status, w.Calls(method))
			}
		})
	}
}

func TestARetryThatCannotReadOrWriteParks(t *testing.T) {
	t.Parallel()
	for method, want := range map[string][]time.Duration{
		"Delivery": seconds(0, 3600), // the handover was not made, and is now, late
		"Save":     seconds(0, 3600),
		"Attempt":  seconds(0, 3600),
	} {
		t.Run(method, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, nil)
			w.endpoint(plain(3), status(500, 200)...)
			w.Fail(method, 1)
			// What the overdue sweep does.
			w.at(time.Hour, func(w *world) { w.signal(workflows.SignalOutcome, workflows.OutcomeSignal{}) })
			end := w.run()
			got := w.times("ep_1")
			for i := range got {
				got[i] = got[i].Truncate(time.Second) // a late handover takes a millisecond
			}
			if diff := cmp.Diff(want, got); diff != "" || end.how != completed {
				t.Errorf("the run is %s: %s", end.how, diff)
			}
		})
	}
}

func TestAnEventThatRetentionDeletedEnds(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	w.endpoint(plain(3), rows.Gate(webhook.WaitingForCap))
	w.at(time.Hour, func(w *world) {
		w.Delete()
		w.signal(workflows.SignalOutcome, workflows.OutcomeSignal{})
	})
	end := w.run()
	if got := end.of(t, "ep_1"); end.how != failed || got.Status != activities.Expired || end.result.State != webhook.EventExpired {
		t.Errorf("the run is %s, the delivery %s", end.how, got.Status)
	}
}
