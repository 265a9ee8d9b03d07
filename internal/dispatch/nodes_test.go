package dispatch_test

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/postrider/postrider/internal/dispatch"
	"github.com/postrider/postrider/store"
	"github.com/postrider/postrider/webhook"
)

func shared() dispatch.Config {
	return dispatch.Config{
		FirstAttempt: dispatch.AheadOfEngine, Shared: true,
		AliveEvery: 20 * time.Millisecond, StopAfter: time.Minute, DeadAfter: time.Minute,
	}
}

func TestADeadNodesEventsAreTakenOver(t *testing.T) {
	t.Parallel()
	h := start(t, ahead())
	r := receive(t, status(http.StatusOK))
	endpoint := h.endpoint(r)
	dead, event := h.acceptedBy("dead", endpoint)
	cfg := shared()
	cfg.DeadAfter = 50 * time.Millisecond
	h = h.another("node 2", cfg, playing)
	h.becomes(event, endpoint, webhook.DeliveryDelivered)
	h.allStarted([]webhook.Event{event})
	h.await("the workflow closes", func() bool { return h.engine.open() == 0 })
	equal(t, "received events", r.events(), []string{event.ID})
	if err := h.store.RenewNode(t.Context(), dead); !errors.Is(err, webhook.NotFound) {
		t.Errorf("got %v for the dead node, want it removed", err)
	}
}

func TestWhatIsTakenOverIsCountedAsWaiting(t *testing.T) {
	t.Parallel()
	h := start(t, ahead())
	answer, open := gate()
	defer open()
	h.acceptedBy("dead", h.endpoint(receive(t, until(answer, http.StatusOK))))
	cfg := shared()
	cfg.DeadAfter = 50 * time.Millisecond
	h = h.another("node 2", cfg)
	begun := time.Now()
	h.await("it is counted", func() bool { return h.Status().Backlog == 1 })
	if took := time.Since(begun); took > 12*time.Second {
		t.Errorf("it was counted after %s, when everything is", took)
	}
}

// acceptedBy is an event that another node accepted and did nothing more about.
func (h *harness) acceptedBy(name string, endpoint webhook.Endpoint) (node int64, event webhook.Event) {
	h.t.Helper()
	ctx := h.t.Context()
	node, err := h.store.RegisterNode(ctx, name)
	if err != nil {
		h.t.Fatal(err)
	}
	version, _, err := h.store.TenantEndpoints(ctx, webhook.DefaultTenant)
	if err != nil {
		h.t.Fatal(err)
	}
	event = newEvent(webhook.DefaultTenant, "evt_of_"+name)
	accepted, err := h.store.Accept(ctx, []store.NewEvent{{
		Tenant: event.Tenant, ID: event.ID, Type: event.Type, Data: event.Data, CreatedAt: time.Now(), Owner: node,
		EndpointsVersion: version, Deliveries: []store.NewDelivery{{EndpointKey: endpoint.Key, Policy: endpoint.Policy}},
	}})
	if err != nil {
		h.t.Fatal(err)
	}
	event.UID = accepted[0].Event.UID
	return node, event
}

func TestWhatANodeOfAnotherNameLeftInADatabaseOfOnesOwnIsSent(t *testing.T) {
	t.Parallel()
	h := start(t, ahead())
	r := receive(t, status(http.StatusOK))
	endpoint := h.endpoint(r)
	_, event := h.acceptedBy("former", endpoint)
	if err := h.stop(); err != nil {
		t.Fatal(err)
	}
	h = h.another("renamed", ahead(), playing)
	h.becomes(event, endpoint, webhook.DeliveryDelivered)
	h.allStarted([]webhook.Event{event})
	equal(t, "received events", r.events(), []string{event.ID})
}

func TestANodeThatWasWithoutADatabaseDoesNotTakeOthersForDeadAtOnce(t *testing.T) {
	t.Parallel()
	cfg := shared()
	cfg.StopAfter, cfg.DeadAfter = 100*time.Millisecond, time.Second
	h := start(t, cfg)
	h.store.set(func(s *faultyStore) { s.onRenew = func(int64) error { return errors.New("no route to the database") } })
	h.await("it stops", func() bool { return !h.Status().SendersUp })
	other, err := h.store.RegisterNode(t.Context(), "other")
	if err != nil {
		t.Fatal(err)
	}
	registered := time.Now()
	h.await("the other looks dead", func() bool { return time.Since(registered) > cfg.DeadAfter+cfg.StopAfter })
	h.store.set(func(s *faultyStore) { s.onRenew = nil })
	h.await("it goes on", func() bool { return h.Status().SendersUp })
	if err := h.store.RenewNode(t.Context(), other); err != nil {
		t.Errorf("the other was not given time to say that it is alive: %v", err)
	}
}

func TestTwoNodesDeliverTheirOwnEventsOnceEach(t *testing.T) {
	t.Parallel()
	h := start(t, shared(), playing)
	other := h.another("node 2", shared())
	r := receive(t, failing(1))
	h.endpoint(r)
	events := h.postBatch(20)
	other.events = 20
	events = append(events, other.postBatch(20)...)
	h.eventsBecome(events, webhook.EventDelivered)
	h.await("every workflow closes", func() bool { return len(h.engine.started()) == 40 && h.engine.open() == 0 })
	if r.count() != 80 {
		t.Errorf("got %d requests, want two for each event", r.count())
	}
}

func TestANodeThatCannotSayThatItIsAliveStopsSendingAndResumes(t *testing.T) {
	t.Parallel()
	cfg := shared()
	cfg.StopAfter = 300 * time.Millisecond
	h := start(t, cfg)
	r := receive(t, status(http.StatusOK))
	endpoint := h.endpoint(r)
	h.store.set(func(s *faultyStore) { s.onRenew = func(int64) error { return errors.New("no route to the database") } })
	h.await("it stops", func() bool { return !h.Status().SendersUp })
	events := h.post(1)
	h.await("its workflow is started all the same", func() bool { return len(h.engine.started()) == 1 })
	if row := h.row(events[0], endpoint); row.Attempts != 0 || r.count() != 0 {
		t.Errorf("got %d attempts while it may be taken for dead", row.Attempts)
	}
	h.store.set(func(s *faultyStore) { s.onRenew = nil })
	h.eventsBecome(events, webhook.EventDelivered)
	h.await("it says that it sends", func() bool { return h.Status().SendersUp })
}

func TestANodeThatWasTakenForDeadEnds(t *testing.T) {
	t.Parallel()
	h := start(t, shared())
	other, err := h.store.RegisterNode(t.Context(), "node 2")
	if err != nil {
		t.Fatal(err)
	}
	h.await("it is removed", func() bool {
		if _, _, err := h.store.TakeOver(t.Context(), other, 0, 100); err != nil {
			t.Fatal(err)
		}
		return len(h.ended) == 1
	})
	if err := h.stop(); err == nil || !strings.Contains(err.Error(), "taken for dead") {
		t.Errorf("got %v, want that it was taken for dead", err)
	}
}

func TestAnEndpointThatAnotherNodeChangedIsFollowedWithinASecond(t *testing.T) {
	t.Parallel()
	cfg := shared()
	cfg.BreakerAfter = 1 << 20
	h := start(t, cfg)
	before, after := receive(t, status(http.StatusTeapot)), receive(t, status(http.StatusOK))
	endpoint := h.endpoint(before, func(e *webhook.Endpoint) { e.Policy = quick(1000) })
	_, row := h.retrying(endpoint)
	_, err := h.store.UpdateEndpoint(t.Context(), endpoint.Tenant, endpoint.ID, func(e *webhook.Endpoint) error {
		e.URL = after.URL
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	h.await("retries go to the new URL", func() bool {
		row = h.attempt(row, 0)
		return row.State == webhook.DeliveryDelivered
	})
	if after.count() != 1 {
		t.Errorf("got %d requests at the new URL, want 1", after.count())
	}
}

// sharedInLine has endpoints with one request in flight.
func sharedInLine() dispatch.Config {
	cfg := shared()
	cfg.EndpointCap = 1
	return cfg
}

func TestAWishThatReachesAnotherNodeIsDoneByTheOneThatHasTheDelivery(t *testing.T) {
	t.Parallel()
	h, r, endpoint, events, open := lineUp(t, sharedInLine(), 3, 1)
	other := h.another("node 2", sharedInLine())
	other.wish(events[1], webhook.WishCancel)
	h.eventsBecome(events[1:2], webhook.EventCancelled)
	other.wish(events[2], webhook.WishRetry)
	h.await("what is wanted is in flight beside the first", func() bool { return slices.Contains(r.events(), events[2].ID) })
	open()
	for _, event := range []webhook.Event{events[0], events[2]} {
		h.becomes(event, endpoint, webhook.DeliveryDelivered)
	}
	h.await("the outbox is empty", func() bool { return h.outbox() == 0 })
	equal(t, "received events", r.events(), []string{events[0].ID, events[2].ID})
}

func TestADeliveryThatIsInFlightAtAnotherNodeIsLeftToItsResult(t *testing.T) {
	t.Parallel()
	h, _, endpoint, events, open := lineUp(t, sharedInLine(), 1, 1)
	other := h.another("node 2", sharedInLine())
	h.await("its workflow is started", func() bool { return len(h.engine.started()) == 1 })
	other.wish(events[0], webhook.WishCancel)
	got, err := other.Settle(t.Context(), events[0].UID, endpoint.Key, webhook.DeliveryCancelled, webhook.ReasonCancelled)
	if err != nil || !got.InFlight {
		t.Errorf("got %+v, %v, want in flight", got, err)
	}
	open()
	row := h.becomes(events[0], endpoint, webhook.DeliveryDelivered)
	if got := len(h.attempts(events[0])); got != 1 || row.Attempts != 1 {
		t.Errorf("got %d attempts in the history and %d in the row, want the one that was made", got, row.Attempts)
	}
	h.await("its outcome is signalled", func() bool { return len(h.outcomes(events[0])) > 0 })
}

func TestARetryThatWaitsAtAnotherNodeThanTheOwnerIsSignalled(t *testing.T) {
	t.Parallel()
	h := start(t, ahead())
	other := h.another("node 2", dispatch.Config{FirstAttempt: dispatch.AheadOfEngine, EndpointCap: 1})
	h.store.set(func(s *faultyStore) { s.onDone = func() error { return errors.New("the disk is on holiday") } })
	r := receive(t, status(http.StatusTeapot))
	endpoint := h.endpoint(r)
	event := h.post(1)[0]
	row := h.becomes(event, endpoint, webhook.DeliveryRetrying)
	h.await("its workflow is started", func() bool { return len(h.engine.started()) == 1 })
	answer, open := gate()
	r.script(until(answer, http.StatusOK))
	other.postAs(webhook.DefaultTenant, "evt_in_the_way")
	h.await("another event is in flight", func() bool { return r.underWay() == 1 })
	row.Reported = row.Attempts
	if got := other.attempt(row, 0); got.WaitingFor != webhook.WaitingForCap {
		t.Errorf("got %+v, want it to wait for the cap", got)
	}
	open()
	h.becomes(event, endpoint, webhook.DeliveryDelivered)
	h.await("the outcome is signalled", func() bool { return len(h.outcomes(event)) > 0 })
}
