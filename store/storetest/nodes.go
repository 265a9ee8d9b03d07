package storetest

import (
	"testing"
	"time"

	"github.com/postrider/postrider/store"
	"github.com/postrider/postrider/webhook"
)

func nodeTests() []subtest {
	return []subtest{
		{"a node that comes again has the key it had", func(t *testing.T, f *fixture) {
			again, err := f.RegisterNode(t.Context(), "node-a")
			f.ok(err)
			equal(t, "key", again, f.owner)
			other, err := f.RegisterNode(t.Context(), "node-b")
			f.ok(err)
			if other == f.owner || other == 0 {
				t.Fatalf("key is %d", other)
			}
		}},
		{"a node that was removed cannot be renewed", func(t *testing.T, f *fixture) {
			f.kind(f.RenewNode(t.Context(), 4711), webhook.NotFound)
			f.kind(f.ReleaseNode(t.Context(), 4711), webhook.NotFound)
			f.ok(f.RenewNode(t.Context(), f.owner))
			other, err := f.RegisterNode(t.Context(), "node-b")
			f.ok(err)
			f.ok(f.ReleaseNode(t.Context(), other))
			_, _, err = f.TakeOver(t.Context(), f.owner, time.Hour, 10)
			f.ok(err)
			f.kind(f.RenewNode(t.Context(), other), webhook.NotFound)
			again, err := f.RegisterNode(t.Context(), "node-b")
			f.ok(err)
			f.ok(f.RenewNode(t.Context(), again))
		}},
		{"the rows of a node that is alive are left alone", func(t *testing.T, f *fixture) {
			p := f.endpoint(webhook.DefaultTenant)
			e := f.send(p)
			other, err := f.RegisterNode(t.Context(), "node-b")
			f.ok(err)
			rows, keys, err := f.TakeOver(t.Context(), other, time.Hour, 10)
			f.ok(err)
			equal(t, "rows", rows, 0)
			equal(t, "endpoints", len(keys), 0)
			equal(t, "waiting", f.waiting(f.owner, p), uidsOf(e))
		}},
		{"of what a node had for the engine the urgent is taken over first", func(t *testing.T, f *fixture) {
			p := f.endpoint(webhook.DefaultTenant)
			for range 3 {
				f.try(f.send(p), p, 200, start.Add(time.Second))
			}
			failed := f.send(p)
			f.try(failed, p, 500, start.Add(time.Second))
			_, _, err := f.wish(failed, webhook.WishRetry, false)
			f.ok(err)
			f.ok(f.ReleaseNode(t.Context(), f.owner))
			other, err := f.RegisterNode(t.Context(), "node-b")
			f.ok(err)
			rows, _, err := f.TakeOver(t.Context(), other, time.Hour, 1)
			f.ok(err)
			equal(t, "rows", rows, 1)
			outbox, err := f.Outbox(t.Context(), other, store.OutboxWish, 0, 10)
			f.ok(err)
			if len(outbox) != 1 || outbox[0].EventUID != failed.UID {
				t.Fatalf("outbox is %+v, want the wish", outbox)
			}
		}},
		{"the rows of a node that stopped are taken over, a few at a time", func(t *testing.T, f *fixture) {
			p, q := f.endpoint(webhook.DefaultTenant), f.endpoint(webhook.DefaultTenant)
			a, b := f.send(p), f.send(p, q)
			held := f.held(q, webhook.WaitingForPaused, start)
			f.ok(f.ReleaseNode(t.Context(), f.owner))
			other, err := f.RegisterNode(t.Context(), "node-b")
			f.ok(err)
			total, seen := 0, map[int64]bool{}
			for range 10 {
				rows, keys, err := f.TakeOver(t.Context(), other, time.Hour, 2)
				f.ok(err)
				if rows > 2 {
					t.Fatalf("%d rows at a time, want at most 2", rows)
				}
				for _, k := range keys {
					seen[k] = true
				}
				if total += rows; rows == 0 {
					break
				}
			}
			equal(t, "rows", total, 7) // three to be sent, one held, three outbox rows
			equal(t, "endpoints", seen, map[int64]bool{p.Key: true, q.Key: true})
			equal(t, "waiting for p", f.waiting(other, p), uidsOf(a, b))
			equal(t, "waiting for q", f.waiting(other, q), uidsOf(b))
			equal(t, "held", f.delivery(held, q).State, webhook.DeliveryHeld)
			outbox, err := f.Outbox(t.Context(), other, store.OutboxDelivered, 0, 10)
			f.ok(err)
			equal(t, "outbox", len(outbox), 3)
			f.kind(f.RenewNode(t.Context(), f.owner), webhook.NotFound)
		}},
		{"a node of which something was taken over cannot go on", func(t *testing.T, f *fixture) {
			p := f.endpoint(webhook.DefaultTenant)
			f.send(p)
			f.send(p)
			other, err := f.RegisterNode(t.Context(), "node-b")
			f.ok(err)
			rows, _, err := f.TakeOver(t.Context(), other, -time.Hour, 1)
			f.ok(err)
			equal(t, "rows", rows, 1)
			f.kind(f.RenewNode(t.Context(), f.owner), webhook.NotFound)
			for rows > 0 {
				rows, _, err = f.TakeOver(t.Context(), other, time.Hour, 10)
				f.ok(err)
			}
			equal(t, "left", len(f.waiting(f.owner, p)), 0)
		}},
		{"what a node writes after it was removed is taken over too", func(t *testing.T, f *fixture) {
			p := f.endpoint(webhook.DefaultTenant)
			e, parked := f.send(p), f.send(p)
			d := f.try(e, p, 500, start.Add(time.Second))
			g := f.try(parked, p, 500, start.Add(time.Second))
			other, err := f.RegisterNode(t.Context(), "node-b")
			f.ok(err)
			f.ok(f.ReleaseNode(t.Context(), f.owner))
			for rows := 1; rows > 0; {
				rows, _, err = f.TakeOver(t.Context(), other, time.Hour, 10)
				f.ok(err)
			}
			f.kind(f.RenewNode(t.Context(), f.owner), webhook.NotFound)
			for c, waitingFor := range map[*webhook.Delivery]webhook.WaitingFor{&d: webhook.WaitingForCap, &g: webhook.WaitingForPaused} {
				f.apply(store.Change{Delivery: c.Wait(waitingFor, start.Add(time.Minute)), ExpectAttempts: c.Attempts, Owner: f.owner})
			}
			rows, keys, err := f.TakeOver(t.Context(), other, time.Hour, 10)
			f.ok(err)
			equal(t, "rows", rows, 2)
			equal(t, "endpoints", keys, []int64{p.Key})
			equal(t, "waiting", f.waiting(other, p), uidsOf(e))
		}},
		{"a nudge for a node that was removed finds a new owner", func(t *testing.T, f *fixture) {
			p := f.endpoint(webhook.DefaultTenant)
			e := f.send(p)
			d := f.try(e, p, 500, start.Add(time.Second)) // now with Temporal, owned by node-a
			f.cleared()
			f.ok(f.ReleaseNode(t.Context(), f.owner))
			other, err := f.RegisterNode(t.Context(), "node-b")
			f.ok(err)
			_, _, err = f.TakeOver(t.Context(), other, time.Hour, 10)
			f.ok(err)
			c := f.attempt(d, 500, start.Add(time.Minute))
			c.Nudge = true
			f.apply(c)
			rows, _, err := f.TakeOver(t.Context(), other, time.Hour, 10)
			f.ok(err)
			equal(t, "rows", rows, 1)
			outbox, err := f.Outbox(t.Context(), other, store.OutboxWish, 0, 10)
			f.ok(err)
			equal(t, "outbox", len(outbox), 1)
		}},
	}
}

func retentionTests() []subtest {
	day := 24 * time.Hour
	return []subtest{
		{"old events go with all that belongs to them, a few at a time", func(t *testing.T, f *fixture) {
			p := f.endpoint(webhook.DefaultTenant)
			var old []webhook.Event
			for range 3 {
				e := f.send(p)
				f.try(e, p, 500, start.Add(time.Second))
				f.try(e, p, 200, start.Add(time.Minute))
				old = append(old, e)
			}
			fresh := f.send(p)
			f.try(fresh, p, 200, start.Add(2*day))
			var counts []int
			for range 3 {
				n, err := f.DeleteEvents(t.Context(), start.Add(day), 2)
				f.ok(err)
				counts = append(counts, n)
			}
			equal(t, "counts", counts, []int{2, 1, 0})
			for _, e := range old {
				_, err := f.LoadWork(t.Context(), e.UID, false)
				f.kind(err, webhook.NotFound)
				_, err = f.EventData(t.Context(), e.UID)
				f.kind(err, webhook.NotFound)
				_, err = f.LoadDelivery(t.Context(), e.UID, p.Key)
				f.kind(err, webhook.NotFound)
			}
			attempts, err := f.ListAttempts(t.Context(), store.AttemptQuery{})
			f.ok(err)
			equal(t, "attempts", len(attempts.Data), 1)
			equal(t, "fresh", f.event(fresh).State, webhook.EventDelivered)
			f.ok(f.Compact(t.Context()))
		}},
		{"more events than fit into one step are deleted in one call", func(t *testing.T, f *fixture) {
			n := f.newEvent(webhook.DefaultTenant)
			events := make([]store.NewEvent, 250)
			for i := range events {
				events[i] = n
				events[i].ID = f.id(webhook.EventIDPrefix)
			}
			f.accept(events...)
			deleted, err := f.DeleteEvents(t.Context(), start.Add(day), 240)
			f.ok(err)
			equal(t, "deleted", deleted, 240)
		}},
		{"an event with an open delivery is never deleted", func(t *testing.T, f *fixture) {
			p, q := f.endpoint(webhook.DefaultTenant), f.endpoint(webhook.DefaultTenant)
			e := f.send(p, q)
			f.try(e, p, 200, start.Add(time.Second))
			n, err := f.DeleteEvents(t.Context(), start.Add(365*day), 100)
			f.ok(err)
			equal(t, "deleted", n, 0)
		}},
		{"an event that was deleted may be sent again", func(t *testing.T, f *fixture) {
			n := f.newEvent(webhook.DefaultTenant)
			first := f.accept(n)[0]
			_, err := f.DeleteEvents(t.Context(), start.Add(day), 10)
			f.ok(err)
			second := f.accept(n)[0]
			if second.UID <= first.UID {
				t.Fatalf("UID %d follows %d", second.UID, first.UID)
			}
		}},
		{"what was held too long expires, with a nudge for its owner", func(t *testing.T, f *fixture) {
			p := f.endpoint(webhook.DefaultTenant)
			old, fresh := f.held(p, webhook.WaitingForPaused, start), f.held(p, webhook.WaitingForPaused, start.Add(2*day))
			sent := f.send(p)
			tried := f.try(sent, p, 500, start.Add(time.Second))
			f.apply(store.Change{Delivery: tried.Wait(webhook.WaitingForDisabled, start.Add(3*day)), ExpectAttempts: 1}) // held late
			f.cleared()
			now := start.Add(30 * day)
			n, err := f.ExpireHeld(t.Context(), start.Add(day), now, 10)
			f.ok(err)
			equal(t, "expired", n, 1)
			d := f.delivery(old, p)
			if d.State != webhook.DeliveryExpired || d.Reason != webhook.ReasonHeldTooLong || d.WaitingFor != "" || !d.CompletedAt.Equal(now) {
				t.Fatalf("delivery is %+v", d)
			}
			got := f.event(old)
			equal(t, "event state", got.State, webhook.EventExpired)
			equal(t, "event completed at", got.CompletedAt, now)
			equal(t, "fresh", f.delivery(fresh, p).State, webhook.DeliveryHeld)
			rows := f.outbox(store.OutboxWish)
			equal(t, "outbox", rows, []store.OutboxRow{{
				Seq: rows[0].Seq, EventUID: old.UID, Kind: store.OutboxNudge, Class: store.OutboxWish, CreatedAt: now, EndpointID: p.ID,
			}})
			n, err = f.ExpireHeld(t.Context(), start.Add(day), now, 10)
			f.ok(err)
			equal(t, "expired again", n, 0)
		}},
		{"held since when it was first held, whatever happened meanwhile", func(t *testing.T, f *fixture) {
			p := f.endpoint(webhook.DefaultTenant)
			e := f.held(p, webhook.WaitingForPaused, start)
			f.apply(store.Change{Delivery: f.delivery(e, p).Wait(webhook.WaitingForDisabled, start.Add(2*day))})
			_, _, err := f.wish(e, webhook.WishRetry, false)
			f.ok(err)
			n, err := f.ExpireHeld(t.Context(), start.Add(day), start.Add(3*day), 10)
			f.ok(err)
			equal(t, "expired", n, 1)
		}},
	}
}
