package dispatch_test

import (
	"errors"
	"net/http"
	"testing"

	"github.com/postrider/postrider/internal/dispatch"
	"github.com/postrider/postrider/webhook"
)

func TestAfterARestartEverythingOpenIsDeliveredOnce(t *testing.T) {
	t.Parallel()
	cfg := dispatch.Config{FirstAttempt: dispatch.AheadOfEngine, EndpointCap: 2, QueueSize: 8}
	h := start(t, cfg)
	r := receive(t, status(http.StatusOK))
	h.endpoint(r)
	events := h.postBatch(120)
	h.await("some are sent", func() bool { return r.count() >= 20 })
	if err := h.stop(); err != nil {
		t.Fatal(err)
	}
	if r.count() == len(events) {
		t.Log("all were sent before the restart")
	}
	h = h.another("node 1", cfg)
	h.eventsBecome(events, webhook.EventDelivered)
	h.allStarted(events)
	equal(t, "received events", sorted(r.events()), sorted(ids(events)))
}

func TestStoppingLetsRequestsInFlightEnd(t *testing.T) {
	t.Parallel()
	h := start(t, ahead())
	answer, open := gate()
	r := receive(t, until(answer, http.StatusOK))
	endpoint := h.endpoint(r)
	events := h.post(1)
	h.await("it is in flight", func() bool { return r.underWay() == 1 })
	h.end()
	open()
	if err := h.stop(); err != nil {
		t.Errorf("got %v, want nil", err)
	}
	if row := h.row(events[0], endpoint); row.State != webhook.DeliveryDelivered {
		t.Errorf("got %s, want delivered", row.State)
	}
	if h.Status().SendersUp {
		t.Error("it says that it sends")
	}
}

func TestWhatWasStartedBeforeARestartIsNotStartedTwice(t *testing.T) {
	t.Parallel()
	h := start(t, ahead())
	h.store.set(func(s *faultyStore) { s.onDone = func() error { return errors.New("the disk is on holiday") } })
	h.endpoint(receive(t, status(http.StatusOK)))
	events := h.postBatch(5)
	h.await("all are started", func() bool { return len(h.engine.started()) == 5 })
	if err := h.stop(); err != nil {
		t.Fatal(err)
	}
	h.store.set(func(s *faultyStore) { s.onDone = nil })
	h = h.another("node 1", ahead())
	h.allStarted(events)
}

func TestAWorkflowThatWasToldToWaitBeforeARestartIsSignalledAfterIt(t *testing.T) {
	t.Parallel()
	h, r, endpoint, events, open := inLine(t)
	h.store.set(func(s *faultyStore) { s.onDone = func() error { return errors.New("the disk is on holiday") } })
	h.await("both are started", func() bool { return len(h.engine.started()) == 2 })
	if got := h.ask(events[1], endpoint)[0]; got.Delivery.WaitingFor == webhook.WaitingForNothing {
		t.Fatalf("got %+v, want it told to wait", got)
	}
	h.end()
	open()
	if err := h.stop(); err != nil {
		t.Fatal(err)
	}
	h.store.set(func(s *faultyStore) { s.onDone = nil })
	h = h.another("node 1", dispatch.Config{FirstAttempt: dispatch.AheadOfEngine, EndpointCap: 1})
	h.becomes(events[1], endpoint, webhook.DeliveryDelivered)
	h.await("its workflow is woken", func() bool { return len(h.outcomes(events[1])) > 0 })
	h.await("the outbox is empty", func() bool { return h.outbox() == 0 })
	equal(t, "received events", sorted(r.events()), ids(events))
}
