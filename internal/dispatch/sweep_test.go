package dispatch_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/postrider/postrider/activities"
	"github.com/postrider/postrider/internal/dispatch"
	"github.com/postrider/postrider/store"
	"github.com/postrider/postrider/webhook"
	"github.com/postrider/postrider/workflows"
)

// view is what Temporal says of the event's workflow.
func view(uid int64, status string, change ...func(*dispatch.Description)) dispatch.Description {
	d := dispatch.Description{UID: uid, Generation: 1}
	d.Status = status
	for _, f := range change {
		f(&d)
	}
	return d
}

func pending(endpoint webhook.Endpoint, state string, at time.Time) func(*dispatch.Description) {
	return func(d *dispatch.Description) {
		d.Pending = []webhook.PendingActivity{{EndpointID: endpoint.ID, State: state, NextAttemptAt: at}}
	}
}

func ended(endpoint webhook.Endpoint, status activities.Status) func(*dispatch.Description) {
	return func(d *dispatch.Description) {
		d.Result = &workflows.DeliverEventResult{Endpoints: []activities.EndpointOutcome{
			{EndpointID: endpoint.ID, Status: status, Attempts: 1, HTTPStatus: http.StatusTeapot, Reason: webhook.ReasonOutOfAttempts},
		}}
	}
}

// An overdue delivery: its attempt was an hour ago, was reported, and the next was due at once. The
// sweep asks Temporal about it.
func TestTheSweepAsksTemporalAboutWhatIsOverdue(t *testing.T) {
	t.Parallel()
	later := time.Now().Add(time.Hour).UTC().Truncate(time.Millisecond)
	none := func(*harness, webhook.Event, webhook.Endpoint) (dispatch.Description, bool) {
		return dispatch.Description{}, false
	}
	say := func(status string, change func(webhook.Endpoint) func(*dispatch.Description)) func(*harness, webhook.Event, webhook.Endpoint) (dispatch.Description, bool) {
		return func(_ *harness, e webhook.Event, p webhook.Endpoint) (dispatch.Description, bool) {
			return view(e.UID, status, change(p)), true
		}
	}
	nothing := func(webhook.Endpoint) func(*dispatch.Description) { return func(*dispatch.Description) {} }
	cases := []struct {
		name   string
		answer func(*harness, webhook.Event, webhook.Endpoint) (dispatch.Description, bool)
		gone   bool // the engine has no run of it any more
		want   func(h *harness, e webhook.Event, row webhook.Delivery) bool
	}{
		{"a missing workflow is started, and told of the last attempt", none, true, func(h *harness, _ webhook.Event, row webhook.Delivery) bool {
			return len(h.engine.started()) == 2 && row.Reported == row.Attempts-1
		}},
		{"a workflow of an earlier event of the same id is no workflow", func(_ *harness, e webhook.Event, _ webhook.Endpoint) (dispatch.Description, bool) {
			return view(e.UID+1000, "Completed"), true
		}, true, func(h *harness, _ webhook.Event, _ webhook.Delivery) bool { return len(h.engine.started()) == 2 }},
		{"an attempt that is pending for later gives its time", say("Running", func(p webhook.Endpoint) func(*dispatch.Description) {
			return pending(p, "Scheduled", later)
		}), false, func(_ *harness, _ webhook.Event, row webhook.Delivery) bool {
			return row.State == webhook.DeliveryRetrying && row.DueAt.Equal(later)
		}},
		{"an activity that is paused in Temporal holds the delivery", say("Running", func(p webhook.Endpoint) func(*dispatch.Description) {
			return pending(p, "Paused", time.Time{})
		}), false, func(_ *harness, _ webhook.Event, row webhook.Delivery) bool {
			return row.State == webhook.DeliveryHeld && row.WaitingFor == webhook.WaitingForEngine
		}},
		{"a workflow with nothing pending is woken", say("Running", nothing), false, func(h *harness, e webhook.Event, _ webhook.Delivery) bool {
			return len(h.outcomes(e)) > 0
		}},
		{"a workflow whose task fails is left alone", say("Running", func(webhook.Endpoint) func(*dispatch.Description) {
			return func(d *dispatch.Description) { d.Failed = true }
		}), false, func(h *harness, _ webhook.Event, row webhook.Delivery) bool {
			return row.State == webhook.DeliveryRetrying && time.Since(row.DueAt) < time.Minute && len(h.engine.started()) == 1
		}},
		{"a closed workflow's result settles the delivery", say("Failed", func(p webhook.Endpoint) func(*dispatch.Description) {
			return ended(p, activities.Exhausted)
		}), false, func(_ *harness, _ webhook.Event, row webhook.Delivery) bool {
			return row.State == webhook.DeliveryExhausted && row.Reason == webhook.ReasonOutOfAttempts
		}},
		{"a closed workflow without a result is started again", say("TimedOut", nothing), true, func(h *harness, _ webhook.Event, _ webhook.Delivery) bool {
			return len(h.engine.started()) == 2
		}},
		{"a terminated workflow cancels and is not started again", say("Terminated", nothing), false, func(h *harness, _ webhook.Event, row webhook.Delivery) bool {
			return row.State == webhook.DeliveryCancelled && row.Reason == webhook.ReasonTerminated && len(h.engine.started()) == 1
		}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			h := start(t, dispatch.Config{FirstAttempt: dispatch.AheadOfEngine, SweepEvery: 10 * time.Millisecond, SweepGrace: time.Millisecond})
			endpoint := h.endpoint(receive(t, status(http.StatusTeapot)))
			event, _ := h.retrying(endpoint)
			if d, ok := c.answer(h, event, endpoint); ok {
				h.engine.set(func(e *fakeEngine) { e.script[event.ID] = d })
			}
			if c.gone {
				h.engine.set(func(e *fakeEngine) { delete(e.runs, event.ID) })
			}
			h.overdue(event, endpoint)
			h.await(c.name, func() bool { return c.want(h, event, h.row(event, endpoint)) })
		})
	}
}

// overdue makes a delivery due an hour ago.
func (h *harness) overdue(event webhook.Event, endpoint webhook.Endpoint) {
	h.t.Helper()
	row := h.row(event, endpoint)
	after := row
	after.DueAt = time.Now().Add(-time.Hour)
	if err := h.store.Apply(h.t.Context(), []store.Change{{Delivery: after, ExpectAttempts: row.Attempts}})[0]; err != nil {
		h.t.Fatal(err)
	}
}

func TestTheSweepLeavesADeliveryAloneWhileTemporalDoesNotAnswer(t *testing.T) {
	t.Parallel()
	h := start(t, dispatch.Config{FirstAttempt: dispatch.AheadOfEngine, SweepEvery: 10 * time.Millisecond, SweepGrace: time.Millisecond})
	endpoint := h.endpoint(receive(t, status(http.StatusTeapot)))
	event, _ := h.retrying(endpoint)
	asked := make(chan struct{}, 100)
	h.engine.set(func(e *fakeEngine) {
		delete(e.runs, event.ID)
		e.fault = func(int) error {
			select {
			case asked <- struct{}{}:
			default:
			}
			return webhook.Errorf(webhook.Unavailable, "", "nobody there")
		}
	})
	h.overdue(event, endpoint)
	before := h.row(event, endpoint)
	<-asked
	<-asked
	if row := h.row(event, endpoint); row.State != before.State || !row.DueAt.Equal(before.DueAt) {
		t.Errorf("got %+v, want it as it was", row)
	}
	h.engine.set(func(e *fakeEngine) { e.fault = nil })
	h.await("the workflow is started again", func() bool { return len(h.engine.started()) == 2 })
}

func TestTheSweepDoesNotAskAboutWhatIsNotOverdue(t *testing.T) {
	t.Parallel()
	h := start(t, dispatch.Config{FirstAttempt: dispatch.AheadOfEngine, SweepEvery: 10 * time.Millisecond, SweepGrace: time.Millisecond})
	endpoint := h.endpoint(receive(t, status(http.StatusTeapot)))
	other, _ := h.retrying(endpoint) // due, but its time-out and the margin are not over
	event, _ := h.retrying(endpoint)
	h.engine.set(func(e *fakeEngine) { delete(e.runs, event.ID) })
	h.overdue(event, endpoint)
	h.await("the overdue one is started again", func() bool { return len(h.engine.started()) == 3 })
	if h.engine.lookedAt(other.ID) || !h.engine.lookedAt(event.ID) {
		t.Errorf("got lookups of %v, want only %s", h.engine.lookups, event.ID)
	}
}
