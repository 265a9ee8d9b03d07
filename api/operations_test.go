package api_test

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/postrider/postrider/api"
	"github.com/postrider/postrider/webhook"
)

func TestHealthSaysThatTheProcessLives(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.do(call{method: "GET", path: "/healthz", as: "-"}).is(200).equal("status", "ok").equal("version", "1.2.3")
}

func TestReadySaysWhatIsUpAndWhatIsNot(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	for name, c := range map[string]struct {
		status webhook.IntakeStatus
		want   int
		field  string
		value  string
	}{
		"all is well":  {webhook.IntakeStatus{SendersUp: true, Backlog: 7}, 200, "status", "ready"},
		"engine away":  {webhook.IntakeStatus{SendersUp: true, EngineAway: true}, 200, "engine", "away"},
		"senders down": {webhook.IntakeStatus{}, 503, "senders", "down"},
		"refusing":     {webhook.IntakeStatus{SendersUp: true, Refusing: true, Reason: "backlog"}, 503, "intake", "refusing"},
	} {
		r.intake.status = c.status
		a := r.do(call{method: "GET", path: "/readyz", as: "-"}).is(c.want).equal(c.field, c.value).equal("store", "writable").equal("backlog", int(c.status.Backlog))
		if (a.str("status") == "ready") != (c.want == 200) || a.str("reason") != c.status.Reason {
			t.Errorf("%s: %s", name, a.text)
		}
	}
	broken := newRig(t, func(d *api.Deps) { d.Store = brokenStore{Store: d.Store} })
	broken.do(call{method: "GET", path: "/readyz", as: "-"}).is(503).equal("store", "unwritable").equal("status", "not_ready")
}

func TestMetricsAreServedByWhoeverHasThem(t *testing.T) {
	t.Parallel()
	r := newRig(t, func(d *api.Deps) {
		d.Metrics = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "up 1") })
	})
	if a := r.do(call{method: "GET", path: "/metrics", as: "-"}).is(200); string(a.text) != "up 1" {
		t.Errorf("%s", a.text)
	}
}

func TestEveryRequestIsObservedByItsTemplate(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	var seen []string
	r := newRig(t, func(d *api.Deps) {
		d.Observe = func(_ context.Context, method, route string, status int, _ time.Duration) {
			mu.Lock()
			defer mu.Unlock()
			seen = append(seen, fmt.Sprint(method, " ", route, " ", status))
		}
	})
	r.get("/v1/events/some-id")
	r.do(call{method: "POST", path: "/v1/events", body: `{"type":"a","data":1}`})
	r.do(call{method: "POST", path: "/v1/events", as: "-"})
	r.get("/nowhere/some-id")
	r.do(call{method: "PUT", path: "/v1/events"})
	want := []string{"GET /v1/events/{id} 404", "POST /v1/events 202", "POST /v1/events 401", "GET  404", "PUT  405"}
	if !slices.Equal(seen, want) {
		t.Errorf("seen %q, want %q", seen, want)
	}
}

func TestTheDocsPageNeedsNothingFromElsewhere(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	size := 0
	for path, mediaType := range map[string]string{
		"/docs": "text/html; charset=utf-8", "/docs/docs.js": "text/javascript; charset=utf-8", "/docs/docs.css": "text/css; charset=utf-8",
	} {
		a := r.do(call{method: "GET", path: path, as: "-"}).is(200)
		if got := a.header.Get("Content-Type"); got != mediaType {
			t.Errorf("%s: Content-Type %q", path, got)
		}
		if csp := a.header.Get("Content-Security-Policy"); !strings.Contains(csp, "default-src 'none'") || strings.Contains(csp, "http") {
			t.Errorf("%s: Content-Security-Policy %q", path, csp)
		}
		if text := string(a.text); strings.Contains(text, "https://") || strings.Contains(text, "http://") || strings.Contains(text, `"//`) {
			t.Errorf("%s names another host", path)
		}
		size += len(a.text)
	}
	if size > 30<<10 {
		t.Errorf("the page has %d bytes", size)
	}
}

func TestEventTypesAreDocumented(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	put := func(name, body string) *answer {
		return r.do(call{method: "PUT", path: "/v1/event-types/" + name, body: body})
	}
	put("invoice.paid", `{"description":"An invoice was paid."}`).is(201).equal("name", "invoice.paid").equal("tenant", "default")
	r.clock.Move(time.Minute)
	put("invoice.paid", `{"description":"Paid."}`).is(200).equal("description", "Paid.").equal("created_at", "2026-11-25T09:30:00.123Z").equal("updated_at", "2026-11-25T09:31:00.123Z")
	put("a.b?tenant=acme", `{}`).is(201).equal("description", "").equal("tenant", "acme")
	r.get("/v1/event-types/invoice.paid").is(200).equal("description", "Paid.")
	r.get("/v1/event-types/a.b").is(404)
	r.get("/v1/event-types/a.b?tenant=acme").is(200)
	r.get("/v1/event-types").equal("data.0.name", "invoice.paid").equal("data.1", nil)
	r.do(call{method: "DELETE", path: "/v1/event-types/invoice.paid"}).is(204)
	r.do(call{method: "DELETE", path: "/v1/event-types/invoice.paid"}).is(404)
	if got := strings.Join(put("a%20b", `{"description":1,"x":2}`).is(422).fields(), " "); got != "description x name" {
		t.Errorf("fields %s", got)
	}
	put("a", "").is(400)
	put("a", `{"description":"`+strings.Repeat("x", 1025)+`"}`).is(422)
}

func TestTenantsAreMadeAndRenamed(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	put := func(id, body string) *answer { return r.do(call{method: "PUT", path: "/v1/tenants/" + id, body: body}) }
	put("acme", `{"name":"Acme"}`).is(201).equal("id", "acme").equal("name", "Acme")
	put("acme", `{"name":"Acme Ltd"}`).is(200).equal("name", "Acme Ltd")
	put("zeta", "").is(201).equal("name", "")
	r.get("/v1/tenants/acme").is(200).equal("name", "Acme Ltd")
	r.get("/v1/tenants/none").is(404)
	r.get("/v1/tenants").is(200).equal("data.0.id", "acme")
	if got := strings.Join(put("No", `{"name":1}`).is(422).fields(), " "); got != "name id" {
		t.Errorf("fields %s", got)
	}
	r.post("/v1/events", `{"type":"a","data":1,"tenant":"made-by-an-event"}`).is(202)
	r.get("/v1/tenants/made-by-an-event").is(200)
}
