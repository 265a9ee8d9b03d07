package api_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/postrider/postrider/api"
	"github.com/postrider/postrider/webhook"
)

func TestEveryRouteButTheOpenOnesNeedsAKey(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	other, _ := api.NewAPIKey("", "never stored", time.Now())
	for _, line := range r.routes {
		path := fill(line.Path)
		for name, header := range map[string]string{
			"no key": "", "an unknown key": "Bearer " + other, "an empty key": "Bearer ", "another scheme": "Basic " + r.admin,
			"no scheme": r.admin, "a very long key": "Bearer " + strings.Repeat("x", 10000),
		} {
			req := httptest.NewRequestWithContext(t.Context(), line.Method, path, nil)
			req.Header.Set("Authorization", header)
			w := httptest.NewRecorder()
			r.handler.ServeHTTP(w, req)
			switch {
			case line.Open && w.Code == http.StatusUnauthorized:
				t.Errorf("%s %s with %s: 401, but it is open", line.Method, path, name)
			case !line.Open && (w.Code != http.StatusUnauthorized || w.Header().Get("WWW-Authenticate") == ""):
				t.Errorf("%s %s with %s: %d, %v", line.Method, path, name, w.Code, w.Header())
			case !line.Open && !strings.Contains(w.Body.String(), `"code":"unauthorized"`):
				t.Errorf("%s", w.Body)
			}
		}
	}
}

func TestTheSchemeIsBearerInAnyCase(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	for _, scheme := range []string{"Bearer ", "bearer ", "BEARER  "} {
		r.do(call{method: "GET", path: "/v1/events", as: "-", header: map[string]string{"Authorization": scheme + r.admin}}).is(200)
	}
}

func TestAdminRoutesRefuseATenantsKey(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	for _, line := range r.routes {
		if line.Admin {
			r.do(call{method: line.Method, path: fill(line.Path), body: `{"name":"x"}`, as: r.tenant("acme")}).is(http.StatusForbidden).equal("code", "forbidden")
		}
	}
}

func TestAKeyIsMadeShownOnceAndRevoked(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	a := r.post("/v1/keys", `{"name":"billing","tenant":"acme"}`).is(201).equal("name", "billing").equal("tenant", "acme").equal("last_used_at", nil)
	text := a.str("key")
	if !strings.HasPrefix(text, "pr_") || len(text) < 40 || !strings.HasPrefix(text, a.str("prefix")) || len(a.str("prefix")) > 12 {
		t.Errorf("key %q, prefix %q", text, a.str("prefix"))
	}
	r.do(call{method: "GET", path: "/v1/events", as: text}).is(200)
	list := r.get("/v1/keys?tenant=acme").is(200).equal("data.0.id", a.str("id")).equal("data.1", nil)
	if strings.Contains(string(list.text), text) {
		t.Error("the list shows the key")
	}
	r.do(call{method: "DELETE", path: "/v1/keys/" + a.str("id")}).is(204)
	r.do(call{method: "GET", path: "/v1/events", as: text}).is(401)
	r.do(call{method: "DELETE", path: "/v1/keys/key_none"}).is(404)
	admin := r.post("/v1/keys", `{"name":"ops"}`).is(201).equal("tenant", nil).str("key")
	r.do(call{method: "GET", path: "/v1/keys", as: admin}).is(200)
	for body, fields := range map[string]string{
		`{}`: "name", `{"name":""}`: "name", `{"name":1,"tenant":"A","x":0}`: "name x tenant", `{"name":"` + strings.Repeat("x", 257) + `"}`: "name",
	} {
		if got := strings.Join(r.post("/v1/keys", body).is(422).fields(), " "); got != fields {
			t.Errorf("%s: fields %s, want %s", body, got, fields)
		}
	}
}

func TestAKeyRevokedElsewhereIsUselessWithinASecond(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	text, key := api.NewAPIKey("acme", "", r.clock.Now())
	if err := r.store.CreateAPIKey(t.Context(), key); err != nil {
		t.Fatal(err)
	}
	r.do(call{method: "GET", path: "/v1/events", as: text}).is(200)
	if err := r.store.RevokeAPIKey(t.Context(), "", key.ID, r.clock.Now()); err != nil {
		t.Fatal(err)
	}
	r.clock.Move(time.Second)
	r.do(call{method: "GET", path: "/v1/events", as: text}).is(401)
}

func TestTheTimeOfAKeysLastUseIsNotedOnceAMinute(t *testing.T) {
	t.Parallel()
	r, s := countingRig(t)
	text := r.post("/v1/keys", `{"name":"billing","tenant":"acme"}`).is(201).str("key")
	use := func(want time.Time) {
		t.Helper()
		r.do(call{method: "GET", path: "/v1/events", as: text}).is(200)
		r.get("/v1/keys?tenant=acme").is(200).equal("data.0.last_used_at", want.UTC().Format("2006-01-02T15:04:05.000Z"))
	}
	first := r.clock.Now()
	use(first)
	r.clock.Move(59 * time.Second)
	use(first)
	r.clock.Move(time.Second)
	use(r.clock.Now())
	if s.uses != 4 { // of this key and of the admin's
		t.Errorf("noted %d times", s.uses)
	}
	s.useErr = errBroken
	r.clock.Move(time.Minute)
	use(first.Add(time.Minute))
}

// countingStore counts how often keys are looked up and their use is noted, and may fail to.
type countingStore struct {
	api.Store
	lookups, uses int
	err, useErr   error
}

func countingRig(t *testing.T) (*rig, *countingStore) {
	t.Helper()
	s := &countingStore{}
	r := newRig(t, func(d *api.Deps) {
		s.Store = d.Store
		d.Store = s
	})
	return r, s
}

func (s *countingStore) APIKeyUsed(ctx context.Context, id string, at time.Time) error {
	if s.uses++; s.useErr != nil {
		return s.useErr
	}
	return s.Store.APIKeyUsed(ctx, id, at)
}

func (s *countingStore) APIKeyByHash(ctx context.Context, hash [32]byte) (webhook.APIKey, error) {
	if s.lookups++; s.err != nil {
		return webhook.APIKey{}, s.err
	}
	return s.Store.APIKeyByHash(ctx, hash)
}

func TestAKeyIsNotLookedUpForEachRequestAndAStoreThatFailsIsNotTheCallersFault(t *testing.T) {
	t.Parallel()
	r, s := countingRig(t)
	for range 50 {
		r.post("/v1/events", `{"type":"a","data":1}`).is(202)
	}
	if s.lookups != 1 {
		t.Errorf("%d look-ups", s.lookups)
	}
	s.err = errBroken
	r.post("/v1/events", `{"type":"a","data":1}`).is(202)
	r.clock.Move(time.Second)
	r.post("/v1/events", `{"type":"a","data":1}`).is(503).equal("code", "store_unavailable")
}

// fill puts something in the place of each parameter.
func fill(path string) string {
	return strings.NewReplacer("{id}", "x", "{name}", "x", "{file}", "docs.js").Replace(path)
}
