package dispatch_test

import (
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/postrider/postrider/internal/dispatch"
	"github.com/postrider/postrider/webhook"
)

func TestNoMoreRequestsAreInFlightThanTheCapAllows(t *testing.T) {
	t.Parallel()
	h, r, _, events, open := lineUp(t, dispatch.Config{EndpointCap: 3}, 20, 3)
	open()
	h.eventsBecome(events, webhook.EventDelivered)
	if got := r.mostAtOnce(); got != 3 {
		t.Errorf("got %d requests in flight at once, want 3", got)
	}
}

func TestOneEndpointGetsAtMostAQuarterOfTheSenders(t *testing.T) {
	t.Parallel()
	h, r, _, events, open := lineUp(t, dispatch.Config{Senders: 8, EndpointCap: 100}, 10, 2)
	open()
	h.eventsBecome(events, webhook.EventDelivered)
	if got := r.mostAtOnce(); got != 2 {
		t.Errorf("got %d requests in flight at once, want 2 of 8 senders", got)
	}
}

func TestABrokenEndpointIsProbedOneAtATimeUntilItAnswers(t *testing.T) {
	t.Parallel()
	h := start(t, dispatch.Config{FirstAttempt: dispatch.AheadOfEngine, EndpointCap: 4, BreakerAfter: 5, ProbePause: time.Millisecond})
	r := receive(t, status(http.StatusServiceUnavailable))
	h.endpoint(r)
	h.postBatch(10)
	h.await("the first are refused", func() bool { return r.count() == 10 && r.underWay() == 0 && h.Status().Backlog == 0 })

	r.measure()
	h.postBatch(20)
	h.await("the others are refused too", func() bool { return r.count() == 30 && r.underWay() == 0 && h.Status().Backlog == 0 })
	if got := r.mostAtOnce(); got != 1 {
		t.Errorf("got %d requests in flight at once to a broken endpoint, want 1", got)
	}

	r.script(status(http.StatusOK))
	h.eventsBecome(h.postBatch(1), webhook.EventDelivered)
	answer, open := gate()
	r.script(until(answer, http.StatusOK))
	events := h.postBatch(8)
	h.await("the cap is reached again", func() bool { return r.underWay() == 4 })
	open()
	h.eventsBecome(events, webhook.EventDelivered)
}

func TestAnEndpointThatIsDownIsProbedEverMoreSeldom(t *testing.T) {
	t.Parallel()
	h := start(t, dispatch.Config{FirstAttempt: dispatch.AheadOfEngine, EndpointCap: 1, BreakerAfter: 2, ProbePause: 100 * time.Millisecond})
	var came atomic.Int64
	r := receive(t, func(w http.ResponseWriter, got request) {
		if came.Add(1) <= 8 {
			status(http.StatusServiceUnavailable)(w, got)
		}
	})
	h.endpoint(r)
	begun := time.Now()
	events := h.postBatch(20)
	h.eventsBecome(events[8:], webhook.EventDelivered)
	// After the second and those that follow: 10, 20, 40, 80, 100, 100 and 100 ms.
	if took := time.Since(begun); took < 450*time.Millisecond {
		t.Errorf("it took %s, want pauses of 450 ms", took)
	}
}

func TestAPauseBetweenProbesHoldsUpNeitherPeopleNorRetries(t *testing.T) {
	t.Parallel()
	h := start(t, dispatch.Config{FirstAttempt: dispatch.AheadOfEngine, BreakerAfter: 1})
	r := receive(t, status(http.StatusServiceUnavailable))
	endpoint := h.endpoint(r)
	_, row := h.retrying(endpoint)
	r.script(status(http.StatusOK))

	h.Rest(endpoint.Key, time.Hour)
	event := h.post(1)[0]
	h.await("it is in line", func() bool { return h.Status().Backlog == 1 })
	if r.count() != 1 {
		t.Error("the endpoint was probed during the pause")
	}
	h.wish(event, webhook.WishRetry)
	h.becomes(event, endpoint, webhook.DeliveryDelivered)

	h.Rest(endpoint.Key, time.Hour)
	event = h.post(1)[0]
	if got := h.ask(event, endpoint); got[0].Delivery.State.Final() { // at once: not after FirstWait
		t.Errorf("got %+v, want it to be told to wait", got)
	}
	if got := h.attempt(row, 0); got.State != webhook.DeliveryDelivered {
		t.Errorf("got %+v, want the retry delivered", got)
	}
}

func TestAnEndpointThatRefusesWhatItIsSentIsProbedWithoutAPause(t *testing.T) {
	t.Parallel()
	h := start(t, dispatch.Config{FirstAttempt: dispatch.AheadOfEngine, EndpointCap: 1, BreakerAfter: 2, ProbePause: time.Hour})
	r := receive(t, status(http.StatusUnprocessableEntity))
	h.endpoint(r)
	h.postBatch(50)
	h.await("all are refused", func() bool { return r.count() == 50 })
}

func TestSlowEndpointsLeaveSendersToTheOthers(t *testing.T) {
	t.Parallel()
	h := start(t, dispatch.Config{FirstAttempt: dispatch.AheadOfEngine, Senders: 8, EndpointCap: 1})
	slow, live := receive(t, after(1100*time.Millisecond)), receive(t, status(http.StatusOK))
	for range 8 {
		h.endpoint(slow, func(e *webhook.Endpoint) { e.Tenant = "slow" })
	}
	h.endpoint(live)
	events := h.postBatchAs("slow", 3)
	h.await("all are known to be slow", func() bool { return slow.count() > 8+6 })
	slow.measure()
	h.eventsBecome(h.postBatch(5), webhook.EventDelivered)
	if got := slow.count(); got == 3*8 {
		t.Error("the other endpoint had to wait for the slow ones")
	}
	h.eventsBecome(events, webhook.EventDelivered)
	if got := slow.mostAtOnce(); got > 6 {
		t.Errorf("got %d requests in flight at once to slow endpoints, want at most 6 of 8 senders", got)
	}
}
