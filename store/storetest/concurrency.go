package storetest

import (
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/postrider/postrider/store"
	"github.com/postrider/postrider/webhook"
)

// many is how many goroutines the concurrency tests use.
const many = 64

// together runs f many times at once and waits for all.
func together(f func(i int)) {
	var group sync.WaitGroup
	for i := range many {
		group.Go(func() { f(i) })
	}
	group.Wait()
}

func concurrencyTests() []subtest {
	return []subtest{
		{"of many callers with the same events exactly one gets each as new", func(t *testing.T, f *fixture) {
			p := f.endpoint(webhook.DefaultTenant)
			events := make([]store.NewEvent, 5)
			for i := range events {
				events[i] = f.newEvent(webhook.DefaultTenant, p)
			}
			var fresh, duplicates atomic.Int64
			together(func(i int) {
				own := make([]store.NewEvent, len(events)) // each in another order
				for j := range own {
					own[j] = events[(i+j)%len(events)]
				}
				accepted, err := f.Accept(t.Context(), own)
				if err != nil {
					t.Error(err)
					return
				}
				for _, a := range accepted {
					switch a.Status {
					case store.AcceptedNew:
						fresh.Add(1)
					case store.AcceptedDuplicate:
						duplicates.Add(1)
					}
				}
			})
			equal(t, "new", fresh.Load(), 5)
			equal(t, "duplicates", duplicates.Load(), 5*many-5)
			equal(t, "waiting", len(f.waiting(f.owner, p)), 5)
		}},
		{"of many changes computed from one row exactly one is written", func(t *testing.T, f *fixture) {
			p := f.endpoint(webhook.DefaultTenant)
			e := f.send(p)
			c := f.attempt(f.delivery(e, p), 500, start.Add(time.Second))
			var written atomic.Int64
			together(func(int) {
				switch err := f.Apply(t.Context(), []store.Change{c})[0]; {
				case err == nil:
					written.Add(1)
				case !isConflict(err):
					t.Error(err)
				}
			})
			equal(t, "written", written.Load(), 1)
			equal(t, "attempts", f.delivery(e, p).Attempts, 1)
		}},
		{"deliveries of one event that end at once leave it delivered", func(t *testing.T, f *fixture) {
			var endpoints []webhook.Endpoint
			for range many {
				endpoints = append(endpoints, f.endpoint(webhook.DefaultTenant))
			}
			e := f.send(endpoints...)
			changes := make([]store.Change, many)
			for i, p := range endpoints {
				changes[i] = f.attempt(f.delivery(e, p), 200, start.Add(time.Second))
			}
			together(func(i int) {
				if err := f.Apply(t.Context(), changes[i:i+1])[0]; err != nil {
					t.Error(err)
				}
			})
			equal(t, "state", f.event(e).State, webhook.EventDelivered)
		}},
		{"callers whose op is refused do not disturb those whose is not", func(t *testing.T, f *fixture) {
			p := f.endpoint(webhook.DefaultTenant)
			n := f.newEvent(webhook.DefaultTenant, p)
			ids := make([]string, many)
			for i := range ids {
				ids[i] = f.id(webhook.EventIDPrefix)
			}
			together(func(i int) {
				switch i % 4 {
				case 0:
					if _, err := f.CreateEndpoint(t.Context(), newEndpoint(webhook.DefaultTenant, p.ID)); !isConflict(err) {
						t.Errorf("create: %v", err)
					}
				case 1:
					if err := f.DeleteEventType(t.Context(), "a", "none"); err == nil {
						t.Error("delete: no error")
					}
				default:
					e := n
					e.ID = ids[i]
					if accepted, err := f.Accept(t.Context(), []store.NewEvent{e}); err != nil || accepted[0].Status != store.AcceptedNew {
						t.Errorf("accept: %+v, %v", accepted, err)
					}
				}
			})
			equal(t, "waiting", len(f.waiting(f.owner, p)), many/2)
		}},
		{"an endpoint made while events come in is in every event accepted later", func(t *testing.T, f *fixture) {
			p := f.endpoint("a")
			together(func(i int) {
				if i%16 == 0 {
					if _, err := f.CreateEndpoint(t.Context(), newEndpoint("a", f.id("ep_new"))); err != nil {
						t.Error(err)
					}
					return
				}
				for range 100 {
					version, endpoints, err := f.TenantEndpoints(t.Context(), "a")
					if err != nil || len(endpoints) != int(version) {
						t.Errorf("version %d has %d endpoints: %v", version, len(endpoints), err)
						return
					}
					id := f.id(webhook.EventIDPrefix)
					accepted, err := f.Accept(t.Context(), []store.NewEvent{{
						Tenant: "a", ID: id, Type: "x", Data: []byte(id), CreatedAt: start, EndpointsVersion: version, Owner: f.owner,
						Deliveries: []store.NewDelivery{{EndpointKey: p.Key, Policy: p.Policy}},
					}})
					if err != nil {
						t.Error(err)
						return
					}
					if accepted[0].Status == store.AcceptedNew {
						return
					}
				}
				t.Error("stale a hundred times")
			})
			equal(t, "waiting", len(f.waiting(f.owner, p)), many-many/16)
		}},
		{"the whole way under load leaves nothing behind", func(t *testing.T, f *fixture) {
			p := f.endpoint(webhook.DefaultTenant)
			n := f.newEvent(webhook.DefaultTenant, p)
			together(func(int) {
				for range 5 {
					e := n
					e.ID = f.id(webhook.EventIDPrefix)
					accepted, err := f.Accept(t.Context(), []store.NewEvent{e})
					if err != nil {
						t.Error(err)
						return
					}
					d, err := f.LoadDelivery(t.Context(), accepted[0].Event.UID, p.Key)
					if err != nil {
						t.Error(err)
						return
					}
					if err := f.Apply(t.Context(), []store.Change{f.attempt(d, 200, start.Add(time.Second))})[0]; err != nil {
						t.Error(err)
					}
				}
			})
			f.cleared()
			b, err := f.Backlog(t.Context(), f.owner)
			f.ok(err)
			equal(t, "backlog", b, store.Backlog{Waiting: map[string]int64{}})
			stats, err := f.EndpointStats(t.Context(), p.Key, time.Time{})
			f.ok(err)
			equal(t, "deliveries", stats.Deliveries, map[webhook.DeliveryState]int64{webhook.DeliveryDelivered: 5 * many})
		}},
	}
}
