package api_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/postrider/postrider/webhook"
)

// TestATenantsKeySeesAndTouchesNothingOfAnother asks each route that has a key for what is another
// tenant's: by its ID, which is not found, and by the tenant's name, which is forbidden.
func TestATenantsKeySeesAndTouchesNothingOfAnother(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	acme, other := r.tenant("acme"), r.tenant("other")
	endpoint := r.endpoint(acme)
	r.do(call{method: "POST", path: "/v1/events", body: `{"id":"evt","type":"a","data":"secret of acme"}`, as: acme}).is(202)
	r.attempt("acme", "evt", endpoint, webhook.AttemptResult{Outcome: webhook.OutcomeRejected, Status: 500})
	r.do(call{method: "PUT", path: "/v1/event-types/acme.type", body: `{"description":"secret of acme"}`, as: acme}).is(201)
	before := r.snapshot()

	const patch, rotate = `{"description":"mine now"}`, `{"overlap":"0s"}`
	cases := map[string]struct{ byID, named, body string }{
		"POST /v1/events":                       {"", "", ""},
		"POST /v1/events/batch":                 {"", "", ""},
		"GET /v1/events":                        {"/v1/events?endpoint_id=" + endpoint, "/v1/events?tenant=acme", ""},
		"GET /v1/events/{id}":                   {"/v1/events/evt", "/v1/events/evt?tenant=acme", ""},
		"POST /v1/events/{id}/retry":            {"/v1/events/evt/retry", "/v1/events/evt/retry?tenant=acme", "{}"},
		"POST /v1/events/{id}/cancel":           {"/v1/events/evt/cancel", "/v1/events/evt/cancel?tenant=acme", "{}"},
		"GET /v1/deliveries":                    {"/v1/deliveries?event_id=evt", "/v1/deliveries?tenant=acme", ""},
		"GET /v1/attempts":                      {"/v1/attempts?endpoint_id=" + endpoint, "/v1/attempts?event_id=evt&tenant=acme", ""},
		"POST /v1/endpoints":                    {"", "", ""},
		"GET /v1/endpoints":                     {"", "/v1/endpoints?tenant=acme", ""},
		"GET /v1/endpoints/{id}":                {"/v1/endpoints/" + endpoint, "/v1/endpoints/" + endpoint + "?tenant=acme", ""},
		"PATCH /v1/endpoints/{id}":              {"/v1/endpoints/" + endpoint, "/v1/endpoints/" + endpoint + "?tenant=acme", patch},
		"DELETE /v1/endpoints/{id}":             {"/v1/endpoints/" + endpoint, "/v1/endpoints/" + endpoint + "?tenant=acme", ""},
		"POST /v1/endpoints/{id}/pause":         {"/v1/endpoints/" + endpoint + "/pause", "/v1/endpoints/" + endpoint + "/pause?tenant=acme", ""},
		"POST /v1/endpoints/{id}/resume":        {"/v1/endpoints/" + endpoint + "/resume", "/v1/endpoints/" + endpoint + "/resume?tenant=acme", ""},
		"POST /v1/endpoints/{id}/recover":       {"/v1/endpoints/" + endpoint + "/recover", "/v1/endpoints/" + endpoint + "/recover?tenant=acme", ""},
		"POST /v1/endpoints/{id}/test":          {"/v1/endpoints/" + endpoint + "/test", "/v1/endpoints/" + endpoint + "/test?tenant=acme", ""},
		"GET /v1/endpoints/{id}/secret":         {"/v1/endpoints/" + endpoint + "/secret", "/v1/endpoints/" + endpoint + "/secret?tenant=acme", ""},
		"POST /v1/endpoints/{id}/rotate-secret": {"/v1/endpoints/" + endpoint + "/rotate-secret", "/v1/endpoints/" + endpoint + "/rotate-secret?tenant=acme", rotate},
		"GET /v1/endpoints/{id}/stats":          {"/v1/endpoints/" + endpoint + "/stats", "/v1/endpoints/" + endpoint + "/stats?tenant=acme", ""},
		"PUT /v1/event-types/{name}":            {"", "/v1/event-types/acme.type?tenant=acme", `{"description":"mine now"}`},
		"GET /v1/event-types/{name}":            {"/v1/event-types/acme.type", "/v1/event-types/acme.type?tenant=acme", ""},
		"GET /v1/event-types":                   {"", "/v1/event-types?tenant=acme", ""},
		"DELETE /v1/event-types/{name}":         {"/v1/event-types/acme.type", "/v1/event-types/acme.type?tenant=acme", ""},
		"GET /v1/tenants/{id}":                  {"", "/v1/tenants/acme", ""},
	}
	for _, line := range r.routes {
		key := line.Method + " " + line.Path
		c, ok := cases[key]
		if !ok {
			if !line.Open && !line.Admin {
				t.Errorf("no case for %s", key)
			}
			continue
		}
		if c.byID != "" {
			a := r.do(call{method: line.Method, path: c.byID, body: c.body, as: other}).is(http.StatusNotFound)
			if strings.Contains(string(a.text), "acme") && !strings.Contains(a.call.path, "acme") {
				t.Errorf("%s tells %s", key, a.text)
			}
		}
		if c.named != "" {
			r.do(call{method: line.Method, path: c.named, body: c.body, as: other}).is(http.StatusForbidden).equal("code", "forbidden")
		}
	}
	for path, body := range map[string]string{
		"/v1/events":    `{"type":"a","data":1,"tenant":"acme"}`,
		"/v1/endpoints": `{"url":"https://example.com/","event_types":["*"],"tenant":"acme"}`,
	} {
		r.do(call{method: "POST", path: path, body: body, as: other}).is(http.StatusForbidden)
		r.do(call{method: "POST", path: path, body: strings.ReplaceAll(body, "acme", "other"), as: other})
	}
	for _, path := range []string{"/v1/events", "/v1/deliveries", "/v1/attempts", "/v1/endpoints", "/v1/event-types"} {
		a := r.do(call{method: "GET", path: path, as: other}).is(200)
		if strings.Contains(string(a.text), "acme") {
			t.Errorf("%s shows %s", path, a.text)
		}
	}
	if after := r.snapshot(); after != before {
		t.Errorf("something of acme's has changed:\n%s\n%s", before, after)
	}
}

// snapshot is everything of acme's as an admin sees it.
func (r *rig) snapshot() string {
	r.t.Helper()
	var all strings.Builder
	for _, path := range []string{"/v1/events?include=data,deliveries&tenant=acme", "/v1/attempts?tenant=acme", "/v1/endpoints?tenant=acme", "/v1/event-types?tenant=acme"} {
		all.Write(r.get(path).is(200).text)
	}
	return all.String()
}

func TestATenantsKeyWorksForItsTenantWithoutNamingIt(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	acme := r.tenant("acme")
	as := func(method, path, body string) *answer {
		return r.do(call{method: method, path: path, body: body, as: acme})
	}
	endpoint := as("POST", "/v1/endpoints", `{"url":"https://example.com/","event_types":["*"]}`).is(201).equal("tenant", "acme").str("id")
	as("POST", "/v1/events", `{"id":"e","type":"a","data":1}`).is(202).equal("tenant", "acme").equal("workflow_id", "acme/e").equal("endpoint_ids", []string{endpoint})
	as("GET", "/v1/events/e", "").is(200).equal("tenant", "acme")
	as("GET", "/v1/events/e?tenant=acme", "").is(200)
	as("GET", "/v1/events", "").equal("data.0.id", "e")
	as("GET", "/v1/deliveries?event_id=e", "").equal("data.0.endpoint_id", endpoint)
	as("POST", "/v1/events/e/cancel", "").is(202)
	as("PUT", "/v1/event-types/a", `{"description":"x"}`).is(201).equal("tenant", "acme")
	as("GET", "/v1/event-types/a", "").is(200).equal("tenant", "acme")
	as("GET", "/v1/tenants/acme", "").is(200).equal("id", "acme")
	as("DELETE", "/v1/event-types/a", "").is(204)
	as("DELETE", "/v1/endpoints/"+endpoint, "").is(204)
}

func TestAnAdminWorksForTheDefaultTenantOrTheOneHeNames(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.post("/v1/events", `{"id":"same","type":"a","data":"of default"}`).is(202).equal("tenant", "default")
	r.post("/v1/events", `{"id":"same","type":"a","data":"of acme","tenant":"acme"}`).is(202).equal("duplicate", false)
	r.get("/v1/events/same?include=data").equal("data", "of default")
	r.get("/v1/events/same?include=data&tenant=acme").equal("data", "of acme")
	r.get("/v1/events/same?tenant=none").is(404)
	if n := r.get("/v1/events").len("data"); n != 2 {
		t.Errorf("%d events over all tenants", n)
	}
	endpoint := r.post("/v1/endpoints", `{"url":"https://example.com/","event_types":["*"],"tenant":"acme"}`).is(201).str("id")
	r.get("/v1/endpoints/"+endpoint).is(200).equal("tenant", "acme") // endpoint IDs are unique
	r.get("/v1/endpoints/" + endpoint + "?tenant=default").is(404)
	r.post("/v1/endpoints/"+endpoint+"/pause", "").is(200)
}
