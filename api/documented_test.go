package api_test

import (
	"context"
	"crypto/sha256"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/postrider/postrider/api"
	"github.com/postrider/postrider/webhook"
)

// TestEveryDocumentedAnswerCanBeHad provokes each status that the OpenAPI document promises for each
// route. That the answer has the documented shape is checked by the rig.
func TestEveryDocumentedAnswerCanBeHad(t *testing.T) {
	t.Parallel()
	r := newRig(t, func(d *api.Deps) { d.MaxBodyBytes, d.Store = 4000, awayFor{d.Store, sha256.Sum256([]byte(awayKey))} })
	endpoint := r.endpoint("")
	r.post("/v1/events", `{"id":"e","type":"a","data":1}`).is(202)
	r.post("/v1/events", `{"id":"over","type":"a","data":1}`).is(202)
	r.attempt("default", "over", endpoint, webhook.AttemptResult{Outcome: webhook.OutcomeDelivered, Status: 200})
	r.do(call{method: "PUT", path: "/v1/event-types/a", body: `{}`}).is(201)
	keyID := r.get("/v1/keys").str("data.0.id")

	bodies := map[string]string{
		"postEvent": `{"type":"a","data":1}`, "postEvents": `[{"type":"a","data":1}]`, "createEndpoint": `{"url":"https://example.com/","event_types":["*"]}`,
		"updateEndpoint": `{"description":"x"}`, "putEventType": `{}`, "createKey": `{"name":"x"}`,
	}
	ids := strings.NewReplacer("/events/{id}", "/events/e", "/endpoints/{id}", "/endpoints/"+endpoint, "{name}", "a", "/tenants/{id}", "/tenants/default", "/keys/{id}", "/keys/"+keyID)
	lines := slices.Clone(r.routes)
	slices.SortStableFunc(lines, func(a, b api.RouteLine) int { return rank(a) - rank(b) })
	for _, line := range lines {
		op := r.operations()[line.Method+" "+line.Path]
		if op == nil {
			continue
		}
		good := call{method: line.Method, path: ids.Replace(line.Path), body: bodies[line.Name]}
		status := http.StatusOK
		for code := range op.Responses {
			if n, _ := strconv.Atoi(code); n < 300 && (status == http.StatusOK || n < status) {
				status = n
			}
		}
		if line.Name == "putTenant" || line.Name == "putEventType" {
			fresh := good
			fresh.path = strings.TrimSuffix(strings.TrimSuffix(good.path, "default"), "a") + "fresh"
			r.do(fresh).is(http.StatusCreated)
			status = http.StatusOK
		}
		if line.Method != http.MethodDelete {
			r.do(good).is(status)
		}
		for code := range op.Responses {
			status, _ := strconv.Atoi(code)
			if status < 300 {
				continue
			}
			c := spoil(t, r, good, line, status)
			r.do(c).is(status)
			r.intake.refuse, r.intake.status = nil, webhook.IntakeStatus{SendersUp: true}
		}
		if line.Method == http.MethodDelete {
			r.do(good).is(status)
		}
	}
}

// awayFor is a store that is away when this key is looked up.
type awayFor struct {
	api.Store
	hash [32]byte
}

const awayKey = "away"

func (s awayFor) APIKeyByHash(ctx context.Context, hash [32]byte) (webhook.APIKey, error) {
	if hash == s.hash {
		return webhook.APIKey{}, errBroken
	}
	return s.Store.APIKeyByHash(ctx, hash)
}

// rank puts what destroys last.
func rank(line api.RouteLine) int {
	if line.Method == http.MethodDelete {
		return 1
	}
	return 0
}

// spoil turns a good call into one that is answered with the status.
func spoil(t *testing.T, r *rig, c call, line api.RouteLine, status int) call {
	t.Helper()
	switch status {
	case http.StatusBadRequest:
		c.body = `{"`
	case http.StatusUnauthorized:
		c.as = "-"
	case http.StatusForbidden:
		c.as = r.tenant("acme")
		switch {
		case line.Admin || strings.HasPrefix(c.path, "/v1/tenants/"):
		case line.Name == "postEvent" || line.Name == "createEndpoint":
			c.body = strings.Replace(c.body, "{", `{"tenant":"other",`, 1)
		default:
			c.path += "?tenant=other"
		}
	case http.StatusNotFound:
		if strings.Contains(line.Path, "{") {
			c.path = strings.NewReplacer("{id}", "none", "{name}", "none").Replace(line.Path)
		} else {
			c.path += "?endpoint_id=none"
		}
	case http.StatusConflict:
		switch line.Name {
		case "postEvent":
			c.body = `{"id":"e","type":"a","data":2}`
		case "createEndpoint":
			c.body = strings.Replace(c.body, "{", `{"id":"mine",`, 1)
			r.do(c).is(http.StatusCreated)
		case "rotateSecret":
			for range 10 {
				r.do(call{method: c.method, path: c.path})
			}
		default:
			c.path = strings.Replace(c.path, "/e/", "/over/", 1)
		}
	case http.StatusRequestEntityTooLarge:
		c.body = strings.Repeat(" ", 4000*16+1)
	case http.StatusUnsupportedMediaType:
		c.body, c.mediaType = `x`, "text/plain"
	case http.StatusUnprocessableEntity:
		if strings.HasPrefix(line.Name, "post") {
			c.body = `{"what":1}`
		} else {
			c.path += "?what=1"
		}
	case http.StatusTooManyRequests:
		r.intake.refuse = &webhook.Error{Kind: webhook.RateLimited}
	case http.StatusServiceUnavailable:
		switch {
		case line.Open:
			r.intake.status = webhook.IntakeStatus{}
		case slices.Contains([]string{"postEvent", "postEvents", "testEndpoint"}, line.Name):
			r.intake.refuse = &webhook.Error{Kind: webhook.Unavailable}
		default:
			c.as = awayKey
		}
	default:
		t.Fatalf("%s documents %d, and nobody knows how to get it", line.Name, status)
	}
	return c
}
