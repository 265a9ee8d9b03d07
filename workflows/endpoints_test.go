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

func TestEndpointsOfOneEventHaveTheirOwnFates(t *testing.T) {
	t.Parallel()
	permanent := plain(3)
	permanent.PermanentStatuses = []int{404}
	type endpoint struct {
		policy  webhook.Policy
		answers []rows.Answer
		times   []time.Duration
		status  activities.Status
	}
	delivered := endpoint{plain(3), status(200), seconds(0), activities.Delivered}
	late := endpoint{plain(3), status(500, 200), seconds(0, 10), activities.Delivered}
	exhausted := endpoint{plain(2), status(500), seconds(0, 10), activities.Exhausted}
	refused := endpoint{permanent, status(404), seconds(0), activities.Exhausted}
	waiting := endpoint{plain(3), []rows.Answer{rows.Gate(webhook.WaitingForCap)}, nil, activities.Cancelled}
	backOff := endpoint{plain(3), []rows.Answer{rows.RetryAfter(503, time.Hour)}, seconds(0), activities.Cancelled}

	for _, tt := range []struct {
		name      string
		endpoints []endpoint
		state     webhook.EventState
		how       string
	}{
		{"all delivered", []endpoint{delivered, delivered, late}, webhook.EventDelivered, completed},
		{"some delivered", []endpoint{delivered, exhausted, late}, webhook.EventPartial, failed},
		{"none delivered", []endpoint{exhausted, refused}, webhook.EventExhausted, failed},
		{"some cancelled, the others delivered", []endpoint{delivered, late, waiting}, webhook.EventPartial, canceled},
		{"some cancelled, the others exhausted", []endpoint{backOff, exhausted}, webhook.EventExhausted, failed},
		{"all cancelled", []endpoint{backOff, waiting}, webhook.EventCancelled, canceled},
		{"every fate", []endpoint{delivered, late, exhausted, refused, waiting, backOff}, webhook.EventPartial, failed},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, nil)
			for _, e := range tt.endpoints {
				w.endpoint(e.policy, e.answers...)
			}
			w.at(time.Minute, func(w *world) { w.signal("cancel", everything()) }) // of what is open by then
			end := w.run()
			if end.how != tt.how || end.result.State != tt.state {
				t.Errorf("the run is %s, the event %s; want %s, %s", end.how, end.result.State, tt.how, tt.state)
			}
			for i, e := range tt.endpoints {
				id := w.in.Endpoints[i].ID
				if diff := cmp.Diff(e.times, w.times(id)); diff != "" {
					t.Errorf("%s: times of attempts: %s", id, diff)
				}
				if got := end.of(t, id); got.Status != e.status || got.Attempts != len(e.times) {
					t.Errorf("%s: %s after %d attempts", id, got.Status, got.Attempts)
				}
			}
		})
	}
}

func TestASignalForOneEndpointLeavesTheOthersAlone(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	w.endpoint(plain(3), rows.Status(500))
	w.endpoint(plain(3), rows.Status(500))
	w.endpoint(plain(3), rows.Status(500))
	w.at(5*time.Second, func(w *world) { w.signal("cancel", only("ep_2")) })
	w.at(6*time.Second, func(w *world) { w.signal("retry", only("ep_3")) })
	w.run()
	for id, want := range map[string][]time.Duration{"ep_1": seconds(0, 10, 30), "ep_2": seconds(0), "ep_3": seconds(0, 6, 26)} {
		if diff := cmp.Diff(want, w.times(id)); diff != "" {
			t.Errorf("%s: %s", id, diff)
		}
	}
}

func TestRetryOfAnExhaustedEndpointWhileAnotherIsOpen(t *testing.T) {
	t.Parallel()
	for name, retry := range map[string]func(*testing.T, *world){
		"by a signal": func(_ *testing.T, w *world) { w.signal("retry", only("ep_1")) },
		"by the API": func(_ *testing.T, w *world) {
			w.Revive("ep_1")
			w.signal("retry", workflows.WishSignal{EndpointID: "ep_1", Recorded: true})
		},
		"by a signal for all": func(_ *testing.T, w *world) { w.signal("retry", everything()) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, nil)
			w.endpoint(plain(2), rows.Status(500))
			w.endpoint(plain(9), rows.RetryAfter(503, time.Hour), rows.Status(200))
			w.endpoint(plain(9), rows.Status(200))
			w.at(time.Minute, func(w *world) {
				if got := w.status(); got.State != webhook.EventDelivering || got.Endpoints[0].Status != activities.Exhausted {
					t.Errorf("before, the event is %s and the delivery %s", got.State, got.Endpoints[0].Status)
				}
				retry(t, w)
			})
			end := w.run()
			// The budget is fresh and the count goes on, so the interval does too.
			if diff := cmp.Diff(seconds(0, 10, 60, 100), w.times("ep_1")); diff != "" {
				t.Error(diff)
			}
			got := end.of(t, "ep_1")
			if got.Status != activities.Exhausted || got.Attempts != 4 || got.Budget != 4 || end.result.State != webhook.EventPartial {
				t.Errorf("%+v, the event is %s", got, end.result.State)
			}
			if len(w.Made("ep_3")) != 1 {
				t.Error("what was delivered was sent again")
			}
		})
	}
}
