package dispatch_test

import (
	"errors"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/postrider/postrider/activities"
	"github.com/postrider/postrider/internal/dispatch"
	"github.com/postrider/postrider/store"
	"github.com/postrider/postrider/webhook"
)

// retrying posts an event whose first attempt fails, and hands it over as Deliver does.
func (h *harness) retrying(endpoint webhook.Endpoint) (webhook.Event, webhook.Delivery) {
	h.t.Helper()
	event := h.post(1)[0]
	row := h.becomes(event, endpoint, webhook.DeliveryRetrying)
	h.await("its workflow is started", func() bool { return h.outbox() == 0 })
	after := row
	after.Reported, after.Base = row.Attempts, row.Attempts-1
	if err := h.Save(h.t.Context(), row, after); err != nil {
		h.t.Fatal(err)
	}
	return event, h.row(event, endpoint)
}

// attempt is the workflow's next attempt.
func (h *harness) attempt(row webhook.Delivery, lost int) webhook.Delivery {
	h.t.Helper()
	after, err := h.Attempt(h.t.Context(), row, lost)
	if err != nil {
		h.t.Fatal(err)
	}
	return after
}

func TestARetryDelivers(t *testing.T) {
	t.Parallel()
	h := start(t, ahead())
	endpoint := h.endpoint(receive(t, failing(1)))
	event, row := h.retrying(endpoint)
	if got := h.attempt(row, 0); got.State != webhook.DeliveryDelivered || got.Attempts != 2 {
		t.Errorf("got %+v, want delivered at the second attempt", got)
	}
	if got := h.row(event, endpoint); got.State != webhook.DeliveryDelivered || got.LastStatus != http.StatusOK {
		t.Errorf("got row %+v, want delivered", got)
	}
	if got := h.ask(event, endpoint)[0].Delivery; got.State != webhook.DeliveryDelivered {
		t.Errorf("got %+v from FirstAttempts, want what the retry came to", got)
	}
	h.eventsBecome([]webhook.Event{event}, webhook.EventDelivered)
}

func TestARetryThatFailsIsReportedAndDueAgain(t *testing.T) {
	t.Parallel()
	h := start(t, ahead())
	endpoint := h.endpoint(receive(t, status(http.StatusTeapot)))
	event, row := h.retrying(endpoint)
	got := h.attempt(row, 0)
	if got.State != webhook.DeliveryRetrying || got.Attempts != 2 || got.Reported != 2 || got.Base != 0 || got.LastStatus != http.StatusTeapot {
		t.Errorf("got %+v, want a second attempt, reported", got)
	}
	if wait := got.DueAt.Sub(got.UpdatedAt); wait != 10*time.Millisecond {
		t.Errorf("got due after %s, want the policy's 10ms", wait)
	}
	if stored := h.row(event, endpoint); stored.Reported != 2 || !stored.DueAt.Equal(got.DueAt) {
		t.Errorf("got row %+v, want %+v", stored, got)
	}
}

func TestTheLastRetryExhaustsTheDelivery(t *testing.T) {
	t.Parallel()
	h := start(t, ahead())
	endpoint := h.endpoint(receive(t, status(http.StatusTeapot)), func(e *webhook.Endpoint) { e.Policy = quick(2) })
	_, row := h.retrying(endpoint)
	if got := h.attempt(row, 0); got.State != webhook.DeliveryExhausted || got.Reason != webhook.ReasonOutOfAttempts {
		t.Errorf("got %+v, want exhausted", got)
	}
}

func TestARetryThatAGateHoldsIsSentByTheWindowAndSignalled(t *testing.T) {
	t.Parallel()
	h := start(t, dispatch.Config{FirstAttempt: dispatch.AheadOfEngine, EndpointCap: 1})
	r := receive(t, status(http.StatusTeapot))
	endpoint := h.endpoint(r)
	event, row := h.retrying(endpoint)
	answer, open := gate()
	r.script(until(answer, http.StatusOK))
	h.post(1)
	h.await("another is in flight", func() bool { return r.underWay() == 1 })

	got := h.attempt(row, 0)
	if got.WaitingFor != webhook.WaitingForCap || got.Attempts != 1 || h.row(event, endpoint).WaitingFor != webhook.WaitingForCap {
		t.Errorf("got %+v, want it to wait for the cap", got)
	}
	open()
	h.becomes(event, endpoint, webhook.DeliveryDelivered)
	h.await("the outcome is signalled", func() bool { return len(h.outcomes(event)) > 0 })
	h.await("the backlog is gone", func() bool { return h.Status().Backlog == 0 })
}

func TestLostAttemptsAreRecordedAsUnknown(t *testing.T) {
	t.Parallel()
	h := start(t, ahead())
	endpoint := h.endpoint(receive(t, failing(1)))
	event, row := h.retrying(endpoint)
	if got := h.attempt(row, 2); got.State != webhook.DeliveryDelivered || got.Attempts != 4 {
		t.Errorf("got %+v, want delivered at the fourth attempt", got)
	}
	var got []webhook.Outcome
	for i, a := range h.attempts(event) {
		got = append(got, a.Outcome)
		if a.Number != i+1 {
			t.Errorf("got attempt number %d, want %d", a.Number, i+1)
		}
	}
	equal(t, "outcomes", got, []webhook.Outcome{
		webhook.OutcomeRejected, webhook.OutcomeUnknown, webhook.OutcomeUnknown, webhook.OutcomeDelivered,
	})
}

func TestARetryOfACancelledDeliveryMakesNoRequest(t *testing.T) {
	t.Parallel()
	h := start(t, ahead())
	r := receive(t, status(http.StatusTeapot))
	endpoint := h.endpoint(r)
	event, _ := h.retrying(endpoint)
	h.wish(event, webhook.WishCancel)
	if got := h.attempt(h.row(event, endpoint), 0); got.State != webhook.DeliveryCancelled || got.Reason != webhook.ReasonCancelled {
		t.Errorf("got %+v, want cancelled", got)
	}
	if row := h.row(event, endpoint); row.State != webhook.DeliveryCancelled || row.Wish != webhook.WishNone {
		t.Errorf("got row %+v, want cancelled and no wish left", row)
	}
	if r.count() != 1 {
		t.Errorf("got %d requests, want only the first attempt's", r.count())
	}
}

func TestARetryThatAPersonAskedForPassesTheBreaker(t *testing.T) {
	t.Parallel()
	h := start(t, dispatch.Config{FirstAttempt: dispatch.AheadOfEngine, BreakerAfter: 1})
	r := receive(t, status(http.StatusTeapot))
	endpoint := h.endpoint(r)
	event, row := h.retrying(endpoint)
	answer, _ := gate()
	r.script(func(w http.ResponseWriter, got request) {
		if got.event != event.ID {
			until(answer, http.StatusTeapot)(w, got)
		}
	})
	h.post(1)
	h.await("the probe is in flight", func() bool { return r.underWay() == 1 })
	h.wish(event, webhook.WishRetry)
	row.Wish = webhook.WishRetry
	if got := h.attempt(row, 0); got.State != webhook.DeliveryDelivered {
		t.Errorf("got %+v, want delivered", got)
	}
	if row := h.row(event, endpoint); row.Wish != webhook.WishNone {
		t.Errorf("got the wish %q left over", row.Wish)
	}
}

func TestARetryThatIsAnsweredGoneIsHeldAndSentWhenResumed(t *testing.T) {
	t.Parallel()
	h := start(t, ahead())
	r := receive(t, status(http.StatusTeapot))
	endpoint := h.endpoint(r)
	event, row := h.retrying(endpoint)
	r.script(status(http.StatusGone))
	if got := h.attempt(row, 0); got.State != webhook.DeliveryHeld || got.WaitingFor != webhook.WaitingForDisabled || got.Attempts != 2 {
		t.Errorf("got %+v, want held", got)
	}
	r.script(status(http.StatusOK))
	h.change(endpoint, webhook.EndpointEnabled)
	h.becomes(event, endpoint, webhook.DeliveryDelivered)
	h.await("the outcome is signalled", func() bool { return len(h.outcomes(event)) > 0 })
}

func TestARetryToAPausedEndpointIsHeldWithoutARequest(t *testing.T) {
	t.Parallel()
	h := start(t, ahead())
	r := receive(t, status(http.StatusTeapot))
	endpoint := h.endpoint(r)
	_, row := h.retrying(endpoint)
	h.change(endpoint, webhook.EndpointPaused)
	if got := h.attempt(row, 0); got.State != webhook.DeliveryHeld || got.WaitingFor != webhook.WaitingForPaused || got.Attempts != 1 {
		t.Errorf("got %+v, want held", got)
	}
	if r.count() != 1 {
		t.Errorf("got %d requests, want only the first attempt's", r.count())
	}
}

func TestAResultIsWrittenWhenTheStoreComesBack(t *testing.T) {
	t.Parallel()
	h := start(t, ahead())
	r := receive(t, failing(1))
	endpoint := h.endpoint(r)
	_, row := h.retrying(endpoint)
	var tries atomic.Int32
	h.store.set(func(s *faultyStore) {
		s.onApply = func(store.Change) error {
			if tries.Add(1) < 3 {
				return errors.New("the disk is on holiday")
			}
			return nil
		}
	})
	if got := h.attempt(row, 0); got.State != webhook.DeliveryDelivered {
		t.Errorf("got %+v, want delivered", got)
	}
	if r.count() != 2 {
		t.Errorf("got %d requests, want 2: a result is not forgotten", r.count())
	}
}

func TestARequestWhoseResultCannotBeWrittenIsSaidToBeUnrecorded(t *testing.T) {
	t.Parallel()
	h := start(t, ahead())
	endpoint := h.endpoint(receive(t, failing(1)))
	_, row := h.retrying(endpoint)
	h.store.set(func(s *faultyStore) {
		s.onApply = func(store.Change) error { return webhook.Errorf(webhook.Conflict, "", "somebody was quicker") }
	})
	if _, err := h.Attempt(t.Context(), row, 0); !errors.Is(err, activities.ErrUnrecorded) {
		t.Errorf("got %v, want unrecorded", err)
	}
}
