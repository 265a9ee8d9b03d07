package storetest

import (
	"errors"
	"testing"
	"time"

	"github.com/postrider/postrider/store"
	"github.com/postrider/postrider/webhook"
)

func endpointTests() []subtest {
	return []subtest{
		{"an endpoint comes back as it was made", func(t *testing.T, f *fixture) {
			want := newEndpoint("acme", "ep_1")
			want.Policy.PermanentStatuses = []int{400, 422}
			got, err := f.CreateEndpoint(t.Context(), want)
			f.ok(err)
			if want.Key = got.Key; want.Key == 0 {
				t.Fatal("the endpoint has no key")
			}
			equal(t, "created", got, want)
			for _, tenant := range []string{"acme", ""} {
				got, err = f.Endpoint(t.Context(), tenant, "ep_1")
				f.ok(err)
				equal(t, "loaded", got, want)
			}
			got, err = f.EndpointByKey(t.Context(), want.Key)
			f.ok(err)
			equal(t, "by key", got, want)
		}},
		{"an endpoint with little in it comes back as it was made", func(t *testing.T, f *fixture) {
			want := webhook.Endpoint{
				ID: "ep_1", Tenant: "acme", URL: "https://example.com", EventTypes: []string{"*"}, Policy: webhook.DefaultPolicy(),
				State: webhook.EndpointPaused, CreatedAt: start, UpdatedAt: start,
			}
			got, err := f.CreateEndpoint(t.Context(), want)
			f.ok(err)
			want.Key = got.Key
			equal(t, "created", got, want)
		}},
		{"two endpoints cannot have one ID", func(t *testing.T, f *fixture) {
			p := f.endpoint("a")
			_, err := f.CreateEndpoint(t.Context(), newEndpoint("b", p.ID))
			f.kind(err, webhook.Conflict)
			_, err = f.Tenant(t.Context(), "b")
			f.kind(err, webhook.NotFound)
		}},
		{"an endpoint is not found under another tenant, or if there is none", func(t *testing.T, f *fixture) {
			p := f.endpoint("a")
			for _, id := range []string{p.ID, "ep_none"} {
				_, err := f.Endpoint(t.Context(), "b", id)
				f.kind(err, webhook.NotFound)
				_, err = f.UpdateEndpoint(t.Context(), "b", id, func(*webhook.Endpoint) error { return nil })
				f.kind(err, webhook.NotFound)
				_, err = f.DeleteEndpoint(t.Context(), "b", id, start)
				f.kind(err, webhook.NotFound)
			}
			_, err := f.EndpointByKey(t.Context(), 4711)
			f.kind(err, webhook.NotFound)
		}},
		{"an update writes what it changed", func(t *testing.T, f *fixture) {
			want := f.endpoint("a")
			got, err := f.UpdateEndpoint(t.Context(), "a", want.ID, func(p *webhook.Endpoint) error {
				equal(t, "current", *p, want)
				p.URL, p.Description, p.EventTypes, p.Headers = "https://example.org", "other", []string{"*"}, nil
				p.Policy.MaximumAttempts = 3
				p.State, p.DisabledReason = webhook.EndpointDisabled, "gone"
				p.Secrets = p.Secrets[:1]
				p.UpdatedAt = start.Add(time.Minute)
				want = *p
				return nil
			})
			f.ok(err)
			equal(t, "updated", got, want)
			got, err = f.Endpoint(t.Context(), "a", want.ID)
			f.ok(err)
			equal(t, "loaded", got, want)
		}},
		{"an update that does not set the time gets it from the database", func(t *testing.T, f *fixture) {
			p := f.endpoint("a")
			got, err := f.UpdateEndpoint(t.Context(), "", p.ID, func(p *webhook.Endpoint) error { p.State = webhook.EndpointPaused; return nil })
			f.ok(err)
			if age := time.Since(got.UpdatedAt); age < -time.Minute || age > time.Minute {
				t.Fatalf("updated at %s", got.UpdatedAt)
			}
		}},
		{"an update that errs changes nothing", func(t *testing.T, f *fixture) {
			p := f.endpoint("a")
			stop := errors.New("stop")
			_, err := f.UpdateEndpoint(t.Context(), "a", p.ID, func(p *webhook.Endpoint) error { p.URL = "x"; return stop })
			if !errors.Is(err, stop) {
				t.Fatalf("error is %v", err)
			}
			got, err := f.Endpoint(t.Context(), "a", p.ID)
			f.ok(err)
			equal(t, "endpoint", got, p)
			version, _, err := f.TenantEndpoints(t.Context(), "a")
			f.ok(err)
			equal(t, "version", version, 1)
		}},
		{"every change adds one to the tenant's version", func(t *testing.T, f *fixture) {
			version := func(want int64, endpoints int) {
				t.Helper()
				got, list, err := f.TenantEndpoints(t.Context(), "a")
				f.ok(err)
				equal(t, "version", got, want)
				equal(t, "endpoints", len(list), endpoints)
			}
			version(0, 0)
			p := f.endpoint("a")
			version(1, 1)
			q := f.endpoint("a")
			version(2, 2)
			f.endpoint("b")
			version(2, 2)
			_, err := f.UpdateEndpoint(t.Context(), "a", p.ID, func(*webhook.Endpoint) error { return nil })
			f.ok(err)
			version(3, 2)
			_, err = f.DeleteEndpoint(t.Context(), "a", q.ID, start)
			f.ok(err)
			version(4, 1)
			_, list, err := f.TenantEndpoints(t.Context(), "a")
			f.ok(err)
			equal(t, "secrets", len(list[0].Secrets), 2)
		}},
		{"a deleted endpoint is gone, but its row stays without secrets and headers", func(t *testing.T, f *fixture) {
			p := f.endpoint("a")
			e := f.accept(f.newEvent("a", p))[0]
			got, err := f.DeleteEndpoint(t.Context(), "a", p.ID, start.Add(time.Hour))
			f.ok(err)
			want := p
			want.State, want.Secrets, want.Headers, want.UpdatedAt = webhook.EndpointDeleted, nil, nil, start.Add(time.Hour)
			equal(t, "deleted", got, want)
			_, err = f.Endpoint(t.Context(), "a", p.ID)
			f.kind(err, webhook.NotFound)
			_, err = f.DeleteEndpoint(t.Context(), "a", p.ID, start)
			f.kind(err, webhook.NotFound)
			got, err = f.AnyEndpoint(t.Context(), "a", p.ID)
			f.ok(err)
			equal(t, "found among all", got, want)
			_, err = f.AnyEndpoint(t.Context(), "b", p.ID)
			f.kind(err, webhook.NotFound)
			got, err = f.EndpointByKey(t.Context(), p.Key)
			f.ok(err)
			equal(t, "by key", got, want)
			page, err := f.ListEndpoints(t.Context(), store.EndpointQuery{Tenant: "a"})
			f.ok(err)
			equal(t, "list", len(page.Data), 0)
			equal(t, "its delivery", f.delivery(e, p).EndpointID, p.ID)
		}},
		{"endpoints are listed oldest first, by tenant and state, in both directions", func(t *testing.T, f *fixture) {
			var a []webhook.Endpoint
			for range 5 {
				a = append(a, f.endpoint("a"))
				f.endpoint("b")
			}
			_, err := f.UpdateEndpoint(t.Context(), "a", a[1].ID, func(p *webhook.Endpoint) error { p.State = webhook.EndpointPaused; return nil })
			f.ok(err)
			list := func(q store.EndpointQuery) []string {
				t.Helper()
				return keysOf(walk(t, func(page store.PageQuery) (store.Page[webhook.Endpoint], error) {
					q.PageQuery = page
					return f.ListEndpoints(t.Context(), q)
				}), func(p webhook.Endpoint) string { return p.ID })
			}
			equal(t, "tenant", list(store.EndpointQuery{Tenant: "a"}), keysOf(a, func(p webhook.Endpoint) string { return p.ID }))
			equal(t, "all", len(list(store.EndpointQuery{})), 10)
			equal(t, "paused", list(store.EndpointQuery{State: webhook.EndpointPaused}), []string{a[1].ID})
		}},
		{"changed endpoints are listed, deleted ones too", func(t *testing.T, f *fixture) {
			old, changed, deleted := f.endpoint("a"), f.endpoint("a"), f.endpoint("b")
			since := start.Add(time.Hour)
			_, err := f.UpdateEndpoint(t.Context(), "a", changed.ID, func(p *webhook.Endpoint) error { p.UpdatedAt = since; return nil })
			f.ok(err)
			_, err = f.DeleteEndpoint(t.Context(), "b", deleted.ID, since.Add(time.Second))
			f.ok(err)
			keys, err := f.EndpointsChanged(t.Context(), since)
			f.ok(err)
			equal(t, "changed", keys, []int64{changed.Key, deleted.Key})
			keys, err = f.EndpointsChanged(t.Context(), start)
			f.ok(err)
			equal(t, "all", keys, []int64{old.Key, changed.Key, deleted.Key})
		}},
		{"stats count deliveries by state and attempts by outcome", func(t *testing.T, f *fixture) {
			p, q := f.endpoint("a"), f.endpoint("a")
			send := func() webhook.Event { return f.accept(f.newEvent("a", p, q))[0] }
			delivered, retrying := send(), send()
			send()
			f.held(p, webhook.WaitingForPaused, start)
			f.try(delivered, p, 200, start.Add(time.Second))
			f.try(retrying, p, 500, start.Add(time.Second))
			f.try(retrying, p, 0, start.Add(time.Minute))
			got, err := f.EndpointStats(t.Context(), p.Key, start.Add(-time.Hour))
			f.ok(err)
			equal(t, "stats", got, store.EndpointStats{
				Deliveries: map[webhook.DeliveryState]int64{
					webhook.DeliveryDelivered: 1, webhook.DeliveryRetrying: 1, webhook.DeliveryPending: 1, webhook.DeliveryHeld: 1,
				},
				Attempts:      map[webhook.Outcome]int64{webhook.OutcomeDelivered: 1, webhook.OutcomeRejected: 1, webhook.OutcomeUnreachable: 1},
				LastAttemptAt: start.Add(time.Minute - time.Millisecond),
			})
			got, err = f.EndpointStats(t.Context(), p.Key, start.Add(30*time.Second))
			f.ok(err)
			equal(t, "attempts since", got.Attempts, map[webhook.Outcome]int64{webhook.OutcomeUnreachable: 1})
		}},
	}
}
