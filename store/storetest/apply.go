package storetest

import (
	"testing"
	"time"

	"github.com/postrider/postrider/store"
	"github.com/postrider/postrider/webhook"
)

func applyTests() []subtest {
	later := start.Add(3 * time.Second)
	return []subtest{
		{"a delivered attempt ends the delivery and the event", func(t *testing.T, f *fixture) {
			p := f.endpoint(webhook.DefaultTenant)
			e := f.send(p)
			d := f.try(e, p, 204, later)
			want := webhook.Delivery{
				EventUID: e.UID, EndpointKey: p.Key, Tenant: e.Tenant, EventID: e.ID, EventType: e.Type, EndpointID: p.ID,
				State: webhook.DeliveryDelivered, Attempts: 1, Budget: 15, Policy: p.Policy, LastStatus: 204,
				CreatedAt: start, UpdatedAt: later, CompletedAt: later,
			}
			equal(t, "delivery", d, want)
			got := f.event(e)
			equal(t, "state", got.State, webhook.EventDelivered)
			equal(t, "completed at", got.CompletedAt, later)
		}},
		{"a failed attempt leaves the next one to Temporal", func(t *testing.T, f *fixture) {
			p := f.endpoint(webhook.DefaultTenant)
			e := f.send(p)
			c := f.attempt(f.delivery(e, p), 503, later)
			c.Delivery.Reported, c.Delivery.Base, c.Delivery.Budget = 1, 2, 9
			f.apply(c)
			d := f.delivery(e, p)
			if d.State != webhook.DeliveryRetrying || d.WaitingFor != "" || d.Attempts != 1 || d.LastStatus != 503 ||
				d.LastErrorClass != webhook.ErrorHTTPStatus || d.LastError != "status 503" || d.Reported != 1 || d.Base != 2 || d.Budget != 9 {
				t.Fatalf("delivery is %+v", d)
			}
			equal(t, "due at", d.DueAt, c.Delivery.DueAt)
			equal(t, "state", f.event(e).State, webhook.EventDelivering)
			equal(t, "waiting", f.waiting(f.owner, p), []int64{})
		}},
		{"an attempt comes back with headers and body", func(t *testing.T, f *fixture) {
			p := f.endpoint(webhook.DefaultTenant)
			e := f.send(p)
			c := f.attempt(f.delivery(e, p), 500, later)
			a := &c.Attempts[0]
			a.RequestHeaders = map[string]string{"webhook-id": e.ID}
			a.ResponseHeaders = map[string]string{"server": "böse\x00"}
			a.ResponseBody = []byte("\xff\x00no")
			f.apply(c)
			page, err := f.ListAttempts(t.Context(), store.AttemptQuery{EventUID: e.UID, WithBodies: true})
			f.ok(err)
			equal(t, "attempts", page.Data, []webhook.Attempt{*a})
			page, err = f.ListAttempts(t.Context(), store.AttemptQuery{EventUID: e.UID})
			f.ok(err)
			a.RequestHeaders, a.ResponseHeaders, a.ResponseBody = nil, nil, nil
			equal(t, "attempts without bodies", page.Data, []webhook.Attempt{*a})
		}},
		{"an error text that is not text is kept as well as can be", func(t *testing.T, f *fixture) {
			p := f.endpoint(webhook.DefaultTenant)
			e := f.send(p)
			c := f.attempt(f.delivery(e, p), 0, later)
			c.Delivery.LastError, c.Attempts[0].Error = "a\x00b\xffc", "a\x00b\xffc"
			f.apply(c)
			equal(t, "error", f.delivery(e, p).LastError, "a\uFFFDb\uFFFDc")
		}},
		{"several attempts of one change are all appended", func(t *testing.T, f *fixture) {
			p := f.endpoint(webhook.DefaultTenant)
			e := f.send(p)
			first := f.attempt(f.delivery(e, p), 500, start.Add(time.Second))
			second := f.attempt(first.Delivery, 200, start.Add(2*time.Second))
			second.ExpectAttempts = 0
			second.Attempts = append(first.Attempts, second.Attempts...)
			f.apply(second)
			page, err := f.ListAttempts(t.Context(), store.AttemptQuery{EventUID: e.UID})
			f.ok(err)
			equal(t, "numbers", []int{page.Data[0].Number, page.Data[1].Number}, []int{2, 1})
		}},
		{"a change computed from another number of attempts is a conflict", func(t *testing.T, f *fixture) {
			p := f.endpoint(webhook.DefaultTenant)
			e := f.send(p)
			before := f.delivery(e, p)
			f.try(e, p, 500, later)
			c := f.attempt(before, 200, later)
			f.kind(f.Apply(t.Context(), []store.Change{c})[0], webhook.Conflict)
			equal(t, "attempts", f.delivery(e, p).Attempts, 1)
			page, err := f.ListAttempts(t.Context(), store.AttemptQuery{EventUID: e.UID})
			f.ok(err)
			equal(t, "attempts kept", len(page.Data), 1)
		}},
		{"a change of a delivery that is over is a conflict", func(t *testing.T, f *fixture) {
			p := f.endpoint(webhook.DefaultTenant)
			e := f.send(p)
			d := f.try(e, p, 200, later)
			c := f.attempt(d, 500, later)
			f.kind(f.Apply(t.Context(), []store.Change{c})[0], webhook.Conflict)
			equal(t, "state", f.delivery(e, p).State, webhook.DeliveryDelivered)
		}},
		{"a change of a delivery that is gone is not found", func(t *testing.T, f *fixture) {
			p := f.endpoint(webhook.DefaultTenant)
			e := f.send(p)
			c := f.attempt(f.delivery(e, p), 200, later)
			c.Delivery.EventUID = 4711
			f.kind(f.Apply(t.Context(), []store.Change{c})[0], webhook.NotFound)
		}},
		{"a refused change does not keep the others of the call from being written", func(t *testing.T, f *fixture) {
			p := f.endpoint(webhook.DefaultTenant)
			a, b, c := f.send(p), f.send(p), f.send(p)
			bad := f.attempt(f.delivery(b, p), 200, later)
			bad.ExpectAttempts = 7
			errs := f.Apply(t.Context(), []store.Change{f.attempt(f.delivery(a, p), 200, later), bad, f.attempt(f.delivery(c, p), 200, later)})
			f.ok(errs[0])
			f.kind(errs[1], webhook.Conflict)
			f.ok(errs[2])
			equal(t, "waiting", f.waiting(f.owner, p), uidsOf(b))
		}},
		{"two changes of one delivery in one call follow each other", func(t *testing.T, f *fixture) {
			p := f.endpoint(webhook.DefaultTenant)
			e := f.send(p)
			first := f.attempt(f.delivery(e, p), 500, later)
			second := f.attempt(first.Delivery, 200, later.Add(time.Second))
			stale := f.attempt(first.Delivery, 500, later.Add(time.Second))
			errs := f.Apply(t.Context(), []store.Change{first, second, stale})
			f.ok(errs[0])
			f.ok(errs[1])
			f.kind(errs[2], webhook.Conflict)
			d := f.delivery(e, p)
			equal(t, "attempts", d.Attempts, 2)
			equal(t, "state", d.State, webhook.DeliveryDelivered)
			equal(t, "event state", f.event(e).State, webhook.EventDelivered)
		}},
		{"a wish that the caller has not seen is kept", func(t *testing.T, f *fixture) {
			p := f.endpoint(webhook.DefaultTenant)
			e := f.send(p)
			before := f.delivery(e, p)
			_, _, err := f.Wish(t.Context(), store.WishRequest{Tenant: e.Tenant, EventID: e.ID, Wish: webhook.WishCancel, Owner: f.owner, Now: start})
			f.ok(err)
			f.apply(f.attempt(before, 500, later))
			d := f.delivery(e, p)
			equal(t, "wish", d.Wish, webhook.WishCancel)
			c := f.attempt(d, 500, later)
			c.ClearWish, c.Delivery.Wish = true, webhook.WishNone
			f.apply(c)
			equal(t, "wish cleared", f.delivery(e, p).Wish, webhook.WishNone)
		}},
		{"a change may give the row to another node", func(t *testing.T, f *fixture) {
			p := f.endpoint(webhook.DefaultTenant)
			e := f.send(p)
			d := f.delivery(e, p)
			f.apply(store.Change{Delivery: d.Wait(webhook.WaitingForCap, later), Owner: stranger})
			equal(t, "waiting of the old owner", f.waiting(f.owner, p), []int64{})
			equal(t, "waiting of the new owner", f.waiting(stranger, p), uidsOf(e))
			equal(t, "waiting for", f.delivery(e, p).WaitingFor, webhook.WaitingForCap)
		}},
		{"a wish to cancel stays in a row that stays open", func(t *testing.T, f *fixture) {
			p := f.endpoint(webhook.DefaultTenant)
			for _, cancelled := range []bool{false, true} {
				e := f.send(p)
				_, _, err := f.wish(e, webhook.WishRetry, false)
				f.ok(err)
				c := f.attempt(f.delivery(e, p), 500, later) // it is in flight
				c.ClearWish = true
				want := webhook.WishNone
				if cancelled {
					_, _, err = f.wish(e, webhook.WishCancel, false)
					f.ok(err)
					want = webhook.WishCancel
				}
				f.apply(c)
				d := f.delivery(e, p)
				equal(t, "wish", d.Wish, want)
				f.apply(store.Change{Delivery: d.Finish(webhook.DeliveryCancelled, "", later), ExpectAttempts: d.Attempts, ClearWish: true})
				equal(t, "wish when it is over", f.delivery(e, p).Wish, webhook.WishNone)
			}
		}},
		{"a node settles what no other has to send", func(t *testing.T, f *fixture) {
			p := f.endpoint(webhook.DefaultTenant)
			waiting, failed, held := f.send(p), f.send(p), f.held(p, webhook.WaitingForPaused, start)
			f.try(failed, p, 500, start.Add(time.Second))
			settle := func(e webhook.Event, node int64) store.Change {
				d := f.delivery(e, p)
				return store.Change{Delivery: d.Finish(webhook.DeliveryCancelled, "", later), ExpectAttempts: d.Attempts, Settler: node}
			}
			before := f.delivery(waiting, p)
			f.conflict(f.Apply(t.Context(), []store.Change{settle(waiting, stranger)})[0], store.WaitsElsewhere)
			equal(t, "the one that the owner may be sending", f.delivery(waiting, p), before)
			f.apply(settle(waiting, f.owner), settle(failed, stranger), settle(held, stranger))
			for _, e := range []webhook.Event{waiting, failed, held} {
				equal(t, "state", f.delivery(e, p).State, webhook.DeliveryCancelled)
			}
		}},
		{"a nudge goes into the outbox of the row's owner or of the one named", func(t *testing.T, f *fixture) {
			p := f.endpoint(webhook.DefaultTenant)
			e := f.send(p)
			c := f.attempt(f.delivery(e, p), 500, later)
			c.Nudge = true
			f.apply(c)
			rows := f.outbox(store.OutboxWish)
			equal(t, "outbox", rows, []store.OutboxRow{{
				Seq: rows[0].Seq, EventUID: e.UID, Kind: store.OutboxNudge, Class: store.OutboxWish, CreatedAt: later, EndpointID: p.ID,
			}})
			c = f.attempt(f.delivery(e, p), 500, later)
			c.Nudge, c.Owner = true, stranger
			f.apply(c)
			ofStranger, err := f.Outbox(t.Context(), stranger, store.OutboxWish, 0, 10)
			f.ok(err)
			equal(t, "outbox of the new owner", len(ofStranger), 1)
		}},
		{"a failed first attempt moves the event's start row up", func(t *testing.T, f *fixture) {
			p := f.endpoint(webhook.DefaultTenant)
			a, b := f.send(p), f.send(p)
			c := f.attempt(f.delivery(a, p), 500, later)
			c.Failed = true
			f.apply(c)
			up, down := f.outbox(store.OutboxUndelivered), f.outbox(store.OutboxDelivered)
			if len(up) != 1 || up[0].EventUID != a.UID || up[0].Kind != store.OutboxStart || len(down) != 1 || down[0].EventUID != b.UID {
				t.Fatalf("undelivered %+v, delivered %+v", up, down)
			}
			f.ok(f.OutboxDone(t.Context(), []int64{up[0].Seq, down[0].Seq}))
			c = f.attempt(f.delivery(a, p), 500, later)
			c.Failed = true
			f.apply(c) // the row has gone: nothing to move
			equal(t, "outbox", len(f.outbox(store.OutboxUndelivered)), 0)
		}},
		{"410 Gone holds the delivery", func(t *testing.T, f *fixture) {
			p := f.endpoint(webhook.DefaultTenant)
			e := f.send(p)
			d := f.try(e, p, 410, later)
			if d.State != webhook.DeliveryHeld || d.WaitingFor != webhook.WaitingForDisabled {
				t.Fatalf("delivery is %+v", d)
			}
			n, err := f.Release(t.Context(), p.Key, []webhook.WaitingFor{webhook.WaitingForDisabled}, f.owner, 10, later)
			f.ok(err)
			equal(t, "released", n, 1)
			equal(t, "state", f.delivery(e, p).State, webhook.DeliveryRetrying)
		}},
		{"no changes are no work", func(t *testing.T, f *fixture) {
			equal(t, "errors", len(f.Apply(t.Context(), nil)), 0)
		}},
	}
}

func eventStateTests() []subtest {
	type step struct {
		endpoint, status int
		want             webhook.EventState
	}
	one := webhook.DefaultPolicy()
	one.MaximumAttempts = 1
	table := []struct {
		name  string
		steps []step
	}{
		{"one of two delivered is still delivering", []step{{0, 200, webhook.EventDelivering}}},
		{"both delivered is delivered", []step{{0, 200, webhook.EventDelivering}, {1, 200, webhook.EventDelivered}}},
		{"one delivered and one exhausted is partial", []step{{0, 200, webhook.EventDelivering}, {1, 500, webhook.EventPartial}}},
		{"both exhausted is exhausted", []step{{0, 500, webhook.EventDelivering}, {1, 500, webhook.EventExhausted}}},
	}
	tests := []subtest{
		{"changes of two deliveries of an event in one call are summed up together", func(t *testing.T, f *fixture) {
			p, q := f.endpoint(webhook.DefaultTenant), f.endpoint(webhook.DefaultTenant)
			e := f.send(p, q)
			last := start.Add(time.Minute)
			f.apply(f.attempt(f.delivery(e, p), 200, last), f.attempt(f.delivery(e, q), 200, start.Add(time.Second)))
			got := f.event(e)
			equal(t, "state", got.State, webhook.EventDelivered)
			equal(t, "completed at is that of the last", got.CompletedAt, last)
		}},
	}
	for _, row := range table {
		tests = append(tests, subtest{row.name, func(t *testing.T, f *fixture) {
			endpoints := []webhook.Endpoint{f.endpoint(webhook.DefaultTenant), f.endpoint(webhook.DefaultTenant)}
			n := f.newEvent(webhook.DefaultTenant, endpoints...)
			n.Deliveries[0].Policy, n.Deliveries[1].Policy = one, one
			e := f.accept(n)[0]
			for i, s := range row.steps {
				at := start.Add(time.Duration(i+1) * time.Second)
				f.try(e, endpoints[s.endpoint], s.status, at)
				got := f.event(e)
				equal(t, "state", got.State, s.want)
				if s.want.Final() {
					equal(t, "completed at", got.CompletedAt, at)
				} else {
					equal(t, "completed at", got.CompletedAt, time.Time{})
				}
			}
		}})
	}
	return tests
}
