package dispatch_test

import (
	"errors"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/postrider/postrider/internal/dispatch"
	"github.com/postrider/postrider/webhook"
	"github.com/postrider/postrider/workflows"
)

// outcomes are the endpoints whose outcome the event's workflow was signalled.
func (h *harness) outcomes(event webhook.Event) []string {
	var endpoints []string
	for _, s := range h.engine.signalled(event.WorkflowID()) {
		if news, ok := s.payload.(workflows.OutcomeSignal); ok && s.name == workflows.SignalOutcome {
			if len(news.EndpointIDs) == 0 {
				news.EndpointIDs = []string{news.EndpointID}
			}
			endpoints = append(endpoints, news.EndpointIDs...)
		}
	}
	return endpoints
}

func TestFirstAttemptsTellsWhatWasDeliveredAndWhenTheRestIsDue(t *testing.T) {
	t.Parallel()
	h := start(t, byWorkflow())
	good, bad := h.endpoint(receive(t, status(http.StatusOK))), h.endpoint(receive(t, status(http.StatusBadGateway)))
	events := h.post(1)
	h.allStarted(events)
	got := h.ask(events[0], good, bad)
	if got[0].Delivery.EndpointID != good.ID || got[0].Delivery.State != webhook.DeliveryDelivered {
		t.Errorf("got %+v, want delivered", got[0])
	}
	failed := got[1].Delivery
	if failed.EndpointID != bad.ID || failed.State != webhook.DeliveryRetrying || failed.LastStatus != http.StatusBadGateway ||
		failed.WaitingFor != webhook.WaitingForNothing || failed.DueAt.IsZero() || got[1].InFlight {
		t.Errorf("got %+v, want failed with a due time", got[1])
	}
	if again := h.ask(events[0], bad)[0].Delivery; again.Attempts != 1 {
		t.Errorf("got %d attempts after it was asked again, want 1", again.Attempts)
	}
	h.await("the outbox is empty", func() bool { return h.outbox() == 0 })
	equal(t, "outcomes signalled to a workflow that was told everything", h.outcomes(events[0]), nil)
}

// impatient is a dispatcher whose workflows wait for first attempts for a moment only, and the answer of receivers that are
// slower than that.
func impatient(t *testing.T) (h *harness, answer <-chan struct{}, open func()) {
	t.Helper()
	cfg := byWorkflow()
	cfg.FirstWait = 30 * time.Millisecond
	answer, open = gate()
	return start(t, cfg), answer, open
}

func TestOneSignalTellsOfAllOutcomesThatWait(t *testing.T) {
	t.Parallel()
	h, answer, open := impatient(t)
	var endpoints []webhook.Endpoint
	var want []string
	for range 20 {
		endpoint := h.endpoint(receive(t, until(answer, http.StatusOK)))
		endpoints, want = append(endpoints, endpoint), append(want, endpoint.ID)
	}
	events := h.post(1)
	h.allStarted(events)
	for _, standing := range h.ask(events[0], endpoints...) {
		if !standing.InFlight {
			t.Errorf("got %+v, want in flight", standing)
		}
	}
	slow, hurry := gate()
	h.engine.set(func(e *fakeEngine) { e.delay = slow })
	open()
	h.eventsBecome(events, webhook.EventDelivered)
	hurry()
	h.await("all outcomes are signalled", func() bool { return len(h.outcomes(events[0])) >= len(want) })
	h.await("the outbox is empty", func() bool { return h.outbox() == 0 })
	got := h.outcomes(events[0])
	slices.Sort(got)
	slices.Sort(want)
	equal(t, "outcomes", got, want)
	if signals := h.engine.signalled(events[0].WorkflowID()); len(signals) > 3 {
		t.Errorf("%d signals", len(signals))
	}
}

func TestASlowReceiverIsInFlightAndItsOutcomeIsSignalledOnce(t *testing.T) {
	t.Parallel()
	h, answer, open := impatient(t)
	endpoint := h.endpoint(receive(t, until(answer, http.StatusOK)))
	events := h.post(1)
	h.allStarted(events)
	if got := h.ask(events[0], endpoint)[0]; !got.InFlight {
		t.Errorf("got %+v, want in flight", got)
	}
	open()
	h.becomes(events[0], endpoint, webhook.DeliveryDelivered)
	h.await("the outcome is signalled", func() bool { return len(h.outcomes(events[0])) > 0 })
	h.await("the outbox is empty", func() bool { return h.outbox() == 0 })
	equal(t, "signalled outcomes", h.outcomes(events[0]), []string{endpoint.ID})
}

func TestADeliveryThatWaitsForAQuickEndpointIsWorthWaitingFor(t *testing.T) {
	t.Parallel()
	cfg := byWorkflow()
	cfg.EndpointCap, cfg.FirstWait = 1, time.Minute
	h := start(t, cfg)
	endpoint := h.endpoint(receive(t, func(w http.ResponseWriter, _ request) {
		<-time.After(10 * time.Millisecond)
		w.WriteHeader(http.StatusOK)
	}))
	events := h.post(30)
	h.allStarted(events)
	for _, event := range events[:20] { // from its first answer on it is known to be quick, unless the machine was slow then
		h.ask(event, endpoint)
	}
	var asked sync.WaitGroup
	for _, event := range events[20:] {
		asked.Go(func() {
			if got := h.ask(event, endpoint)[0]; got.Delivery.State != webhook.DeliveryDelivered {
				t.Errorf("got %+v, want delivered", got)
			}
		})
	}
	asked.Wait()
}

func TestADeliveryThatAGateHoldsIsWaitingAtOnce(t *testing.T) {
	t.Parallel()
	cfg := byWorkflow()
	cfg.EndpointCap, cfg.FirstWait = 1, time.Minute
	h := start(t, cfg)
	answer, open := gate()
	r := receive(t, until(answer, http.StatusOK))
	endpoint := h.endpoint(r)
	events := h.post(2)
	h.allStarted(events)
	first := make(chan bool, 1)
	go func() { first <- h.ask(events[0], endpoint)[0].Delivery.State == webhook.DeliveryDelivered }()
	h.await("the first is in flight", func() bool { return r.underWay() == 1 })

	got := h.ask(events[1], endpoint)[0] // else the test times out
	if got.InFlight || got.Delivery.WaitingFor == webhook.WaitingForNothing {
		t.Errorf("got %+v, want waiting", got)
	}
	open()
	h.becomes(events[1], endpoint, webhook.DeliveryDelivered)
	h.await("its outcome is signalled", func() bool { return len(h.outcomes(events[1])) > 0 })
	if !<-first {
		t.Error("the first, which was waited for, is not delivered")
	}
	equal(t, "outcomes signalled to the first", h.outcomes(events[0]), nil)
}

func TestFirstAttemptsOfAnUnknownEventErr(t *testing.T) {
	t.Parallel()
	h := start(t, ahead())
	if _, err := h.FirstAttempts(t.Context(), 4711, []int64{1}); !errors.Is(err, webhook.NotFound) {
		t.Errorf("got %v, want not found", err)
	}
}

func TestAnotherNodeIsToldThatTheOwnerSendsAndTheOwnerSignals(t *testing.T) {
	t.Parallel()
	h := start(t, ahead())
	other := h.another("node 2", ahead())
	answer, open := gate()
	r := receive(t, until(answer, http.StatusOK))
	endpoint := h.endpoint(r)
	events := h.post(1)
	h.allStarted(events) // though its first attempt is not over
	if got := other.ask(events[0], endpoint)[0]; got.Delivery.WaitingFor == webhook.WaitingForNothing && !got.InFlight {
		t.Errorf("got %+v, want it to wait for the owner", got)
	}
	open()
	h.becomes(events[0], endpoint, webhook.DeliveryDelivered)
	h.await("the outcome is signalled", func() bool { return len(h.outcomes(events[0])) > 0 })
	equal(t, "received events", r.events(), ids(events))
}

func TestInWorkflowModeTheOwnerSendsWhatAnotherNodeWasAskedFor(t *testing.T) {
	t.Parallel()
	cfg := dispatch.Config{FirstAttempt: dispatch.ByWorkflow, FirstWait: 30 * time.Millisecond, Shared: true}
	h := start(t, cfg)
	other := h.another("node 2", cfg)
	r := receive(t, status(http.StatusOK))
	endpoint := h.endpoint(r)
	events := h.post(1)
	h.await("the workflow is started", func() bool { return len(h.engine.started()) == 1 })
	other.ask(events[0], endpoint)
	h.becomes(events[0], endpoint, webhook.DeliveryDelivered)
	equal(t, "received events", r.events(), ids(events))
}

func TestAWorkflowThatAsksForSomeIsToldOfTheOthersToo(t *testing.T) {
	t.Parallel()
	h, answer, open := impatient(t)
	asked, other := h.endpoint(receive(t, until(answer, http.StatusOK))), h.endpoint(receive(t, until(answer, http.StatusOK)))
	events := h.post(1)
	h.allStarted(events)
	h.ask(events[0], asked) // of the other it was told by another node
	open()
	h.await("both outcomes are signalled", func() bool {
		told := h.outcomes(events[0])
		return slices.Contains(told, asked.ID) && slices.Contains(told, other.ID)
	})
}
