package dispatch_test

import (
	"net/http"
	"testing"

	"github.com/postrider/postrider/activities"
	"github.com/postrider/postrider/internal/dispatch"
	"github.com/postrider/postrider/webhook"
)

func ahead() dispatch.Config { return dispatch.Config{FirstAttempt: dispatch.AheadOfEngine} }

func TestAnEventIsSentAheadAndItsWorkflowFollows(t *testing.T) {
	t.Parallel()
	h := start(t, ahead())
	r := receive(t, status(http.StatusNoContent))
	endpoint := h.endpoint(r)
	events := h.post(1)

	row := h.becomes(events[0], endpoint, webhook.DeliveryDelivered)
	h.allStarted(events)

	if got := r.requests(); len(got) != 1 || got[0].body != string(events[0].Data) || got[0].event != events[0].ID {
		t.Errorf("got %+v, want the event's exact bytes once", got)
	}
	if row.Attempts != 1 || row.LastStatus != http.StatusNoContent || row.WaitingFor != webhook.WaitingForNothing {
		t.Errorf("got row %+v", row)
	}
	if got := h.attempts(events[0]); len(got) != 1 || got[0].Outcome != webhook.OutcomeDelivered || got[0].Number != 1 {
		t.Errorf("got attempts %+v", got)
	}
	in := h.engine.starts[0]
	if in.UID != events[0].UID || len(in.Endpoints) != 1 || in.Endpoints[0].ID != endpoint.ID || in.Policies[in.Endpoints[0].Policy].MaximumAttempts != 15 {
		t.Errorf("got workflow input %+v", in)
	}
}

func TestAWorkflowThatFollowsIsToldHowItsDeliveriesStand(t *testing.T) {
	t.Parallel()
	h := start(t, ahead())
	answer, open := gate()
	defer open()
	delivered := h.endpoint(receive(t, status(http.StatusOK)))
	failed := h.endpoint(receive(t, status(http.StatusBadGateway)))
	inFlight := h.endpoint(receive(t, until(answer, http.StatusOK)))
	events := h.post(1)
	h.allStarted(events)
	for _, e := range h.engine.starts[0].Endpoints {
		switch got := e.Outcome; e.ID {
		case delivered.ID:
			if got == nil || got.EndpointID != e.ID || got.Status != activities.Delivered || got.Attempts != 1 || got.HTTPStatus != http.StatusOK {
				t.Errorf("delivered: told %+v", got)
			}
		case failed.ID:
			if got == nil || got.Status != activities.Failed || got.Attempts != 1 || got.Reported != 0 || got.Due.IsZero() {
				t.Errorf("failed: told %+v", got)
			}
		case inFlight.ID:
			if got != nil {
				t.Errorf("in flight: told %+v", got)
			}
		}
	}
}

func TestFiveHundredEventsReachThreeEndpointsOnceEach(t *testing.T) {
	t.Parallel()
	h := start(t, ahead())
	var receivers []*receiver
	for range 3 {
		receivers = append(receivers, receive(t, status(http.StatusOK)))
		h.endpoint(receivers[len(receivers)-1])
	}
	var events []webhook.Event
	for range 10 {
		events = append(events, h.postBatch(50)...)
	}
	h.eventsBecome(events, webhook.EventDelivered)
	h.allStarted(events)
	for _, r := range receivers {
		equal(t, "received events", sorted(r.events()), sorted(ids(events)))
	}
}

func TestAnEventWithoutSubscriberIsUnroutedAndHasItsWorkflow(t *testing.T) {
	t.Parallel()
	h := start(t, ahead())
	h.endpoint(receive(t, status(http.StatusOK)), func(e *webhook.Endpoint) { e.EventTypes = []string{"invoice.voided"} })
	events := h.post(1)
	h.eventsBecome(events, webhook.EventUnrouted)
	h.allStarted(events)
}

func TestAFailedFirstAttemptIsHandedToTheWorkflowWithItsTime(t *testing.T) {
	t.Parallel()
	h := start(t, ahead())
	endpoint := h.endpoint(receive(t, status(http.StatusInternalServerError)))
	events := h.post(1)
	row := h.becomes(events[0], endpoint, webhook.DeliveryRetrying)
	h.allStarted(events)
	if row.State != webhook.DeliveryRetrying || row.WaitingFor != webhook.WaitingForNothing || row.Attempts != 1 || row.Reported != 0 || row.DueAt.IsZero() {
		t.Errorf("got row %+v, want one attempt that Temporal has not been told of", row)
	}
}

func TestRetriesFollowUntilTheReceiverAccepts(t *testing.T) {
	t.Parallel()
	h := start(t, ahead(), playing)
	r := receive(t, failing(2))
	endpoint := h.endpoint(r)
	events := h.postBatch(20)
	h.eventsBecome(events, webhook.EventDelivered)
	h.await("every workflow closes", func() bool { return h.engine.open() == 0 })
	for _, e := range events {
		if got := len(h.attempts(e)); got != 3 {
			t.Errorf("event %s: got %d attempts, want 3", e.ID, got)
		}
		if row := h.row(e, endpoint); row.Reported != row.Attempts-1 && row.Reported != row.Attempts {
			t.Errorf("got row %+v", row)
		}
	}
	if r.count() != 60 {
		t.Errorf("got %d requests, want 60", r.count())
	}
}
