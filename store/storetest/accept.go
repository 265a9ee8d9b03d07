package storetest

import (
	"bytes"
	"testing"
	"time"

	"github.com/postrider/postrider/store"
	"github.com/postrider/postrider/webhook"
)

func acceptTests() []subtest {
	return []subtest{
		{"an accepted event is there with its data and its deliveries", func(t *testing.T, f *fixture) {
			p := f.endpoint(webhook.DefaultTenant)
			e := f.newEvent(webhook.DefaultTenant, p)
			accepted := f.accept(e)[0]
			want := webhook.Event{
				UID: accepted.UID, Tenant: e.Tenant, ID: e.ID, Type: e.Type, Size: len(e.Data), Fingerprint: e.Fingerprint,
				TraceParent: e.TraceParent, Generation: 1, State: webhook.EventAccepted, CreatedAt: start,
			}
			got, err := f.Event(t.Context(), e.Tenant, e.ID)
			f.ok(err)
			equal(t, "event", got, want)
			if accepted.UID <= 0 || accepted.State != webhook.EventAccepted || accepted.Generation != 1 || !accepted.CreatedAt.Equal(start) {
				t.Fatalf("accepted is %+v", accepted)
			}
			work, err := f.LoadWork(t.Context(), accepted.UID, true)
			f.ok(err)
			want.Data = e.Data
			equal(t, "work", work, store.Work{Event: want, Deliveries: []webhook.Delivery{{
				EventUID: accepted.UID, EndpointKey: p.Key, Tenant: e.Tenant, EventID: e.ID, EventType: e.Type, EndpointID: p.ID,
				State: webhook.DeliveryPending, WaitingFor: webhook.WaitingForTurn, Budget: 15, Policy: p.Policy,
				DueAt: start, CreatedAt: start, UpdatedAt: start,
			}}})
		}},
		{"data comes back byte for byte, whatever the bytes", func(t *testing.T, f *fixture) {
			for _, data := range [][]byte{{}, {0}, []byte("\xff\xfe\x00'\"\\"), bytes.Repeat([]byte("x"), 1<<20)} {
				e := f.newEvent(webhook.DefaultTenant)
				e.Data = data
				got, err := f.EventData(t.Context(), f.accept(e)[0].UID)
				f.ok(err)
				if !bytes.Equal(got, data) {
					t.Fatalf("got %d bytes, want %d", len(got), len(data))
				}
			}
		}},
		{"an event that was never accepted is not found", func(t *testing.T, f *fixture) {
			_, err := f.Event(t.Context(), webhook.DefaultTenant, "evt_none")
			f.kind(err, webhook.NotFound)
			_, err = f.EventData(t.Context(), 4711)
			f.kind(err, webhook.NotFound)
			_, err = f.LoadWork(t.Context(), 4711, true)
			f.kind(err, webhook.NotFound)
			_, err = f.LoadDelivery(t.Context(), 4711, 1)
			f.kind(err, webhook.NotFound)
		}},
		{"an event is not found under another tenant", func(t *testing.T, f *fixture) {
			e := f.send()
			_, err := f.Event(t.Context(), "other", e.ID)
			f.kind(err, webhook.NotFound)
		}},
		{"the same event again is a duplicate and stores nothing", func(t *testing.T, f *fixture) {
			p, q := f.endpoint(webhook.DefaultTenant), f.endpoint(webhook.DefaultTenant)
			e := f.newEvent(webhook.DefaultTenant, p, q)
			first := f.accept(e)[0]
			f.cleared()
			f.try(first, p, 500, start.Add(time.Second))
			again, err := f.Accept(t.Context(), []store.NewEvent{e})
			f.ok(err)
			if a := again[0]; a.Status != store.AcceptedDuplicate || a.Event.UID != first.UID || a.Event.State != webhook.EventDelivering {
				t.Fatalf("accepted is %+v", a)
			}
			equal(t, "endpoint IDs", again[0].EndpointIDs, []string{p.ID, q.ID})
			equal(t, "outbox", f.outbox(store.OutboxDelivered), nil)
		}},
		{"a duplicate is one even after the tenant's endpoints changed", func(t *testing.T, f *fixture) {
			e := f.newEvent(webhook.DefaultTenant)
			f.accept(e)
			f.endpoint(webhook.DefaultTenant)
			again, err := f.Accept(t.Context(), []store.NewEvent{e})
			f.ok(err)
			equal(t, "status", again[0].Status, store.AcceptedDuplicate)
		}},
		{"the same ID with other data is a conflict", func(t *testing.T, f *fixture) {
			e := f.newEvent(webhook.DefaultTenant)
			first := f.accept(e)[0]
			e.Data = []byte("other")
			e.Fingerprint = webhook.FingerprintOf(e.Type, e.Data)
			again, err := f.Accept(t.Context(), []store.NewEvent{e})
			f.ok(err)
			equal(t, "status", again[0].Status, store.AcceptedConflict)
			data, err := f.EventData(t.Context(), first.UID)
			f.ok(err)
			equal(t, "data", string(data), `{"id":"`+e.ID+`"}`)
		}},
		{"the same ID of two tenants is two events", func(_ *testing.T, f *fixture) {
			e, other := f.newEvent("a"), f.newEvent("b")
			other.ID = e.ID
			f.accept(e, other)
		}},
		{"the same ID twice in one call is new and then a duplicate or a conflict", func(t *testing.T, f *fixture) {
			p := f.endpoint(webhook.DefaultTenant)
			e := f.newEvent(webhook.DefaultTenant, p)
			conflict := e
			conflict.Fingerprint = webhook.FingerprintOf("other", nil)
			got, err := f.Accept(t.Context(), []store.NewEvent{e, e, conflict})
			f.ok(err)
			equal(t, "statuses", []store.AcceptStatus{got[0].Status, got[1].Status, got[2].Status},
				[]store.AcceptStatus{store.AcceptedNew, store.AcceptedDuplicate, store.AcceptedConflict})
			equal(t, "UID", got[1].Event.UID, got[0].Event.UID)
			equal(t, "endpoint IDs", got[1].EndpointIDs, []string{p.ID})
		}},
		{"an event computed from an old list of endpoints is stale and not stored", func(t *testing.T, f *fixture) {
			e := f.newEvent(webhook.DefaultTenant)
			f.endpoint(webhook.DefaultTenant)
			fresh := f.newEvent(webhook.DefaultTenant)
			got, err := f.Accept(t.Context(), []store.NewEvent{e, fresh})
			f.ok(err)
			equal(t, "statuses", []store.AcceptStatus{got[0].Status, got[1].Status}, []store.AcceptStatus{store.AcceptedStale, store.AcceptedNew})
			_, err = f.Event(t.Context(), e.Tenant, e.ID)
			f.kind(err, webhook.NotFound)
		}},
		{"an event for an unknown tenant makes it, and is stale if it thinks otherwise", func(t *testing.T, f *fixture) {
			e := f.newEvent("fresh")
			stale := e
			stale.EndpointsVersion = 3
			got, err := f.Accept(t.Context(), []store.NewEvent{stale})
			f.ok(err)
			equal(t, "status", got[0].Status, store.AcceptedStale)
			f.accept(e)
			tenant, err := f.Tenant(t.Context(), "fresh")
			f.ok(err)
			equal(t, "tenant", tenant, webhook.Tenant{ID: "fresh", CreatedAt: start})
		}},
		{"an event without deliveries is unrouted and over, but has a workflow to start", func(t *testing.T, f *fixture) {
			e := f.event(f.send())
			equal(t, "state", e.State, webhook.EventUnrouted)
			equal(t, "completed at", e.CompletedAt, start)
			rows := f.outbox(store.OutboxDelivered)
			if len(rows) != 1 || rows[0].EventUID != e.UID || rows[0].Kind != store.OutboxStart {
				t.Fatalf("outbox is %+v", rows)
			}
		}},
		{"a delivery to a paused endpoint is born held", func(t *testing.T, f *fixture) {
			p := f.endpoint(webhook.DefaultTenant)
			e := f.held(p, webhook.WaitingForPaused, start)
			d := f.delivery(e, p)
			if d.State != webhook.DeliveryHeld || d.WaitingFor != webhook.WaitingForPaused || !d.DueAt.IsZero() {
				t.Fatalf("delivery is %+v", d)
			}
			equal(t, "state", f.event(e).State, webhook.EventDelivering)
			equal(t, "waiting", f.waiting(f.owner, p), []int64{})
		}},
		{"UIDs grow in the order of acceptance", func(t *testing.T, f *fixture) {
			last := int64(0)
			for range 5 {
				for _, e := range f.accept(f.newEvent("a"), f.newEvent("b"), f.newEvent("a")) {
					if e.UID <= last {
						t.Fatalf("UID %d follows %d", e.UID, last)
					}
					last = e.UID
				}
			}
		}},
		{"every delivery keeps the policy that it was accepted under", func(t *testing.T, f *fixture) {
			p := f.endpoint(webhook.DefaultTenant)
			for n := range 3 {
				e := f.newEvent(webhook.DefaultTenant, p)
				policy := webhook.DefaultPolicy()
				policy.MaximumAttempts, policy.PermanentStatuses = n+1, []int{404, 400 + n}
				e.Deliveries[0].Policy = policy
				d := f.delivery(f.accept(e)[0], p)
				equal(t, "policy", d.Policy, policy)
				equal(t, "budget", d.Budget, n+1)
			}
		}},
		{"an event that names an endpoint twice is refused and spoils nothing", func(t *testing.T, f *fixture) {
			p := f.endpoint(webhook.DefaultTenant)
			e := f.newEvent(webhook.DefaultTenant, p, p)
			_, err := f.Accept(t.Context(), []store.NewEvent{e})
			f.kind(err, webhook.Invalid)
			_, err = f.Event(t.Context(), e.Tenant, e.ID)
			f.kind(err, webhook.NotFound)
		}},
		{"a thousand events in one call are stored", func(t *testing.T, f *fixture) {
			p := f.endpoint(webhook.DefaultTenant)
			e := f.newEvent(webhook.DefaultTenant, p)
			events := make([]store.NewEvent, 1000)
			for i := range events {
				events[i] = e
				events[i].ID = f.id(webhook.EventIDPrefix)
			}
			f.accept(events...)
			equal(t, "waiting", len(f.waiting(f.owner, p)), 1000)
		}},
		{"no events are no work", func(t *testing.T, f *fixture) {
			got, err := f.Accept(t.Context(), nil)
			f.ok(err)
			equal(t, "answers", len(got), 0)
		}},
	}
}
