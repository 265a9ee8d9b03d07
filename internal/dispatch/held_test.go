package dispatch_test

import (
	"net/http"
	"testing"

	"github.com/postrider/postrider/internal/dispatch"
	"github.com/postrider/postrider/webhook"
)

func TestDeliveriesToAPausedOrDisabledEndpointAreHeldUntilItIsResumed(t *testing.T) {
	t.Parallel()
	for state, why := range map[webhook.EndpointState]webhook.WaitingFor{
		webhook.EndpointPaused:   webhook.WaitingForPaused,
		webhook.EndpointDisabled: webhook.WaitingForDisabled,
	} {
		t.Run(string(state), func(t *testing.T) {
			t.Parallel()
			h := start(t, ahead(), playing)
			r := receive(t, status(http.StatusOK))
			endpoint := h.endpoint(r, func(e *webhook.Endpoint) { e.State = state })
			events := h.postBatch(5)
			for _, e := range events {
				if row := h.row(e, endpoint); row.State != webhook.DeliveryHeld || row.WaitingFor != why {
					t.Errorf("got %s waiting for %s, want held for %s", row.State, row.WaitingFor, why)
				}
			}
			if h.Status().Backlog != 0 {
				t.Errorf("got a backlog of %d, want none: held deliveries are not to be sent", h.Status().Backlog)
			}
			h.change(endpoint, webhook.EndpointEnabled)
			h.eventsBecome(events, webhook.EventDelivered)
			h.await("nothing is left to be sent", func() bool { return h.Status().Backlog == 0 })
			equal(t, "received events", sorted(r.events()), sorted(ids(events)))
			h.await("every workflow is started and closes", func() bool {
				return len(h.engine.started()) == 5 && h.engine.open() == 0
			})
		})
	}
}

func TestAPauseHoldsWhatIsInLineAlready(t *testing.T) {
	t.Parallel()
	h := start(t, dispatch.Config{FirstAttempt: dispatch.AheadOfEngine, EndpointCap: 1})
	answer, open := gate()
	r := receive(t, until(answer, http.StatusOK))
	endpoint := h.endpoint(r)
	events := h.postBatch(4)
	h.await("one is in flight", func() bool { return r.underWay() == 1 })
	h.change(endpoint, webhook.EndpointPaused)
	open()
	for _, e := range events[1:] {
		if row := h.becomes(e, endpoint, webhook.DeliveryHeld); row.WaitingFor != webhook.WaitingForPaused || row.Attempts != 0 {
			t.Errorf("got %+v, want held for the pause", row)
		}
	}
	h.becomes(events[0], endpoint, webhook.DeliveryDelivered)
	h.change(endpoint, webhook.EndpointEnabled)
	h.eventsBecome(events, webhook.EventDelivered)
	equal(t, "received events", r.events(), ids(events))
}

func TestGoneDisablesTheEndpointAndHoldsWhatIsOpen(t *testing.T) {
	t.Parallel()
	h := start(t, dispatch.Config{FirstAttempt: dispatch.AheadOfEngine, EndpointCap: 1})
	r := receive(t, status(http.StatusGone))
	endpoint := h.endpoint(r)
	events := h.postBatch(3)
	for _, e := range events {
		if row := h.becomes(e, endpoint, webhook.DeliveryHeld); row.WaitingFor != webhook.WaitingForDisabled {
			t.Errorf("got %+v, want held because the endpoint is disabled", row)
		}
	}
	stored, err := h.store.Endpoint(t.Context(), endpoint.Tenant, endpoint.ID)
	if err != nil || stored.State != webhook.EndpointDisabled || stored.DisabledReason == "" {
		t.Errorf("got endpoint %+v, %v, want disabled with a reason", stored, err)
	}
	equal(t, "requests", r.events(), ids(events[:1]))

	r.script(status(http.StatusOK))
	h.change(endpoint, webhook.EndpointEnabled)
	h.eventsBecome(events, webhook.EventDelivered)
	if row := h.row(events[0], endpoint); row.Attempts != 2 {
		t.Errorf("got %d attempts of the first event, want 2", row.Attempts)
	}
}

func TestADeletedEndpointsOpenDeliveriesAreCancelled(t *testing.T) {
	t.Parallel()
	h := start(t, dispatch.Config{FirstAttempt: dispatch.AheadOfEngine, EndpointCap: 1}, playing)
	answer, open := gate()
	r := receive(t, until(answer, http.StatusOK))
	endpoint := h.endpoint(r)
	events := h.postBatch(3)
	h.await("one is in flight", func() bool { return r.underWay() == 1 })
	h.change(endpoint, webhook.EndpointDeleted)
	open()
	h.eventsBecome(events[:1], webhook.EventDelivered)
	h.eventsBecome(events[1:], webhook.EventCancelled)
	for _, e := range events[1:] {
		if row := h.row(e, endpoint); row.Reason != webhook.ReasonEndpointDeleted {
			t.Errorf("got reason %q, want %q", row.Reason, webhook.ReasonEndpointDeleted)
		}
	}
	equal(t, "received events", r.events(), ids(events[:1]))
	h.await("every workflow closes", func() bool { return len(h.engine.started()) == 3 && h.engine.open() == 0 })
}

func TestADeletedEndpointsHeldDeliveriesAreCancelledByTheirWorkflows(t *testing.T) {
	t.Parallel()
	h := start(t, ahead(), playing)
	r := receive(t, status(http.StatusOK))
	endpoint := h.endpoint(r, func(e *webhook.Endpoint) { e.State = webhook.EndpointPaused })
	events := h.postBatch(3)
	h.change(endpoint, webhook.EndpointDeleted)
	h.eventsBecome(events, webhook.EventCancelled)
	if row := h.row(events[0], endpoint); row.Reason != webhook.ReasonEndpointDeleted {
		t.Errorf("got reason %q, want %q", row.Reason, webhook.ReasonEndpointDeleted)
	}
	if r.count() != 0 {
		t.Errorf("got %d requests, want none", r.count())
	}
}

func TestAnEndpointWhoseChangeWasNotFollowedIsFollowedAtTheNextStart(t *testing.T) {
	t.Parallel()
	h := start(t, ahead(), playing)
	r := receive(t, status(http.StatusOK))
	paused := func(e *webhook.Endpoint) { e.State = webhook.EndpointPaused }
	resumed, deleted := h.endpoint(r, paused), h.endpoint(r, paused)
	events := h.postBatch(3)
	if err := h.stop(); err != nil {
		t.Fatal(err)
	}
	h.changeBehind(resumed, webhook.EndpointEnabled)
	h.changeBehind(deleted, webhook.EndpointDeleted)

	h = h.another("node 1", ahead(), playing)
	for _, e := range events {
		h.becomes(e, resumed, webhook.DeliveryDelivered)
		h.becomes(e, deleted, webhook.DeliveryCancelled)
	}
}

// Between the commit of an attempt and the news of it in memory, the row may be let go and read again.
func TestWhatIsLetGoRightAfterItWasHeldIsSent(t *testing.T) {
	t.Parallel()
	h := start(t, ahead(), playing)
	r := receive(t, status(http.StatusGone))
	endpoint := h.endpoint(r)
	answer, open := gate()
	h.store.set(func(s *faultyStore) { s.applied = func() { <-answer } })
	event := h.post(1)[0]
	h.becomes(event, endpoint, webhook.DeliveryHeld)
	r.script(status(http.StatusOK))
	before := h.store.hasFed()
	h.change(endpoint, webhook.EndpointEnabled)
	h.await("its row is read", func() bool { return h.store.hasFed() > before })
	h.store.set(func(s *faultyStore) { s.applied = nil })
	open()
	h.becomes(event, endpoint, webhook.DeliveryDelivered)
	h.await("its workflow closes", func() bool { return len(h.engine.started()) == 1 && h.engine.open() == 0 })
}

func TestAWorkflowThatStartsAfterItsDeliveryWasHeldAndLetGoHasItOnce(t *testing.T) {
	t.Parallel()
	h := start(t, ahead(), playing)
	r := receive(t, status(http.StatusGone))
	endpoint := h.endpoint(r)
	back := h.engine.leave()
	event := h.post(1)[0]
	h.becomes(event, endpoint, webhook.DeliveryHeld)
	r.script(status(http.StatusOK))
	h.change(endpoint, webhook.EndpointEnabled)
	h.becomes(event, endpoint, webhook.DeliveryDelivered)
	back()
	h.await("its workflow closes", func() bool { return len(h.engine.started()) == 1 && h.engine.open() == 0 })
	h.engine.set(func(e *fakeEngine) {
		if n := len(e.runs[event.WorkflowID()].in.Endpoints); n != 1 {
			t.Errorf("its workflow has %d deliveries", n)
		}
	})
}
