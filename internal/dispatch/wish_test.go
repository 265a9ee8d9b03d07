package dispatch_test

import (
	"net/http"
	"slices"
	"testing"

	"github.com/postrider/postrider/internal/dispatch"
	"github.com/postrider/postrider/store"
	"github.com/postrider/postrider/webhook"
	"github.com/postrider/postrider/workflows"
)

// wish is what a person asks through the API.
func (h *harness) wish(event webhook.Event, wish webhook.Wish) {
	h.t.Helper()
	if _, _, err := h.Wish(h.t.Context(), store.WishRequest{Tenant: event.Tenant, EventID: event.ID, Wish: wish}); err != nil {
		h.t.Fatal(err)
	}
}

// lineUp posts count events to an endpoint that answers when open is called; so many of them are in flight.
func lineUp(t *testing.T, cfg dispatch.Config, count, inFlight int, options ...func(*harness)) (h *harness, r *receiver, endpoint webhook.Endpoint, events []webhook.Event, open func()) {
	t.Helper()
	cfg.FirstAttempt = dispatch.AheadOfEngine
	h = start(t, cfg, options...)
	answer, open := gate()
	r = receive(t, until(answer, http.StatusOK))
	endpoint = h.endpoint(r)
	events = h.postBatch(count)
	h.await("its share is in flight", func() bool { return r.underWay() == inFlight })
	return h, r, endpoint, events, open
}

// inLine posts two events to an endpoint that may have one request in flight: the first is.
func inLine(t *testing.T, options ...func(*harness)) (h *harness, r *receiver, endpoint webhook.Endpoint, events []webhook.Event, open func()) {
	t.Helper()
	return lineUp(t, dispatch.Config{EndpointCap: 1}, 2, 1, options...)
}

func TestACancelledDeliveryThatIsInLineIsNotSent(t *testing.T) {
	t.Parallel()
	h, r, endpoint, events, open := inLine(t)
	h.wish(events[1], webhook.WishCancel)
	open()
	h.eventsBecome(events[1:], webhook.EventCancelled)
	if row := h.row(events[1], endpoint); row.Reason != webhook.ReasonCancelled || row.Wish != webhook.WishNone {
		t.Errorf("got %+v, want cancelled by a person, and no wish left", row)
	}
	h.eventsBecome(events[:1], webhook.EventDelivered)
	equal(t, "received events", r.events(), ids(events[:1]))
	h.await("the outbox is empty", func() bool { return h.outbox() == 0 })
}

func TestADeliveryThatAPersonWantsIsSentBesideWhatIsInFlight(t *testing.T) {
	t.Parallel()
	h, r, _, events, open := inLine(t)
	h.wish(events[1], webhook.WishRetry)
	h.await("the second is in flight too", func() bool { return r.underWay() == 2 })
	third := h.post(1)
	h.wish(third[0], webhook.WishRetry)
	open()
	h.eventsBecome(append(events, third...), webhook.EventDelivered)
	if r.count() != 3 || r.mostAtOnce() != 2 {
		t.Errorf("%d requests, up to %d at once, want 3 and 2", r.count(), r.mostAtOnce())
	}
}

func TestADeliveryThatAPersonWantsNeedNotBeInTheWindow(t *testing.T) {
	t.Parallel()
	h, r, _, events, open := lineUp(t, dispatch.Config{EndpointCap: 1, QueueSize: 2}, 12, 1)
	last := events[len(events)-1]
	h.wish(last, webhook.WishRetry)
	h.await("the last is in flight too", func() bool { return slices.Contains(r.events(), last.ID) })
	open()
	h.eventsBecome(events, webhook.EventDelivered)
	if r.count() != len(events) {
		t.Errorf("%d requests for %d events", r.count(), len(events))
	}
}

func TestRetriesOfExhaustedDeliveriesStayWithinTheWindow(t *testing.T) {
	t.Parallel()
	h := start(t, dispatch.Config{FirstAttempt: dispatch.AheadOfEngine, EndpointCap: 2, QueueSize: 8, WindowSize: 40}, playing)
	bad := receive(t, status(http.StatusTeapot))
	h.endpoint(bad, func(e *webhook.Endpoint) { e.Tenant, e.Policy = "down", quick(1) })
	good := receive(t, status(http.StatusOK))
	h.endpoint(good)
	events := h.postBatchAs("down", 200)
	h.eventsBecome(events, webhook.EventExhausted)
	answer, open := gate()
	bad.script(until(answer, http.StatusOK))
	for _, event := range events {
		h.wish(event, webhook.WishRetry)
	}
	h.await("some are in flight", func() bool { return bad.underWay() > 0 })
	h.eventsBecome(h.post(3), webhook.EventDelivered)
	if got := h.InWindow(); got > 40 {
		t.Errorf("got %d deliveries in the window, want at most 40", got)
	}
	open()
	h.eventsBecome(events, webhook.EventDelivered)
	if got := bad.count(); got != 400 {
		t.Errorf("got %d requests, want 2 for each event", got)
	}
}

func TestACancelOutlivesTheRetryThatIsInFlight(t *testing.T) {
	t.Parallel()
	for status, want := range map[int]webhook.DeliveryState{http.StatusTeapot: webhook.DeliveryRetrying, http.StatusGone: webhook.DeliveryCancelled} {
		t.Run(http.StatusText(status), func(t *testing.T) {
			t.Parallel()
			h := start(t, dispatch.Config{FirstAttempt: dispatch.AheadOfEngine, EndpointCap: 1})
			answer, open := gate()
			r := receive(t, until(answer, status))
			endpoint := h.endpoint(r)
			events := h.postBatch(2)
			h.await("the first is in flight", func() bool { return r.underWay() == 1 })
			h.wish(events[1], webhook.WishRetry)
			h.await("the second is in flight too", func() bool { return r.underWay() == 2 })
			h.wish(events[1], webhook.WishCancel)
			open()
			row := h.becomes(events[1], endpoint, want)
			if !row.State.Final() && row.Wish != webhook.WishCancel {
				t.Errorf("got %+v, want that it is still to be cancelled", row)
			}
		})
	}
}

func TestSettlingEndsADeliveryThatIsInLine(t *testing.T) {
	t.Parallel()
	h, r, endpoint, events, open := inLine(t)
	got, err := h.Settle(t.Context(), events[1].UID, endpoint.Key, webhook.DeliveryCancelled, webhook.ReasonCancelled)
	if err != nil || got.InFlight || got.Delivery.State != webhook.DeliveryCancelled {
		t.Errorf("got %+v, %v, want cancelled", got, err)
	}
	open()
	h.eventsBecome(events[:1], webhook.EventDelivered)
	h.eventsBecome(events[1:], webhook.EventCancelled)
	h.await("nothing is left to be sent", func() bool { return h.Status().Backlog == 0 && h.InWindow() == 0 })
	equal(t, "received events", r.events(), ids(events[:1]))
	if got := h.ask(events[1], endpoint)[0].Delivery; got.State != webhook.DeliveryCancelled {
		t.Errorf("got %+v from FirstAttempts, want cancelled", got)
	}
}

func TestSettlingLeavesADeliveryThatIsInFlightToItsResult(t *testing.T) {
	t.Parallel()
	h, _, endpoint, events, open := inLine(t)
	got, err := h.Settle(t.Context(), events[0].UID, endpoint.Key, webhook.DeliveryCancelled, webhook.ReasonCancelled)
	if err != nil || !got.InFlight {
		t.Errorf("got %+v, %v, want in flight", got, err)
	}
	open()
	h.eventsBecome(events, webhook.EventDelivered)
	h.await("its outcome is signalled", func() bool { return h.outbox() == 0 })
	got, err = h.Settle(t.Context(), events[0].UID, endpoint.Key, webhook.DeliveryCancelled, webhook.ReasonCancelled)
	if err != nil || got.Delivery.State != webhook.DeliveryDelivered {
		t.Errorf("got %+v, %v, want it to stay delivered", got, err)
	}
}

func TestAWishThatCameFromTemporalIsInTheRowsBeforeTheSend(t *testing.T) {
	t.Parallel()
	h, r, endpoint, events, open := inLine(t)
	if err := h.RecordWish(t.Context(), events[1].UID, endpoint.ID, webhook.WishCancel); err != nil {
		t.Fatal(err)
	}
	if row := h.row(events[1], endpoint); row.Wish != webhook.WishCancel {
		t.Errorf("got wish %q in the row, want cancel", row.Wish)
	}
	open()
	h.eventsBecome(events[1:], webhook.EventCancelled)
	equal(t, "received events", r.events(), ids(events[:1]))
	if err := h.RecordWish(t.Context(), events[1].UID, "", webhook.WishCancel); err != nil {
		t.Errorf("got %v for a wish that nothing is left for, want nil", err)
	}
}

func TestRetryOfAnExhaustedEventStartsANewGenerationForWhatIsUndelivered(t *testing.T) {
	t.Parallel()
	h := start(t, ahead(), playing)
	bad := receive(t, status(http.StatusTeapot))
	good := receive(t, status(http.StatusOK))
	failed := h.endpoint(bad, func(e *webhook.Endpoint) { e.Policy = quick(1) })
	h.endpoint(good)
	event := h.post(1)[0]
	h.eventsBecome([]webhook.Event{event}, webhook.EventPartial)
	h.await("its workflow closes", func() bool { return len(h.engine.started()) == 1 && h.engine.open() == 0 })

	answer, open := gate()
	bad.script(until(answer, http.StatusOK))
	h.wish(event, webhook.WishRetry)
	h.await("the second workflow is started", func() bool { return len(h.engine.started()) == 2 })
	open()
	h.eventsBecome([]webhook.Event{event}, webhook.EventDelivered)
	h.await("the second workflow closes", func() bool { return h.engine.open() == 0 })
	in := h.engine.starts[1]
	if in.Generation != 2 || len(in.Endpoints) != 1 || in.Endpoints[0].ID != failed.ID {
		t.Errorf("got %+v, want generation 2 for endpoint %s", in, failed.ID)
	}
	if row := h.row(event, failed); row.Attempts != 2 || bad.count() != 2 || good.count() != 1 {
		t.Errorf("got %d attempts, %d and %d requests, want 2, 2 and 1", row.Attempts, bad.count(), good.count())
	}
}

func TestWishesForAnEventThatIsOpenAreSignalledAsRecorded(t *testing.T) {
	t.Parallel()
	for wish, signal := range map[webhook.Wish]string{
		webhook.WishRetry:  workflows.SignalRetry,
		webhook.WishCancel: workflows.SignalCancel,
	} {
		t.Run(string(wish), func(t *testing.T) {
			t.Parallel()
			h := start(t, ahead())
			event, _ := h.retrying(h.endpoint(receive(t, status(http.StatusTeapot))))
			h.wish(event, wish)
			h.await("the workflow is signalled that, as recorded", func() bool {
				return slices.ContainsFunc(h.engine.signalled(event.ID), func(s fakeSignal) bool {
					payload, ok := s.payload.(workflows.WishSignal)
					return s.name == signal && ok && payload.Recorded
				})
			})
		})
	}
}

func TestAWishForAnEventWhoseWorkflowIsGoneStartsItAgain(t *testing.T) {
	t.Parallel()
	h := start(t, ahead())
	event, _ := h.retrying(h.endpoint(receive(t, status(http.StatusTeapot))))
	h.engine.set(func(e *fakeEngine) { delete(e.runs, event.ID) })
	h.wish(event, webhook.WishCancel)
	h.await("the workflow is started and signalled", func() bool {
		return len(h.engine.started()) == 2 && len(h.engine.signalled(event.ID)) > 0
	})
	h.await("the outbox is empty", func() bool { return h.outbox() == 0 })
}

func TestNewsForAWorkflowThatIsGoneIsDroppedWhenNothingIsOpen(t *testing.T) {
	t.Parallel()
	h := start(t, ahead())
	answer, open := gate()
	r := receive(t, until(answer, http.StatusOK))
	h.endpoint(r)
	events := h.post(1)
	h.await("the workflow is started", func() bool { return len(h.engine.started()) == 1 && h.outbox() == 0 })
	h.engine.set(func(e *fakeEngine) { delete(e.runs, events[0].ID) })
	open()
	h.eventsBecome(events, webhook.EventDelivered)
	h.await("the outbox is empty", func() bool { return h.outbox() == 0 })
	equal(t, "started workflows", h.engine.started(), ids(events))
}

func TestAWishToCancelAnEventWhoseWorkflowWasTerminatedDoesNotStartItAgain(t *testing.T) {
	t.Parallel()
	h := start(t, ahead())
	endpoint := h.endpoint(receive(t, status(http.StatusTeapot)))
	event, _ := h.retrying(endpoint)
	h.engine.set(func(e *fakeEngine) {
		known := dispatch.Description{UID: e.runs[event.ID].in.UID, Generation: 1}
		known.Status = "Terminated"
		e.script[event.ID] = known
		delete(e.runs, event.ID)
	})
	h.wish(event, webhook.WishCancel)
	h.await("the delivery is cancelled for that reason", func() bool {
		row := h.row(event, endpoint)
		return row.State == webhook.DeliveryCancelled && row.Reason == webhook.ReasonTerminated
	})
	if n := len(h.engine.started()); n != 1 {
		t.Errorf("%d workflows were started, want the first one only", n)
	}
}
