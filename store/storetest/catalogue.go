package storetest

import (
	"fmt"
	"testing"
	"time"

	"github.com/postrider/postrider/store"
	"github.com/postrider/postrider/webhook"
)

func catalogueTests() []subtest {
	return []subtest{
		{"the store has an ID and can be written to", func(t *testing.T, f *fixture) {
			if len(f.ID()) != 36 {
				t.Fatalf("ID is %q", f.ID())
			}
			f.ok(f.Ready(t.Context()))
		}},
		{"a tenant is made and renamed", func(t *testing.T, f *fixture) {
			want := webhook.Tenant{ID: "a", Name: "Acme", CreatedAt: start}
			got, created, err := f.PutTenant(t.Context(), want)
			f.ok(err)
			equal(t, "created", created, true)
			equal(t, "tenant", got, want)
			f.endpoint("a")
			got, created, err = f.PutTenant(t.Context(), webhook.Tenant{ID: "a", Name: "Acme Ltd", CreatedAt: start.Add(time.Hour)})
			f.ok(err)
			equal(t, "created", created, false)
			want.Name, want.EndpointsVersion = "Acme Ltd", 1
			equal(t, "tenant", got, want)
			got, err = f.Tenant(t.Context(), "a")
			f.ok(err)
			equal(t, "tenant", got, want)
			_, err = f.Tenant(t.Context(), "b")
			f.kind(err, webhook.NotFound)
		}},
		{"tenants are listed by ID, in both directions", func(t *testing.T, f *fixture) {
			for _, id := range []string{"c", "a", "e", "b", "d"} {
				_, _, err := f.PutTenant(t.Context(), webhook.Tenant{ID: id, CreatedAt: start})
				f.ok(err)
			}
			got := walk(t, func(q store.PageQuery) (store.Page[webhook.Tenant], error) { return f.ListTenants(t.Context(), q) })
			equal(t, "tenants", keysOf(got, func(x webhook.Tenant) string { return x.ID }), []string{"a", "b", "c", "d", "e"})
		}},
		{"an event type is made, changed and forgotten", func(t *testing.T, f *fixture) {
			want := webhook.EventType{Tenant: "a", Name: "invoice.paid", Description: "paid", CreatedAt: start, UpdatedAt: start}
			got, created, err := f.PutEventType(t.Context(), want)
			f.ok(err)
			equal(t, "created", created, true)
			equal(t, "event type", got, want)
			changed := want
			changed.Description, changed.CreatedAt, changed.UpdatedAt = "settled\x00", start.Add(time.Hour), start.Add(time.Hour)
			got, created, err = f.PutEventType(t.Context(), changed)
			f.ok(err)
			equal(t, "created", created, false)
			want.Description, want.UpdatedAt = "settled\uFFFD", changed.UpdatedAt
			equal(t, "event type", got, want)
			got, err = f.EventType(t.Context(), "a", "invoice.paid")
			f.ok(err)
			equal(t, "event type", got, want)
			f.kind(f.DeleteEventType(t.Context(), "b", "invoice.paid"), webhook.NotFound)
			f.ok(f.DeleteEventType(t.Context(), "a", "invoice.paid"))
			f.kind(f.DeleteEventType(t.Context(), "a", "invoice.paid"), webhook.NotFound)
			_, err = f.EventType(t.Context(), "a", "invoice.paid")
			f.kind(err, webhook.NotFound)
		}},
		{"a tenant's event types are listed by name, in both directions", func(t *testing.T, f *fixture) {
			for _, name := range []string{"c", "A", "e.x", "b", "d"} {
				_, _, err := f.PutEventType(t.Context(), webhook.EventType{Tenant: "a", Name: name, CreatedAt: start, UpdatedAt: start})
				f.ok(err)
				_, _, err = f.PutEventType(t.Context(), webhook.EventType{Tenant: "b", Name: name, CreatedAt: start, UpdatedAt: start})
				f.ok(err)
			}
			got := walk(t, func(q store.PageQuery) (store.Page[webhook.EventType], error) {
				return f.ListEventTypes(t.Context(), "a", q)
			})
			equal(t, "names", keysOf(got, func(x webhook.EventType) string { return x.Name }), []string{"A", "b", "c", "d", "e.x"})
		}},
		{"an API key is found by its hash until it is revoked", func(t *testing.T, f *fixture) {
			want := newKey(1, "a")
			f.ok(f.CreateAPIKey(t.Context(), want))
			got, err := f.APIKeyByHash(t.Context(), want.Hash)
			f.ok(err)
			equal(t, "key", got, want)
			_, err = f.APIKeyByHash(t.Context(), [32]byte{9})
			f.kind(err, webhook.NotFound)
			f.kind(f.RevokeAPIKey(t.Context(), "b", want.ID, start), webhook.NotFound)
			f.ok(f.RevokeAPIKey(t.Context(), "", want.ID, start.Add(time.Hour)))
			f.ok(f.RevokeAPIKey(t.Context(), "a", want.ID, start.Add(2*time.Hour)))
			_, err = f.APIKeyByHash(t.Context(), want.Hash)
			f.kind(err, webhook.NotFound)
			page, err := f.ListAPIKeys(t.Context(), "a", store.PageQuery{})
			f.ok(err)
			want.RevokedAt = start.Add(time.Hour)
			equal(t, "keys", page.Data, []webhook.APIKey{want})
		}},
		{"an API key's last use is kept, and never put back", func(t *testing.T, f *fixture) {
			want := newKey(1, "a")
			f.ok(f.CreateAPIKey(t.Context(), want))
			f.ok(f.APIKeyUsed(t.Context(), want.ID, start.Add(2*time.Hour)))
			f.ok(f.APIKeyUsed(t.Context(), want.ID, start.Add(time.Hour)))
			f.ok(f.APIKeyUsed(t.Context(), "key_none", start))
			got, err := f.APIKeyByHash(t.Context(), want.Hash)
			f.ok(err)
			want.LastUsedAt = start.Add(2 * time.Hour)
			equal(t, "key", got, want)
		}},
		{"one key cannot be stored twice, even after it was revoked", func(t *testing.T, f *fixture) {
			k := newKey(1, "a")
			f.ok(f.CreateAPIKey(t.Context(), k))
			k.ID = "key_other"
			f.conflict(f.CreateAPIKey(t.Context(), k), "key_exists")
			f.ok(f.RevokeAPIKey(t.Context(), "", "key_1", start))
			f.conflict(f.CreateAPIKey(t.Context(), k), "key_exists")
		}},
		{"API keys are listed newest first, a tenant's or all, in both directions", func(t *testing.T, f *fixture) {
			for i := range 6 {
				f.ok(f.CreateAPIKey(t.Context(), newKey(i, []string{"a", "b", ""}[i%3])))
			}
			list := func(tenant string) []string {
				t.Helper()
				return keysOf(walk(t, func(q store.PageQuery) (store.Page[webhook.APIKey], error) {
					return f.ListAPIKeys(t.Context(), tenant, q)
				}),
					func(k webhook.APIKey) string { return k.ID })
			}
			equal(t, "all", list(""), []string{"key_5", "key_4", "key_3", "key_2", "key_1", "key_0"})
			equal(t, "tenant", list("a"), []string{"key_3", "key_0"})
		}},
	}
}

func newKey(n int, tenant string) webhook.APIKey {
	return webhook.APIKey{
		ID: fmt.Sprintf("key_%d", n), Tenant: tenant, Name: "ci", Prefix: "pr_abc",
		Hash: webhook.FingerprintOf("key", []byte{byte(n)}), CreatedAt: start,
	}
}
