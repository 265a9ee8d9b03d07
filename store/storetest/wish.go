package storetest

import (
	"testing"
	"time"

	"github.com/postrider/postrider/store"
	"github.com/postrider/postrider/webhook"
)

func (f *fixture) wish(e webhook.Event, wish webhook.Wish, force bool, endpointIDs ...string) (webhook.Event, []webhook.Delivery, error) {
	return f.Wish(f.t.Context(), store.WishRequest{
		Tenant: e.Tenant, EventID: e.ID, EndpointIDs: endpointIDs, Wish: wish, Force: force, Owner: f.owner, Now: wishedAt(),
	})
}

func wishedAt() time.Time { return start.Add(time.Hour) }

// exhausted is an event whose only delivery is out of attempts.
func (f *fixture) exhausted(p webhook.Endpoint) webhook.Event {
	f.t.Helper()
	n := f.newEvent(webhook.DefaultTenant, p)
	n.Deliveries[0].Policy.MaximumAttempts = 1
	e := f.accept(n)[0]
	f.try(e, p, 500, start.Add(time.Second))
	return e
}

func wishTests() []subtest {
	return []subtest{
		{"cancel notes the wish on open deliveries and nudges", func(t *testing.T, f *fixture) {
			p, q := f.endpoint(webhook.DefaultTenant), f.endpoint(webhook.DefaultTenant)
			e := f.send(p, q)
			f.try(e, q, 200, start.Add(time.Second))
			event, concerned, err := f.wish(e, webhook.WishCancel, false)
			f.ok(err)
			equal(t, "event", event.State, webhook.EventDelivering)
			if len(concerned) != 1 || concerned[0].EndpointID != p.ID {
				t.Fatalf("concerned are %+v", concerned)
			}
			d := f.delivery(e, p)
			equal(t, "delivery", d, concerned[0])
			equal(t, "wish", d.Wish, webhook.WishCancel)
			equal(t, "state", d.State, webhook.DeliveryPending)
			rows := f.outbox(store.OutboxWish)
			equal(t, "outbox", rows, []store.OutboxRow{{
				Seq: rows[0].Seq, EventUID: e.UID, Kind: store.OutboxNudge, Class: store.OutboxWish, CreatedAt: wishedAt(), Wish: webhook.WishCancel,
			}})
		}},
		{"a wish for named endpoints nudges for each of them", func(t *testing.T, f *fixture) {
			p, q, r := f.endpoint(webhook.DefaultTenant), f.endpoint(webhook.DefaultTenant), f.endpoint(webhook.DefaultTenant)
			e := f.send(p, q, r)
			_, concerned, err := f.wish(e, webhook.WishRetry, false, p.ID, r.ID)
			f.ok(err)
			equal(t, "concerned", len(concerned), 2)
			equal(t, "wish of the other", f.delivery(e, q).Wish, webhook.WishNone)
			var ids []string
			for _, row := range f.outbox(store.OutboxWish) {
				ids = append(ids, row.EndpointID)
			}
			equal(t, "nudges", ids, []string{p.ID, r.ID})
		}},
		{"a wish for an unknown event or endpoint is not found and changes nothing", func(t *testing.T, f *fixture) {
			p := f.endpoint(webhook.DefaultTenant)
			e := f.send(p)
			_, _, err := f.wish(webhook.Event{Tenant: e.Tenant, ID: "evt_none"}, webhook.WishCancel, false)
			f.kind(err, webhook.NotFound)
			_, _, err = f.wish(webhook.Event{Tenant: "other", ID: e.ID}, webhook.WishCancel, false)
			f.kind(err, webhook.NotFound)
			_, _, err = f.wish(e, webhook.WishCancel, false, p.ID, "ep_none")
			f.kind(err, webhook.NotFound)
			equal(t, "wish", f.delivery(e, p).Wish, webhook.WishNone)
			equal(t, "outbox", len(f.outbox(store.OutboxWish)), 0)
		}},
		{"there is nothing to cancel when all is over", func(_ *testing.T, f *fixture) {
			p := f.endpoint(webhook.DefaultTenant)
			e := f.send(p)
			f.try(e, p, 200, start.Add(time.Second))
			_, _, err := f.wish(e, webhook.WishCancel, false)
			f.conflict(err, "nothing_to_cancel")
		}},
		{"there is nothing to retry when all is delivered", func(_ *testing.T, f *fixture) {
			p := f.endpoint(webhook.DefaultTenant)
			e := f.send(p)
			f.try(e, p, 200, start.Add(time.Second))
			for _, force := range []bool{false, true} { // force without endpoints is not enough
				_, _, err := f.wish(e, webhook.WishRetry, force)
				f.conflict(err, "nothing_to_retry")
			}
			_, _, err := f.wish(f.send(), webhook.WishRetry, false)
			f.conflict(err, "nothing_to_retry")
		}},
		{"retry of a closed event starts a new run with a fresh budget", func(t *testing.T, f *fixture) {
			p := f.endpoint(webhook.DefaultTenant)
			e := f.exhausted(p)
			f.cleared()
			event, concerned, err := f.wish(e, webhook.WishRetry, false)
			f.ok(err)
			if event.Generation != 2 || event.State != webhook.EventDelivering || !event.CompletedAt.IsZero() {
				t.Fatalf("event is %+v", event)
			}
			equal(t, "stored event", f.event(e), event)
			d := f.delivery(e, p)
			equal(t, "delivery", d, concerned[0])
			if d.State != webhook.DeliveryRetrying || d.WaitingFor != webhook.WaitingForTurn || d.Budget != 2 || d.Attempts != 1 ||
				d.Reason != "" || d.Wish != "" || !d.CompletedAt.IsZero() || !d.DueAt.Equal(wishedAt()) {
				t.Fatalf("delivery is %+v", d)
			}
			equal(t, "waiting", f.waiting(f.owner, p), uidsOf(e))
			rows := f.outbox(store.OutboxWish)
			equal(t, "outbox", rows, []store.OutboxRow{{
				Seq: rows[0].Seq, EventUID: e.UID, Kind: store.OutboxStart, Class: store.OutboxWish, CreatedAt: wishedAt(),
			}})
			f.apply(f.attempt(d, 200, wishedAt().Add(time.Second)))
			got := f.event(e)
			equal(t, "state", got.State, webhook.EventDelivered)
			equal(t, "generation", got.Generation, 2)
		}},
		{"retry gives the row to the node that was asked", func(t *testing.T, f *fixture) {
			p := f.endpoint(webhook.DefaultTenant)
			e := f.exhausted(p)
			_, _, err := f.Wish(t.Context(), store.WishRequest{Tenant: e.Tenant, EventID: e.ID, Wish: webhook.WishRetry, Owner: stranger, Now: wishedAt()})
			f.ok(err)
			equal(t, "waiting", f.waiting(stranger, p), uidsOf(e))
			rows, err := f.Outbox(t.Context(), stranger, store.OutboxWish, 0, 10)
			f.ok(err)
			equal(t, "outbox", len(rows), 1)
		}},
		{"a wish that another node is told of makes the node look that has the row to send", func(t *testing.T, f *fixture) {
			p, q := f.endpoint(webhook.DefaultTenant), f.endpoint(webhook.DefaultTenant)
			e, failed, held := f.send(p, q), f.send(p), f.held(p, webhook.WaitingForPaused, start)
			f.try(failed, p, 500, start.Add(time.Second)) // Temporal has its next attempt
			f.cleared()
			for _, quiet := range []bool{false, true} {
				for _, event := range []webhook.Event{e, failed, held} {
					_, _, err := f.Wish(t.Context(), store.WishRequest{
						Tenant: event.Tenant, EventID: event.ID, Wish: webhook.WishCancel, Owner: stranger, Quiet: quiet, Now: wishedAt(),
					})
					f.ok(err)
				}
				rows := f.outbox(store.OutboxWish)
				equal(t, "outbox of the owner", rows, []store.OutboxRow{{
					Seq: rows[0].Seq, EventUID: e.UID, Kind: store.OutboxLook, Class: store.OutboxWish, CreatedAt: wishedAt(),
				}})
				f.cleared()
			}
			ofStranger, err := f.Outbox(t.Context(), stranger, store.OutboxWish, 0, 10)
			f.ok(err)
			equal(t, "nudges of the other", len(ofStranger), 3)
		}},
		{"retry of one of two brings it back without a new run", func(t *testing.T, f *fixture) {
			p, q := f.endpoint(webhook.DefaultTenant), f.endpoint(webhook.DefaultTenant)
			n := f.newEvent(webhook.DefaultTenant, p, q)
			n.Deliveries[0].Policy.MaximumAttempts = 1
			e := f.accept(n)[0]
			f.try(e, p, 500, start.Add(time.Second))
			event, concerned, err := f.wish(e, webhook.WishRetry, false)
			f.ok(err)
			equal(t, "generation", event.Generation, 1)
			equal(t, "concerned", len(concerned), 2)
			equal(t, "the exhausted one", f.delivery(e, p).State, webhook.DeliveryRetrying)
			equal(t, "the open one", f.delivery(e, q).Wish, webhook.WishRetry)
			equal(t, "kind", f.outbox(store.OutboxWish)[0].Kind, store.OutboxNudge)
		}},
		{"a cancelled delivery that was never tried comes back as pending", func(t *testing.T, f *fixture) {
			p := f.endpoint(webhook.DefaultTenant)
			e := f.send(p)
			f.apply(store.Change{Delivery: f.delivery(e, p).Finish(webhook.DeliveryCancelled, webhook.ReasonCancelled, start.Add(time.Second))})
			equal(t, "state", f.event(e).State, webhook.EventCancelled)
			_, _, err := f.wish(e, webhook.WishRetry, false)
			f.ok(err)
			d := f.delivery(e, p)
			equal(t, "state", d.State, webhook.DeliveryPending)
			equal(t, "reason", d.Reason, "")
			equal(t, "event state", f.event(e).State, webhook.EventAccepted)
		}},
		{"a held delivery stays held", func(t *testing.T, f *fixture) {
			p := f.endpoint(webhook.DefaultTenant)
			e := f.held(p, webhook.WaitingForPaused, start)
			_, _, err := f.wish(e, webhook.WishRetry, false)
			f.ok(err)
			d := f.delivery(e, p)
			equal(t, "state", d.State, webhook.DeliveryHeld)
			equal(t, "waiting for", d.WaitingFor, webhook.WaitingForPaused)
			equal(t, "wish", d.Wish, webhook.WishRetry)
		}},
		{"force with endpoints sends a delivered one again", func(t *testing.T, f *fixture) {
			p, q := f.endpoint(webhook.DefaultTenant), f.endpoint(webhook.DefaultTenant)
			e := f.send(p, q)
			f.try(e, p, 200, start.Add(time.Second))
			f.try(e, q, 200, start.Add(time.Second))
			event, concerned, err := f.wish(e, webhook.WishRetry, true, p.ID)
			f.ok(err)
			equal(t, "generation", event.Generation, 2)
			equal(t, "concerned", len(concerned), 1)
			equal(t, "forced", f.delivery(e, p).State, webhook.DeliveryRetrying)
			equal(t, "other", f.delivery(e, q).State, webhook.DeliveryDelivered)
		}},
		{"a wish for an endpoint reaches all its open deliveries, a few at a time", func(t *testing.T, f *fixture) {
			p, q := f.endpoint(webhook.DefaultTenant), f.endpoint(webhook.DefaultTenant)
			fresh, retrying, held := f.send(p, q), f.send(p), f.held(p, webhook.WaitingForPaused, start)
			f.try(retrying, p, 500, start.Add(time.Second))
			delivered := f.send(p)
			f.try(delivered, p, 200, start.Add(time.Second))
			asked := f.send(p)
			_, _, err := f.wish(asked, webhook.WishCancel, false)
			f.ok(err)
			f.cleared()
			total := 0
			for range 10 {
				n, err := f.WishEndpoint(t.Context(), p.Key, webhook.WishCancel, webhook.ReasonEndpointDeleted, f.owner, 2, wishedAt())
				f.ok(err)
				if n > 2 {
					t.Fatalf("%d rows at a time, want at most 2", n)
				}
				if total += n; n == 0 {
					break
				}
			}
			equal(t, "rows", total, 3)
			for _, e := range []webhook.Event{fresh, retrying, held} {
				d := f.delivery(e, p)
				equal(t, "wish", d.Wish, webhook.WishCancel)
				equal(t, "reason", d.Reason, webhook.ReasonEndpointDeleted)
			}
			equal(t, "wish of another endpoint", f.delivery(fresh, q).Wish, webhook.WishNone)
			equal(t, "wish of a delivered one", f.delivery(delivered, p).Wish, webhook.WishNone)
			rows := f.outbox(store.OutboxWish)
			equal(t, "nudges", len(rows), 3)
			for _, r := range rows {
				equal(t, "endpoint", r.EndpointID, p.ID)
				equal(t, "wish", r.Wish, webhook.WishCancel)
			}
		}},
	}
}
