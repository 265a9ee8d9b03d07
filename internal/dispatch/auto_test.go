package dispatch_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/postrider/postrider/activities"
	"github.com/postrider/postrider/internal/dispatch"
	"github.com/postrider/postrider/webhook"
)

func byWorkflow() dispatch.Config { return dispatch.Config{FirstAttempt: dispatch.ByWorkflow} }

// ask is the workflow's FirstAttempts.
func (h *harness) ask(event webhook.Event, endpoints ...webhook.Endpoint) []activities.Standing {
	h.t.Helper()
	var keys []int64
	for _, e := range endpoints {
		keys = append(keys, e.Key)
	}
	standings, err := h.FirstAttempts(h.t.Context(), event.UID, keys)
	if err != nil {
		h.t.Fatal(err)
	}
	return standings
}

func TestInWorkflowModeNothingIsSentBeforeTheWorkflowAsks(t *testing.T) {
	t.Parallel()
	h := start(t, byWorkflow())
	r := receive(t, status(http.StatusOK))
	endpoint := h.endpoint(r)
	events := h.post(1)
	h.allStarted(events)
	if r.count() != 0 {
		t.Fatalf("got %d requests before the workflow asked", r.count())
	}
	if got := h.ask(events[0], endpoint)[0]; got.Delivery.State != webhook.DeliveryDelivered || got.InFlight {
		t.Errorf("got %+v, want delivered", got)
	}
	equal(t, "received events", r.events(), ids(events))
}

func TestInWorkflowModeWorkflowsDeliverEverythingOnce(t *testing.T) {
	t.Parallel()
	h := start(t, byWorkflow(), playing)
	r := receive(t, failing(1))
	h.endpoint(r)
	events := h.postBatch(30)
	h.eventsBecome(events, webhook.EventDelivered)
	h.await("every workflow closes", func() bool { return h.engine.open() == 0 })
	if r.count() != 60 {
		t.Errorf("got %d requests, want two for each event", r.count())
	}
}

func TestAQuickEngineGetsFirstAttemptsInAutoMode(t *testing.T) {
	t.Parallel()
	// Nobody but the workflow sends within the reserve.
	h := start(t, dispatch.Config{Reserve: time.Hour, EngineQuick: time.Minute}, playing)
	r := receive(t, status(http.StatusOK))
	h.endpoint(r)
	events := h.post(1)
	h.eventsBecome(events, webhook.EventDelivered)
	h.allStarted(events)
	equal(t, "received events", r.events(), ids(events))
}

func TestAnEngineThatDoesNotComeInTimeLosesFirstAttempts(t *testing.T) {
	t.Parallel()
	h := start(t, dispatch.Config{EngineQuick: time.Minute}, playing)
	answer, open := gate()
	h.engine.set(func(e *fakeEngine) { e.delay = answer })
	r := receive(t, status(http.StatusOK))
	h.endpoint(r)
	events := h.post(1)
	h.eventsBecome(events, webhook.EventDelivered)
	if got := h.engine.started(); len(got) != 0 {
		t.Errorf("got %v started before the engine answers", got)
	}
	open()
	h.allStarted(events)
	h.await("the workflow closes", func() bool { return h.engine.open() == 0 })
	equal(t, "received events", r.events(), ids(events))
}

func TestWhileTheEngineIsAwayFirstAttemptsGoOnAndWorkflowsFollow(t *testing.T) {
	t.Parallel()
	h := start(t, dispatch.Config{}, playing)
	back := h.engine.leave()
	r := receive(t, status(http.StatusOK))
	h.endpoint(r)
	events := h.post(1)
	h.await("it is noticed", func() bool { return h.Status().EngineAway })
	events = append(events, h.postBatch(40)...)
	h.eventsBecome(events, webhook.EventDelivered)
	if got := h.engine.started(); len(got) != 0 || h.Status().Refusing {
		t.Errorf("got %v started, refusing %v", got, h.Status().Refusing)
	}
	back()
	h.allStarted(events)
	h.await("it is noticed", func() bool { return !h.Status().EngineAway })
	equal(t, "received events", sorted(r.events()), sorted(ids(events)))
}

func TestAnOverloadedEngineStartsEverythingInTheEnd(t *testing.T) {
	t.Parallel()
	h := start(t, ahead())
	h.engine.set(func(e *fakeEngine) {
		e.fault = func(calls int) error {
			if calls > 2 {
				return webhook.Errorf(webhook.RateLimited, "", "too many")
			}
			time.Sleep(time.Millisecond) //nolint:forbidigo // an engine that takes its time
			return nil
		}
	})
	h.endpoint(receive(t, status(http.StatusOK)))
	events := h.postBatch(150)
	h.await("it has been overloaded", func() bool { return len(h.engine.started()) > 40 })
	h.engine.mostCalls()
	h.allStarted(events)
	if most := h.engine.mostCalls(); most > 6 {
		t.Errorf("got %d calls at once from an engine that takes 2", most)
	}
}
