package dispatch_test

import (
	"fmt"
	"net/http"
	"sync"
	"testing"

	"github.com/postrider/postrider/internal/dispatch"
	"github.com/postrider/postrider/webhook"
)

func TestATinyWindowSendsEverythingOnceAndInOrder(t *testing.T) {
	t.Parallel()
	h := start(t, dispatch.Config{FirstAttempt: dispatch.AheadOfEngine, EndpointCap: 1, QueueSize: 4, WindowSize: 6, WindowBytes: 64})
	r := receive(t, status(http.StatusOK))
	h.endpoint(r)
	var events []webhook.Event
	for range 3 {
		events = append(events, h.postBatch(100)...)
		if got := h.InWindow(); got > 6 {
			t.Errorf("got %d deliveries in the window, want at most 6", got)
		}
		if got := h.Levels(t.Context()).WindowBytes; got > 64 {
			t.Errorf("got %d bytes in the window, want at most 64", got)
		}
	}
	h.eventsBecome(events, webhook.EventDelivered)
	equal(t, "received events", r.events(), ids(events))
	h.allStarted(events)
	if got := h.InWindow(); got != 0 {
		t.Errorf("got %d deliveries in the window after all, want 0", got)
	}
}

func TestIntakeAndFeederDoNotBothSendAnEvent(t *testing.T) {
	t.Parallel()
	h := start(t, dispatch.Config{FirstAttempt: dispatch.AheadOfEngine, EndpointCap: 2, QueueSize: 2})
	r := receive(t, status(http.StatusOK))
	h.endpoint(r)
	var want []string
	var posting sync.WaitGroup
	for i := range 6 {
		for n := range 25 {
			want = append(want, fmt.Sprintf("evt_%d_%d", i, n))
		}
		posting.Go(func() {
			for n := range 25 {
				event := newEvent(webhook.DefaultTenant, fmt.Sprintf("evt_%d_%d", i, n))
				if _, err := h.Accept(t.Context(), []webhook.Event{event}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	posting.Wait()
	h.await("all are sent", func() bool { return r.count() >= len(want) && h.Status().Backlog == 0 })
	equal(t, "received events", sorted(r.events()), sorted(want))
}

func TestADeadEndpointDoesNotDelayAnother(t *testing.T) {
	t.Parallel()
	h := start(t, dispatch.Config{FirstAttempt: dispatch.AheadOfEngine, Senders: 8, QueueSize: 4, WindowSize: 16})
	answer, open := gate()
	dead, live := receive(t, until(answer, http.StatusOK)), receive(t, status(http.StatusOK))
	h.endpoint(dead, func(e *webhook.Endpoint) { e.Tenant = "dead" })
	h.endpoint(live)
	var lost, events []webhook.Event
	for range 4 {
		lost = append(lost, h.postBatchAs("dead", 45)...)
		events = append(events, h.postBatch(5)...)
	}
	h.eventsBecome(events, webhook.EventDelivered)
	if got := dead.count(); got != 2 {
		t.Errorf("got %d requests to the dead endpoint, want a quarter of the senders", got)
	}
	if got := h.InWindow(); got > 16 {
		t.Errorf("got %d deliveries in the window, want at most 16", got)
	}
	open()
	h.eventsBecome(lost, webhook.EventDelivered)
	var want []string
	for _, e := range lost {
		want = append(want, e.ID)
	}
	equal(t, "events received by the dead endpoint", sorted(dead.events()), sorted(want))
}

func TestManyDeadEndpointsDoNotFillTheWindow(t *testing.T) {
	t.Parallel()
	h := start(t, dispatch.Config{FirstAttempt: dispatch.AheadOfEngine, EndpointCap: 1, QueueSize: 16, WindowSize: 40})
	answer, _ := gate()
	dead, live := receive(t, until(answer, http.StatusOK)), receive(t, status(http.StatusOK))
	for range 10 {
		h.endpoint(dead, func(e *webhook.Endpoint) { e.Tenant = "dead" })
	}
	h.endpoint(live)
	h.postBatchAs("dead", 12)
	h.await("every dead endpoint has its request", func() bool { return dead.underWay() == 10 })
	h.eventsBecome(h.postBatch(20), webhook.EventDelivered)
	if got := h.InWindow(); got > 40 {
		t.Errorf("got %d deliveries in the window, want at most 40", got)
	}
}

func TestAnEventWithManyDeliveriesIsNotRememberedWhenItIsDone(t *testing.T) {
	t.Parallel()
	h := start(t, ahead(), playing)
	r := receive(t, status(http.StatusOK))
	for range 20 {
		h.endpoint(r)
	}
	events := h.post(1)
	h.eventsBecome(events, webhook.EventDelivered)
	h.await("it is forgotten", func() bool { return h.Levels(t.Context()).WindowEvents == 0 })
	h.allStarted(events)
	h.await("its workflow closes", func() bool { return h.engine.open() == 0 })
	if got := len(h.engine.starts[0].Endpoints); got != 20 {
		t.Errorf("its workflow was started with %d endpoints, want 20", got)
	}
}
