package api_test

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/postrider/postrider/signing"
	"github.com/postrider/postrider/webhook"
)

func TestAnEndpointIsMadeWithTheDefaultsAndItsSecretShownOnce(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	a := r.post("/v1/endpoints", `{"url":"https://example.com/hook","event_types":["invoice.*","user.created"]}`).is(http.StatusCreated)
	if _, err := signing.ParseSecret(a.str("secret")); err != nil {
		t.Errorf("secret: %v", err)
	}
	id := a.str("id")
	if !strings.HasPrefix(id, "ep_") {
		t.Errorf("id %q", id)
	}
	shown := r.get("/v1/endpoints/" + id).is(http.StatusOK)
	for _, v := range []*answer{a, shown} {
		v.equal("tenant", "default").equal("url", "https://example.com/hook").equal("event_types", []string{"invoice.*", "user.created"}).
			equal("description", "").equal("headers", map[string]string{}).equal("state", "enabled").equal("disabled_reason", nil).
			equal("created_at", "2026-11-25T09:30:00.123Z").equal("updated_at", "2026-11-25T09:30:00.123Z").
			equal("policy.initial_interval", "5s").equal("policy.backoff_coefficient", 3).equal("policy.maximum_interval", "12h").
			equal("policy.maximum_attempts", 15).equal("policy.timeout", "15s").equal("policy.jitter", 0.2).equal("policy.permanent_statuses", []int{})
	}
	for _, v := range []*answer{shown, r.get("/v1/endpoints").is(http.StatusOK)} {
		if strings.Contains(string(v.text), "whsec_") {
			t.Errorf("%s shows the secret", v)
		}
	}
	r.get("/v1/endpoints/"+id+"/secret").is(http.StatusOK).equal("secret", a.str("secret")).equal("secrets.0.secret", a.str("secret")).equal("secrets.0.expires_at", nil)
	if n := len(r.intake.changed); n != 1 || r.intake.changed[0].ID != id {
		t.Errorf("the intake was told %d times", n)
	}
}

func TestAnEndpointTakesEverythingThatItMayBeGiven(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	const secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
	r.post("/v1/endpoints", `{"url":"https://example.com/a?b=c","event_types":["*"],"tenant":"acme","description":"für die <Buchhaltung>",
		"headers":{"X-Env":"prod","Authorization":"Basic abc"},"secret":"`+secret+`",
		"policy":{"initial_interval":"250ms","backoff_coefficient":1.5,"maximum_interval":"1h30m","maximum_attempts":1,"timeout":"1m","jitter":0,"permanent_statuses":[400,404]}}`).
		is(http.StatusCreated).equal("tenant", "acme").equal("description", "für die <Buchhaltung>").
		equal("headers", map[string]string{"X-Env": "prod", "Authorization": "Basic abc"}).equal("secret", secret).
		equal("policy.initial_interval", "250ms").equal("policy.backoff_coefficient", 1.5).equal("policy.maximum_interval", "1h30m").
		equal("policy.maximum_attempts", 1).equal("policy.timeout", "1m").equal("policy.jitter", 0).equal("policy.permanent_statuses", []int{400, 404})
}

func TestABadEndpointIsRefusedWithEveryFaultAndNothingIsStored(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	with := func(more string) string {
		return `{"url":"https://example.com/","event_types":["*"],` + more + `}`
	}
	for name, c := range map[string]struct{ body, fields string }{
		"nothing":                        {`{}`, "url event_types"},
		"not an object":                  {`["url"]`, "body"},
		"unknown fields":                 {with(`"uri":"x","policy":{"retries":3}`), "uri policy.retries"},
		"fields in other case":           {with(`"URL":"x","Policy":{}`), "URL Policy"},
		"a field twice":                  {`{"url":"https://example.com/","url":"https://example.com/","event_types":["*"]}`, "url"},
		"url a number":                   {`{"url":1,"event_types":["*"]}`, "url"},
		"url null":                       {`{"url":null,"event_types":["*"]}`, "url"},
		"http":                           {`{"url":"http://example.com/","event_types":["*"]}`, "url"},
		"credentials":                    {`{"url":"https://a:b@example.com/","event_types":["*"]}`, "url"},
		"a loopback address":             {`{"url":"https://127.0.0.1/","event_types":["*"]}`, "url"},
		"a metadata address":             {`{"url":"https://169.254.169.254/","event_types":["*"]}`, "url"},
		"another scheme":                 {`{"url":"ftp://example.com/","event_types":["*"]}`, "url"},
		"no URL at all":                  {`{"url":"::","event_types":["*"]}`, "url"},
		"no event types":                 {`{"url":"https://example.com/","event_types":[]}`, "event_types"},
		"event types a string":           {`{"url":"https://example.com/","event_types":"*"}`, "event_types"},
		"bad event types":                {`{"url":"https://example.com/","event_types":["a b","x.y","x.y","*.paid","in*",1,null,""]}`, "event_types[5] event_types[6] event_types[0] event_types[2] event_types[3] event_types[4] event_types[7]"},
		"too many event types":           {`{"url":"https://example.com/","event_types":[` + strings.TrimSuffix(strings.Repeat(`"a",`, 101), ",") + `]}`, "event_types*"},
		"description a number":           {with(`"description":1`), "description"},
		"description too long":           {with(`"description":"` + strings.Repeat("é", 1025) + `"`), "description"},
		"description not UTF-8":          {with("\"description\":\"\xff\""), "description"},
		"description with a NUL":         {with(`"description":"a\u0000b"`), "description"},
		"headers a list":                 {with(`"headers":[]`), "headers"},
		"a header's value a number":      {with(`"headers":{"X-A":1,"X-B":null}`), "headers.X-A headers.X-B"},
		"reserved headers":               {with(`"headers":{"webhook-id":"x","Host":"y","bad name":"z","X-Ok":"fine"}`), "headers.Host headers.bad name headers.webhook-id"},
		"a header twice":                 {with(`"headers":{"X-A":"1","X-A":"2"}`), "headers.X-A"},
		"a header with a line end":       {with(`"headers":{"X-A":"1\r\nX-B: 2"}`), "headers.X-A"},
		"policy a string":                {with(`"policy":"fast"`), "policy"},
		"policy null":                    {with(`"policy":null`), "policy"},
		"durations of every wrong kind":  {with(`"policy":{"initial_interval":5,"maximum_interval":"12","timeout":"soon"}`), "policy.initial_interval policy.maximum_interval policy.timeout"},
		"numbers of every wrong kind":    {with(`"policy":{"backoff_coefficient":"3","maximum_attempts":1.5,"jitter":true,"permanent_statuses":["400"]}`), "policy.backoff_coefficient policy.maximum_attempts policy.jitter policy.permanent_statuses[0]"},
		"every number out of range":      {with(`"policy":{"initial_interval":"1ms","backoff_coefficient":0.5,"maximum_interval":"1000h","maximum_attempts":0,"timeout":"2m","jitter":1.1,"permanent_statuses":[500]}`), "policy.initial_interval policy.maximum_interval policy.backoff_coefficient policy.maximum_attempts policy.timeout policy.jitter policy.permanent_statuses"},
		"numbers far too large":          {with(`"policy":{"maximum_attempts":99999999999999999999,"backoff_coefficient":1e999}`), "policy.maximum_attempts policy.backoff_coefficient"},
		"intervals that contradict":      {with(`"policy":{"initial_interval":"1h","maximum_interval":"1m"}`), "policy.maximum_interval"},
		"wrong kind and range together":  {with(`"policy":{"initial_interval":5,"timeout":"2m"},"tenant":"A","secret":"x"`), "policy.initial_interval policy.timeout tenant secret"},
		"a bad tenant":                   {with(`"tenant":"No Way"`), "tenant"},
		"a secret without its prefix":    {with(`"secret":"` + base64.StdEncoding.EncodeToString(make([]byte, 32)) + `"`), "secret"},
		"a short secret":                 {with(`"secret":"whsec_c2hvcnQ="`), "secret"},
		"wrong kinds do not hide others": {`{"url":"http://example.com","event_types":[1],"policy":{"timeout":"2m","jitter":"x"}}`, "event_types[0] policy.jitter url policy.timeout"},
	} {
		a := r.post("/v1/endpoints", c.body).is(http.StatusUnprocessableEntity).equal("code", "invalid_fields")
		got := strings.Join(a.fields(), " ")
		if want, open := strings.CutSuffix(c.fields, "*"); got != want && (!open || !strings.HasPrefix(got, want)) {
			t.Errorf("%s: fields %q, want %q: %s", name, got, c.fields, a.text)
		}
		if strings.Contains(string(a.text), "c2hvcnQ=") {
			t.Errorf("%s: the secret is repeated", name)
		}
	}
	for _, body := range []string{``, `{`, `{"url":"https://example.com/","event_types":["*"]} x`} {
		r.do(call{method: "POST", path: "/v1/endpoints", body: body, mediaType: "application/json"}).is(http.StatusBadRequest).equal("code", "malformed_json")
	}
	r.do(call{method: "POST", path: "/v1/endpoints", body: `{}`, mediaType: "text/plain"}).is(http.StatusUnsupportedMediaType)
	if n := r.get("/v1/endpoints").len("data"); n != 0 || len(r.intake.changed) != 0 {
		t.Errorf("%d endpoints were stored, the intake was told %d times", n, len(r.intake.changed))
	}
}

func TestAPatchChangesWhatItNamesAndNothingElse(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	id := r.post("/v1/endpoints", `{"url":"https://example.com/","event_types":["a"],"description":"d","headers":{"X-A":"1"},"policy":{"timeout":"20s","maximum_attempts":3}}`).
		is(http.StatusCreated).str("id")
	r.clock.Move(time.Minute)
	patch := func(body string) *answer {
		return r.do(call{method: "PATCH", path: "/v1/endpoints/" + id, body: body})
	}
	patch(`{}`).is(200).equal("url", "https://example.com/").equal("description", "d").equal("policy.timeout", "20s").equal("updated_at", "2026-11-25T09:31:00.123Z")
	patch(`{"url":"https://example.org/x"}`).is(200).equal("url", "https://example.org/x").equal("event_types", []string{"a"})
	patch(`{"event_types":["b","c.*"]}`).is(200).equal("event_types", []string{"b", "c.*"}).equal("url", "https://example.org/x")
	patch(`{"policy":{"timeout":"30s"}}`).is(200).equal("policy.timeout", "30s").equal("policy.maximum_attempts", 3)
	patch(`{"policy":{}}`).is(200).equal("policy.timeout", "30s")
	patch(`{"headers":{"X-B":"2"}}`).is(200).equal("headers", map[string]string{"X-B": "2"})
	patch(`{"headers":null,"description":null}`).is(200).equal("headers", map[string]string{}).equal("description", "")
	for body, field := range map[string]string{
		`{"url":null}`: "url", `{"event_types":null}`: "event_types", `{"event_types":[]}`: "event_types", `{"policy":null}`: "policy",
		`{"policy":{"timeout":"1h"}}`: "policy.timeout", `{"tenant":"acme"}`: "tenant", `{"secret":"whsec_x"}`: "secret", `{"state":"paused"}`: "state",
		`{"policy":{"initial_interval":"13h"}}`: "policy.maximum_interval", `{"url":"http://example.com"}`: "url", `{"id":"ep_1"}`: "id",
	} {
		if got := patch(body).is(422).fields(); !slices.Equal(got, []string{field}) {
			t.Errorf("%s: fields %v, want %s", body, got, field)
		}
	}
	r.get("/v1/endpoints/"+id).equal("url", "https://example.org/x").equal("policy.timeout", "30s")
	if n := len(r.intake.changed); n != 8 {
		t.Errorf("the intake was told %d times", n)
	}
}

func TestAnEndpointIsPausedAndResumed(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	id := r.endpoint("")
	r.post("/v1/endpoints/"+id+"/pause", "").is(200).equal("state", "paused")
	r.post("/v1/endpoints/"+id+"/pause", "").is(200).equal("state", "paused")
	r.get("/v1/endpoints?state=paused").is(200).equal("data.0.id", id)
	if n := r.get("/v1/endpoints?state=enabled").is(200).len("data"); n != 0 {
		t.Errorf("%d enabled", n)
	}
	r.post("/v1/endpoints/"+id+"/resume", "").is(200).equal("state", "enabled")
	_, err := r.store.UpdateEndpoint(t.Context(), "default", id, func(e *webhook.Endpoint) error {
		e.State, e.DisabledReason = webhook.EndpointDisabled, "the receiver answered 410 Gone"
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	r.get("/v1/endpoints/"+id).equal("state", "disabled").equal("disabled_reason", "the receiver answered 410 Gone")
	r.post("/v1/endpoints/"+id+"/resume", "").is(200).equal("state", "enabled").equal("disabled_reason", nil)
	var told []webhook.EndpointState
	for _, e := range r.intake.changed {
		told = append(told, e.State)
	}
	if want := []webhook.EndpointState{"enabled", "paused", "paused", "enabled", "enabled"}; !slices.Equal(told, want) {
		t.Errorf("the intake was told %v, want %v", told, want)
	}
}

func TestADeletedEndpointIsGone(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	id := r.endpoint("")
	a := r.do(call{method: "DELETE", path: "/v1/endpoints/" + id}).is(http.StatusNoContent)
	if len(a.text) != 0 {
		t.Errorf("a body: %s", a.text)
	}
	r.get("/v1/endpoints/" + id).is(404)
	r.do(call{method: "DELETE", path: "/v1/endpoints/" + id}).is(404)
	r.get("/v1/endpoints/" + id + "/secret").is(404)
	if n := r.get("/v1/endpoints").len("data"); n != 0 {
		t.Errorf("%d endpoints are listed", n)
	}
	if last := r.intake.changed[len(r.intake.changed)-1]; last.ID != id || last.State != webhook.EndpointDeleted {
		t.Errorf("the intake was told %+v", last)
	}
}

func TestATestEventGoesToItsEndpointOnly(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.endpoint("")
	id := r.post("/v1/endpoints", `{"url":"https://example.com/","event_types":["other"],"tenant":"acme"}`).is(201).str("id")
	r.post("/v1/endpoints/"+id+"/test", "").is(http.StatusAccepted).equal("type", "postrider.test").equal("tenant", "acme").equal("endpoint_ids", []string{id})
	r.intake.refuse = &webhook.Error{Kind: webhook.RateLimited, RetryAfter: time.Second}
	r.post("/v1/endpoints/"+id+"/test", "").is(http.StatusTooManyRequests).equal("code", "rate_limited")
}

func TestASecretIsRotated(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	a := r.post("/v1/endpoints", `{"url":"https://example.com/","event_types":["*"]}`).is(201)
	first, path := a.str("secret"), "/v1/endpoints/"+a.str("id")
	b := r.post(path+"/rotate-secret", "").is(200).equal("secrets.1.secret", first).equal("secrets.1.expires_at", "2026-11-26T09:30:00.123Z").equal("secrets.0.expires_at", nil)
	second := b.str("secret")
	if second == first || b.len("secrets") != 2 {
		t.Errorf("%s", b.text)
	}
	r.clock.Move(23 * time.Hour)
	// A longer overlap does not make an older secret live longer.
	r.post(path+"/rotate-secret", `{"overlap":"48h"}`).is(200).
		equal("secrets.2.expires_at", "2026-11-26T09:30:00.123Z").equal("secrets.1.expires_at", "2026-11-28T08:30:00.123Z")
	r.clock.Move(2 * time.Hour)
	if n := r.get(path + "/secret").is(200).len("secrets"); n != 2 {
		t.Errorf("%d secrets after the first has expired", n)
	}
	const own = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
	r.post(path+"/rotate-secret", `{"overlap":"0s","secret":"`+own+`"}`).is(200).equal("secret", own).equal("secrets.1", nil)
	if got := r.post(path+"/rotate-secret", `{"secret":"`+own+`"}`).is(422).fields(); !slices.Equal(got, []string{"secret"}) {
		t.Errorf("fields %v", got)
	}
	for body, fields := range map[string]string{
		`{"overlap":"169h"}`: "overlap", `{"overlap":"-1s"}`: "overlap", `{"overlap":24}`: "overlap", `{"overlap":"24"}`: "overlap",
		`{"secret":"x","overlap":"x","y":1}`: "overlap y secret", `[]`: "body",
	} {
		if got := strings.Join(r.post(path+"/rotate-secret", body).is(422).fields(), " "); got != fields {
			t.Errorf("%s: fields %s, want %s", body, got, fields)
		}
	}
	for range 9 {
		r.post(path+"/rotate-secret", "").is(200)
	}
	r.post(path+"/rotate-secret", "").is(409).equal("code", "too_many_secrets")
	if n := r.get(path + "/secret").len("secrets"); n != 10 {
		t.Errorf("%d secrets", n)
	}
}

func TestStatsCountDeliveriesAndAttempts(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	id := r.endpoint("")
	for i, result := range []webhook.AttemptResult{
		{Outcome: webhook.OutcomeDelivered, Status: 200}, {Outcome: webhook.OutcomeRejected, Status: 500}, {Outcome: webhook.OutcomeUnreachable},
	} {
		event := fmt.Sprintf("e%d", i)
		r.post("/v1/events", `{"id":"`+event+`","type":"a","data":1}`).is(202)
		r.attempt("default", event, id, result)
	}
	r.post("/v1/events", `{"type":"a","data":1}`).is(202)
	r.get("/v1/endpoints/"+id+"/stats").is(200).equal("endpoint_id", id).equal("since", "2026-11-24T09:30:00.123Z").
		equal("deliveries", map[string]int{"pending": 1, "retrying": 2, "held": 0, "delivered": 1, "exhausted": 0, "cancelled": 0, "expired": 0}).
		equal("attempts", map[string]int{"delivered": 1, "rejected": 1, "unreachable": 1, "blocked": 0, "unknown": 0}).
		equal("last_attempt_at", "2026-11-25T09:30:00.123Z")
	r.get("/v1/endpoints/"+id+"/stats?since=2026-11-25T09:31:00Z").is(200).equal("attempts.delivered", 0).equal("deliveries.delivered", 1)
	r.get("/v1/endpoints/" + id + "/stats?since=yesterday").is(422)
}

func TestAnEndpointMayHaveAnIDOfItsCaller(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	const body = `{"id":"acme-billing","url":"https://example.com/hook","event_types":["*"]}`
	r.post("/v1/endpoints", body).is(http.StatusCreated).equal("id", "acme-billing")
	r.post("/v1/endpoints", body).is(http.StatusConflict).equal("code", "endpoint_exists")
	if n := r.get("/v1/endpoints").is(200).len("data"); n != 1 {
		t.Errorf("%d endpoints, want 1", n)
	}
	for _, id := range []string{"", "a b", strings.Repeat("x", 129)} {
		a := r.post("/v1/endpoints", `{"id":"`+id+`","url":"https://example.com/hook","event_types":["*"]}`).is(http.StatusUnprocessableEntity)
		if got := a.fields(); !slices.Equal(got, []string{"id"}) {
			t.Errorf("%q: fields %q", id, got)
		}
	}
}
