package dispatch_test

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/postrider/postrider/internal/dispatch"
	"github.com/postrider/postrider/store"
	"github.com/postrider/postrider/webhook"
)

// refused posts an event that must be refused and checks that nothing of it is stored.
func (h *harness) refused(tenant string, kind webhook.Kind, code string) {
	h.t.Helper()
	_, err := h.Accept(h.t.Context(), []webhook.Event{newEvent(tenant, "evt_refused")})
	refusal, ok := webhook.AsError(err)
	if !ok || refusal.Kind != kind || refusal.Code != code || refusal.RetryAfter <= 0 {
		h.t.Errorf("got %v, want %s %s with a time to come again", err, kind, code)
	}
	if _, err := h.store.Event(h.t.Context(), tenant, "evt_refused"); !errors.Is(err, webhook.NotFound) {
		h.t.Errorf("got %v, want nothing stored", err)
	}
}

func TestIntakeRefusesWhileTooManyDeliveriesWait(t *testing.T) {
	t.Parallel()
	h := start(t, dispatch.Config{FirstAttempt: dispatch.AheadOfEngine, MaxWaiting: 5})
	answer, open := gate()
	h.endpoint(receive(t, until(answer, http.StatusOK)))
	events := h.post(5)
	h.refused(webhook.DefaultTenant, webhook.RateLimited, "backlog_full")
	if got := h.Status(); !got.Refusing || got.Reason == "" || got.RetryAfter <= 0 || got.Backlog != 5 {
		t.Errorf("got status %+v, want refusing", got)
	}
	open()
	h.eventsBecome(events, webhook.EventDelivered)
	h.await("intake is open again", func() bool { return !h.Status().Refusing })
	h.eventsBecome(h.post(1), webhook.EventDelivered)
}

func TestIntakeRefusesWhileTooManyBytesWait(t *testing.T) {
	t.Parallel()
	h := start(t, dispatch.Config{FirstAttempt: dispatch.AheadOfEngine, MaxBytes: 30})
	answer, _ := gate()
	h.endpoint(receive(t, until(answer, http.StatusOK)))
	h.post(2)
	h.refused(webhook.DefaultTenant, webhook.RateLimited, "backlog_full")
}

func TestIntakeRefusesMoreThanTheStoreCanWriteInTime(t *testing.T) {
	t.Parallel()
	h := start(t, dispatch.Config{FirstAttempt: dispatch.AheadOfEngine, MaxCommit: 50 * time.Millisecond})
	h.store.set(func(s *faultyStore) {
		s.onAccept = func() error { time.Sleep(200 * time.Millisecond); return nil } //nolint:forbidigo // a slow disk
	})
	var posting sync.WaitGroup
	var refused, stop atomic.Bool
	for n := range 100 {
		posting.Go(func() {
			for i := 0; !stop.Load(); i++ {
				large := newEvent("noisy", fmt.Sprintf("evt_%d_%d", n, i))
				large.Data = []byte(`"` + strings.Repeat("x", 4<<10) + `"`)
				if _, err := h.Accept(t.Context(), []webhook.Event{large}); err != nil {
					refusal, ok := webhook.AsError(err)
					refused.Store(ok && refusal.Code == "store_slow" && refusal.RetryAfter > 0)
					time.Sleep(10 * time.Millisecond) //nolint:forbidigo // as a client would
				}
			}
		})
	}
	h.await("some are refused", refused.Load)
	if !h.Levels(t.Context()).Refusing {
		t.Error("it does not say that it refuses")
	}
	h.await("a tenant that sends little is let in", func() bool {
		_, err := h.Accept(t.Context(), []webhook.Event{newEvent("quiet", "evt_quiet")})
		return err == nil
	})
	stop.Store(true)
	posting.Wait()
	h.await("intake is open again", func() bool { return !h.Levels(t.Context()).Refusing })
}

func TestIntakeRefusesWhatTheStoreCannotWrite(t *testing.T) {
	t.Parallel()
	h := start(t, ahead())
	h.store.set(func(s *faultyStore) { s.onAccept = func() error { return errors.New("the disk is on holiday") } })
	h.refused(webhook.DefaultTenant, webhook.Unavailable, "store_unavailable")
}

func TestAnEventWhoseAcceptanceFailedAfterItsCommitIsDelivered(t *testing.T) {
	t.Parallel()
	h := start(t, ahead())
	endpoint := h.endpoint(receive(t, status(http.StatusOK)))
	h.store.set(func(s *faultyStore) { s.accepted = func() error { return errors.New("the connection is gone") } })
	post := []webhook.Event{newEvent(webhook.DefaultTenant, "evt_doubtful")}
	if _, err := h.Accept(t.Context(), post); !errors.Is(err, webhook.Unavailable) {
		t.Fatalf("got %v, want it unavailable", err)
	}
	h.store.set(func(s *faultyStore) { s.accepted = nil })
	again, err := h.Accept(t.Context(), post)
	if err != nil || again[0].Status != store.AcceptedDuplicate {
		t.Fatalf("posted again, it is %v, %v", again, err)
	}
	event := again[0].Event
	h.becomes(event, endpoint, webhook.DeliveryDelivered)
	h.allStarted([]webhook.Event{event})
}

func TestATenantOverItsShareIsRefusedAndOthersAreNot(t *testing.T) {
	t.Parallel()
	h := start(t, dispatch.Config{FirstAttempt: dispatch.AheadOfEngine, MaxWaiting: 20})
	answer, _ := gate()
	r := receive(t, until(answer, http.StatusOK))
	done := receive(t, status(http.StatusOK))
	for _, tenant := range []string{"loud", "quiet"} {
		h.endpoint(r, func(e *webhook.Endpoint) { e.Tenant = tenant })
	}
	for _, tenant := range []string{"gone_1", "gone_2", "gone_3"} { // these do not count: nothing of theirs waits
		h.endpoint(done, func(e *webhook.Endpoint) { e.Tenant = tenant })
		h.postAs(tenant, "evt_1")
	}
	h.await("nothing of theirs waits", func() bool { return h.Status().Backlog == 0 })
	h.postAs("quiet", "evt_1")
	h.postBatchAs("loud", 11)
	h.refused("loud", webhook.RateLimited, "tenant_backlog_full")
	h.postAs("quiet", "evt_2")
}

func TestATenantThatIsAloneLeavesATenthToOthers(t *testing.T) {
	t.Parallel()
	h := start(t, dispatch.Config{FirstAttempt: dispatch.AheadOfEngine, MaxWaiting: 20})
	answer, _ := gate()
	r := receive(t, until(answer, http.StatusOK))
	for _, tenant := range []string{"loud", "late"} {
		h.endpoint(r, func(e *webhook.Endpoint) { e.Tenant = tenant })
	}
	h.postBatchAs("loud", 19)
	h.refused("loud", webhook.RateLimited, "tenant_backlog_full")
	if !h.Levels(t.Context()).Refusing {
		t.Error("it does not say that it refuses")
	}
	h.postAs("late", "evt_1")
}

func TestATenantsShareCountsWhatWaitedBeforeARestart(t *testing.T) {
	t.Parallel()
	cfg := dispatch.Config{FirstAttempt: dispatch.AheadOfEngine, MaxWaiting: 40, EndpointCap: 1}
	h := start(t, cfg)
	r := receive(t, after(20*time.Millisecond)) // until it has stopped, few get through
	for _, tenant := range []string{"loud", "late"} {
		h.endpoint(r, func(e *webhook.Endpoint) { e.Tenant = tenant })
	}
	h.postBatchAs("loud", 39)
	if err := h.stop(); err != nil {
		t.Fatal(err)
	}
	answer, open := gate()
	defer open()
	r.script(until(answer, http.StatusOK))
	h = h.another("node 1", cfg)
	h.await("one is in flight", func() bool { return r.underWay() == 1 })
	if waiting := h.Status().Backlog; waiting > 39 || waiting < 37 {
		t.Fatalf("%d wait, want nearly 39", waiting)
	}
	h.refused("loud", webhook.RateLimited, "tenant_backlog_full")
	h.postAs("late", "evt_1")
}

func TestIntakeRefusesWhenTheDiskIsNearlyFull(t *testing.T) {
	t.Parallel()
	h := start(t, dispatch.Config{FirstAttempt: dispatch.AheadOfEngine, DiskPath: t.TempDir(), MinFreeDisk: 1 << 62})
	h.await("it is noticed", func() bool { return h.Status().Refusing })
	h.refused(webhook.DefaultTenant, webhook.Unavailable, "disk_full")
}

func TestIntakeRefusesWhileAReaderHoldsUpALongLog(t *testing.T) {
	t.Parallel()
	h := start(t, dispatch.Config{FirstAttempt: dispatch.AheadOfEngine, MaxLog: 200})
	h.endpoint(receive(t, status(http.StatusOK)))
	h.store.set(func(s *faultyStore) { s.log = 199 })
	events := h.post(1)
	h.store.set(func(s *faultyStore) { s.log = 200 })
	h.refused(webhook.DefaultTenant, webhook.Unavailable, "store_log_full")
	if levels := h.Levels(t.Context()); !levels.Refusing || levels.StoreLog != 200 {
		t.Errorf("got levels %+v, want that it refuses, and why", levels)
	}
	h.eventsBecome(events, webhook.EventDelivered)
	h.store.set(func(s *faultyStore) { s.log = 0 })
	h.eventsBecome(h.post(1), webhook.EventDelivered)
}

func TestAnEndpointMadeBehindTheDispatchersBackIsNotMissed(t *testing.T) {
	t.Parallel()
	h := start(t, ahead())
	first := receive(t, status(http.StatusOK))
	h.endpoint(first)
	h.eventsBecome(h.post(1), webhook.EventDelivered) // now it knows the tenant's endpoints
	second := receive(t, status(http.StatusOK))
	if _, err := h.store.CreateEndpoint(t.Context(), newEndpoint(second)); err != nil {
		t.Fatal(err)
	}
	events := h.post(1)
	h.eventsBecome(events, webhook.EventDelivered)
	equal(t, "received events", second.events(), ids(events))
}

func TestWhatWasStoredOfABatchThatFailedIsDelivered(t *testing.T) {
	t.Parallel()
	h := start(t, ahead())
	r := receive(t, status(http.StatusOK))
	of := func(tenant string) webhook.Endpoint {
		e := newEndpoint(r)
		e.Tenant = tenant
		return e
	}
	h.endpoint(r, func(e *webhook.Endpoint) { e.Tenant = "calm" })
	h.store.set(func(s *faultyStore) {
		s.onAccept = func() error {
			_, err := h.store.CreateEndpoint(t.Context(), of("busy")) // ever again, just before the commit
			return err
		}
	})
	_, err := h.Accept(t.Context(), []webhook.Event{newEvent("busy", "evt_a"), newEvent("calm", "evt_b")})
	if refusal, ok := webhook.AsError(err); !ok || refusal.Code != "endpoints_changing" {
		t.Errorf("got %v, want endpoints_changing", err)
	}
	h.eventsBecome([]webhook.Event{newEvent("calm", "evt_b")}, webhook.EventDelivered)
	if _, err := h.store.Event(t.Context(), "busy", "evt_a"); !errors.Is(err, webhook.NotFound) {
		t.Errorf("got %v, want it not stored", err)
	}
	h.await("its workflow is started", func() bool { return h.outbox() == 0 })
}

func TestAnEventPostedTwiceIsSentOnceAndAnotherOfItsIDIsAConflict(t *testing.T) {
	t.Parallel()
	h := start(t, ahead())
	r := receive(t, status(http.StatusOK))
	endpoint := h.endpoint(r)
	other := newEvent(webhook.DefaultTenant, "evt_a")
	other.Data = []byte(`"another"`)
	got, err := h.Accept(t.Context(), []webhook.Event{
		newEvent(webhook.DefaultTenant, "evt_a"), newEvent(webhook.DefaultTenant, "evt_a"), other,
	})
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "statuses", []store.AcceptStatus{got[0].Status, got[1].Status, got[2].Status},
		[]store.AcceptStatus{store.AcceptedNew, store.AcceptedDuplicate, store.AcceptedConflict})
	equal(t, "endpoints of the new one", got[0].EndpointIDs, []string{endpoint.ID})
	equal(t, "endpoints of the duplicate", got[1].EndpointIDs, []string{endpoint.ID})
	h.await("it is sent", func() bool { return h.Status().Backlog == 0 })
	equal(t, "received events", r.events(), []string{"evt_a"})
}

func TestATestEventGoesToItsEndpointOnly(t *testing.T) {
	t.Parallel()
	h := start(t, ahead())
	asked, other := receive(t, status(http.StatusOK)), receive(t, status(http.StatusOK))
	endpoint := h.endpoint(asked, func(e *webhook.Endpoint) { e.EventTypes = []string{"invoice.voided"} })
	h.endpoint(other)
	got, err := h.Test(t.Context(), endpoint)
	if err != nil {
		t.Fatal(err)
	}
	h.eventsBecome([]webhook.Event{got.Event}, webhook.EventDelivered)
	equal(t, "received events", asked.events(), []string{got.Event.ID})
	equal(t, "events received by the other", other.events(), nil)
}
