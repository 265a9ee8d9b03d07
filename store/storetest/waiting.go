package storetest

import (
	"testing"
	"time"

	"github.com/postrider/postrider/store"
	"github.com/postrider/postrider/webhook"
)

func waitingTests() []subtest {
	paused := []webhook.WaitingFor{webhook.WaitingForPaused}
	return []subtest{
		{"endpoints with rows to send are listed once each, and only the owner's", func(t *testing.T, f *fixture) {
			p, q, r := f.endpoint("a"), f.endpoint("b"), f.endpoint("a")
			f.endpoint("a")
			f.accept(f.newEvent("a", p), f.newEvent("a", p), f.newEvent("b", q))
			f.held(r, webhook.WaitingForPaused, start)
			other := f.newEvent("a", r)
			other.Owner = stranger
			f.accept(other)
			keys, err := f.WaitingEndpoints(t.Context(), f.owner)
			f.ok(err)
			equal(t, "endpoints", keys, []int64{p.Key, q.Key})
			keys, err = f.WaitingEndpoints(t.Context(), stranger+1)
			f.ok(err)
			equal(t, "endpoints of nobody", len(keys), 0)
		}},
		{"waiting rows come in the order of their events, after a key, up to a limit", func(t *testing.T, f *fixture) {
			p := f.endpoint(webhook.DefaultTenant)
			events := []webhook.Event{f.send(p), f.send(p), f.send(p), f.send(p)}
			rows, err := f.Waiting(t.Context(), f.owner, p.Key, events[0].UID, 2)
			f.ok(err)
			equal(t, "rows", len(rows), 2)
			for i, r := range rows {
				e := f.event(events[i+1])
				equal(t, "event", r.Event, e)
				equal(t, "delivery", r.Delivery, f.delivery(e, p))
			}
		}},
		{"a row that Temporal has is not among those waiting", func(t *testing.T, f *fixture) {
			p := f.endpoint(webhook.DefaultTenant)
			a, b := f.send(p), f.send(p)
			f.try(a, p, 500, start.Add(time.Second))
			equal(t, "waiting", f.waiting(f.owner, p), uidsOf(b))
		}},
		{"release gives held rows their turn, at most a limit, until none is left", func(t *testing.T, f *fixture) {
			p, q := f.endpoint(webhook.DefaultTenant), f.endpoint(webhook.DefaultTenant)
			events := []webhook.Event{f.held(p, webhook.WaitingForPaused, start), f.held(p, webhook.WaitingForPaused, start), f.held(p, webhook.WaitingForPaused, start)}
			disabled, other := f.held(p, webhook.WaitingForDisabled, start), f.held(q, webhook.WaitingForPaused, start)
			now := start.Add(time.Hour)
			var counts []int
			for range 3 {
				n, err := f.Release(t.Context(), p.Key, paused, stranger, 2, now)
				f.ok(err)
				counts = append(counts, n)
			}
			equal(t, "counts", counts, []int{2, 1, 0})
			equal(t, "waiting", f.waiting(stranger, p), uidsOf(events...))
			d := f.delivery(events[0], p)
			if d.State != webhook.DeliveryPending || d.WaitingFor != webhook.WaitingForTurn || !d.DueAt.Equal(now) || !d.UpdatedAt.Equal(now) {
				t.Fatalf("delivery is %+v", d)
			}
			equal(t, "event state", f.event(events[0]).State, webhook.EventAccepted)
			equal(t, "disabled", f.delivery(disabled, p).State, webhook.DeliveryHeld)
			equal(t, "other endpoint", f.delivery(other, q).State, webhook.DeliveryHeld)
		}},
		{"release of a delivery that was tried makes it retrying", func(t *testing.T, f *fixture) {
			p := f.endpoint(webhook.DefaultTenant)
			e := f.send(p)
			d := f.try(e, p, 500, start.Add(time.Second))
			f.apply(store.Change{Delivery: d.Wait(webhook.WaitingForPaused, start.Add(time.Minute)), ExpectAttempts: 1})
			equal(t, "held", f.delivery(e, p).State, webhook.DeliveryHeld)
			n, err := f.Release(t.Context(), p.Key, append(paused, webhook.WaitingForDisabled), f.owner, 10, start.Add(time.Hour))
			f.ok(err)
			equal(t, "released", n, 1)
			equal(t, "state", f.delivery(e, p).State, webhook.DeliveryRetrying)
		}},
		{"release for no reason does nothing", func(t *testing.T, f *fixture) {
			p := f.endpoint(webhook.DefaultTenant)
			f.held(p, webhook.WaitingForPaused, start)
			n, err := f.Release(t.Context(), p.Key, nil, f.owner, 10, start)
			f.ok(err)
			equal(t, "released", n, 0)
		}},
		{"the backlog counts what the owner has to do", func(t *testing.T, f *fixture) {
			p := f.endpoint(webhook.DefaultTenant)
			n := f.newEvent(webhook.DefaultTenant, p)
			n.Data = make([]byte, 500)
			a := f.accept(n)[0]
			n = f.newEvent(webhook.DefaultTenant, p)
			n.Data = make([]byte, 1500)
			f.accept(n)
			f.held(p, webhook.WaitingForPaused, start)
			q, r := f.endpoint("a"), f.endpoint("a")
			n = f.newEvent("a", q, r)
			n.Data = make([]byte, 1000)
			f.accept(n)
			b, err := f.Backlog(t.Context(), f.owner)
			f.ok(err)
			equal(t, "backlog", b, store.Backlog{Waiting: map[string]int64{webhook.DefaultTenant: 2, "a": 2}, Outbox: 4, Bytes: 4000, Held: 1})
			f.try(a, p, 500, start.Add(time.Second))
			f.cleared()
			b, err = f.Backlog(t.Context(), f.owner)
			f.ok(err)
			equal(t, "backlog", b, store.Backlog{Waiting: map[string]int64{webhook.DefaultTenant: 1, "a": 2}, Bytes: 3500, Held: 1})
			b, err = f.Backlog(t.Context(), stranger)
			f.ok(err)
			equal(t, "backlog of another", b, store.Backlog{Waiting: map[string]int64{}})
		}},
		{"what does not follow its endpoint's state is listed", func(t *testing.T, f *fixture) {
			enabled, paused, deleted, clean := f.endpoint("a"), f.endpoint("a"), f.endpoint("a"), f.endpoint("a")
			inTemporal, heldDeleted, wished := f.endpoint("a"), f.endpoint("a"), f.endpoint("a")
			f.held(enabled, webhook.WaitingForPaused, start)
			f.held(paused, webhook.WaitingForPaused, start)
			f.held(clean, webhook.WaitingForEngine, start)
			f.held(heldDeleted, webhook.WaitingForDisabled, start)
			f.accept(f.newEvent("a", deleted), f.newEvent("a", clean), f.newEvent("a", wished))
			e := f.accept(f.newEvent("a", inTemporal))[0]
			f.try(e, inTemporal, 500, start.Add(time.Second))
			_, err := f.UpdateEndpoint(t.Context(), "a", paused.ID, func(p *webhook.Endpoint) error { p.State = webhook.EndpointPaused; return nil })
			f.ok(err)
			for _, p := range []webhook.Endpoint{deleted, inTemporal, heldDeleted, wished} {
				_, err = f.DeleteEndpoint(t.Context(), "a", p.ID, start)
				f.ok(err)
			}
			_, err = f.WishEndpoint(t.Context(), wished.Key, webhook.WishCancel, webhook.ReasonEndpointDeleted, f.owner, 10, start)
			f.ok(err)
			found, err := f.OutOfStep(t.Context(), 10)
			f.ok(err)
			var ids []string
			for _, p := range found {
				ids = append(ids, p.ID)
			}
			equal(t, "endpoints", ids, []string{enabled.ID, deleted.ID, inTemporal.ID, heldDeleted.ID})
			found, err = f.OutOfStep(t.Context(), 2)
			f.ok(err)
			equal(t, "limited", len(found), 2)
		}},
	}
}

func outboxTests() []subtest {
	return []subtest{
		{"rows come in order, after a key, up to a limit, and only the owner's of one class", func(t *testing.T, f *fixture) {
			events := []webhook.Event{f.send(), f.send(), f.send()}
			other := f.newEvent(webhook.DefaultTenant)
			other.Owner = stranger
			f.accept(other)
			all := f.outbox(store.OutboxDelivered)
			equal(t, "rows", len(all), 3)
			rows, err := f.Outbox(t.Context(), f.owner, store.OutboxDelivered, all[0].Seq, 1)
			f.ok(err)
			equal(t, "rows", rows, []store.OutboxRow{{
				Seq: all[1].Seq, EventUID: events[1].UID, Kind: store.OutboxStart, Class: store.OutboxDelivered, CreatedAt: start,
			}})
			equal(t, "undelivered", len(f.outbox(store.OutboxUndelivered)), 0)
		}},
		{"rows that are done are gone, and doing so twice is no error", func(t *testing.T, f *fixture) {
			f.send()
			f.send()
			rows := f.outbox(store.OutboxDelivered)
			for range 2 {
				f.ok(f.OutboxDone(t.Context(), []int64{rows[0].Seq, 999_999_999}))
			}
			equal(t, "rows", f.outbox(store.OutboxDelivered), rows[1:])
			f.ok(f.OutboxDone(t.Context(), nil))
		}},
		{"overdue are the rows that Temporal should have sent, longest first", func(t *testing.T, f *fixture) {
			p := f.endpoint("acme")
			send := func() webhook.Event { return f.accept(f.newEvent("acme", p))[0] }
			late, later, waiting, delivered := send(), send(), send(), send()
			f.held(p, webhook.WaitingForPaused, start)
			f.try(later, p, 500, start.Add(2*time.Second))
			f.try(late, p, 500, start.Add(time.Second))
			f.try(delivered, p, 200, start.Add(time.Second))
			_ = waiting
			due := f.delivery(late, p).DueAt
			want := store.OverdueRow{EventUID: late.UID, EndpointKey: p.Key, EndpointID: p.ID, WorkflowID: "acme/" + late.ID, Attempts: 1, DueAt: due}
			rows, err := f.Overdue(t.Context(), start.Add(time.Hour), 10)
			f.ok(err)
			equal(t, "rows", len(rows), 2)
			equal(t, "first", rows[0], want)
			equal(t, "second", rows[1].EventUID, later.UID)
			rows, err = f.Overdue(t.Context(), start.Add(time.Hour), 1)
			f.ok(err)
			equal(t, "limited", len(rows), 1)
			rows, err = f.Overdue(t.Context(), due, 10)
			f.ok(err)
			equal(t, "due at that very time", len(rows), 0)
		}},
		{"of the given events those are listed that were completed before", func(t *testing.T, f *fixture) {
			p := f.endpoint("acme")
			open, delivered, later, another := f.accept(f.newEvent("acme", p))[0], f.accept(f.newEvent("acme", p))[0], f.accept(f.newEvent("acme", p))[0], f.accept(f.newEvent("acme", p))[0]
			f.try(delivered, p, 200, start.Add(time.Second))
			f.try(later, p, 200, start.Add(time.Minute))
			f.try(another, p, 200, start.Add(time.Second))
			uids, err := f.Completed(t.Context(), []int64{open.UID, delivered.UID, later.UID}, start.Add(30*time.Second))
			f.ok(err)
			equal(t, "events", uids, []int64{delivered.UID})
			uids, err = f.Completed(t.Context(), nil, start.Add(time.Hour))
			f.ok(err)
			equal(t, "of none", len(uids), 0)
		}},
	}
}
