package api_test

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/postrider/postrider/webhook"
)

func TestAnEventIsShownWithWhatIsAskedFor(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	endpoint := r.endpoint("")
	r.post("/v1/events", `{"id":"e","type":"a","data":{"html":"<b>&</b>","big":12345678901234567890123}}`).is(202)
	r.attempt("default", "e", endpoint, webhook.AttemptResult{
		Outcome: webhook.OutcomeRejected, Status: 503, ErrorClass: webhook.ErrorHTTPStatus, Error: "HTTP 503",
	})
	bare := r.get("/v1/events/e").is(200).equal("id", "e").equal("state", "delivering").equal("workflow_id", "e").equal("size", 49).
		equal("created_at", "2026-11-25T09:30:00.123Z").equal("completed_at", nil)
	for _, part := range []string{"data", "deliveries", "workflow"} {
		if strings.Contains(string(bare.text), `"`+part+`"`) {
			t.Errorf("%s is shown unasked", part)
		}
	}
	a := r.get("/v1/events/e?include=deliveries,data").is(200)
	if !strings.Contains(string(a.text), `"data":{"html":"<b>&</b>","big":12345678901234567890123}`) {
		t.Errorf("data is not shown as it is: %s", a.text)
	}
	a.equal("deliveries.0.endpoint_id", endpoint).equal("deliveries.0.state", "retrying").equal("deliveries.0.attempts", 1).
		equal("deliveries.0.maximum_attempts", 15).equal("deliveries.0.next_attempt_at", "2026-11-25T09:30:05.123Z").
		equal("deliveries.0.last_status", 503).equal("deliveries.0.last_error_class", "http_status").equal("deliveries.0.last_error", "HTTP 503").
		equal("deliveries.0.waiting_for", nil).equal("deliveries.0.reason", nil)
	r.attempt("default", "e", endpoint, webhook.AttemptResult{Outcome: webhook.OutcomeDelivered, Status: 204})
	r.get("/v1/events/e?include=deliveries").is(200).equal("state", "delivered").equal("completed_at", "2026-11-25T09:30:00.123Z").
		equal("deliveries.0.state", "delivered").equal("deliveries.0.next_attempt_at", nil).equal("deliveries.0.last_status", 204)
}

func TestIncludedDeliveriesAreAllOfThem(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	for range 3 {
		r.endpoint("")
	}
	r.post("/v1/events", `{"id":"e","type":"a","data":1}`).is(202)
	if n := r.get("/v1/events/e?include=deliveries").len("deliveries"); n != 3 {
		t.Errorf("%d deliveries", n)
	}
	r.post("/v1/events", `{"id":"f","type":"a","data":1,"tenant":"empty"}`).is(202)
	r.get("/v1/events/f?tenant=empty&include=deliveries").is(200).equal("deliveries", []string{})
}

func TestTheWorkflowIsShownAsTemporalHasIt(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.post("/v1/events", `{"id":"e","type":"a","data":1}`).is(202)
	at := time.Date(2026, 11, 25, 9, 30, 1, 0, time.UTC)
	r.engine.view = webhook.WorkflowView{Status: "Running", RunID: "run-1", StartedAt: at, Pending: []webhook.PendingActivity{{
		ActivityID: "7", Type: "Deliver", EndpointID: "ep_1", State: "Scheduled", Attempt: 2, LastFailure: "HTTP 500", NextAttemptAt: at.Add(5 * time.Second),
	}}}
	r.get("/v1/events/e?include=workflow").is(200).equal("workflow.status", "Running").equal("workflow.run_id", "run-1").
		equal("workflow.started_at", "2026-11-25T09:30:01.000Z").equal("workflow.closed_at", nil).
		equal("workflow.pending_activities.0.id", "7").equal("workflow.pending_activities.0.endpoint_id", "ep_1").equal("workflow.pending_activities.0.attempt", 2).
		equal("workflow.pending_activities.0.last_failure", "HTTP 500").equal("workflow.pending_activities.0.next_attempt_at", "2026-11-25T09:30:06.000Z").
		equal("workflow.pending_activities.0.last_started_at", nil).equal("workflow.error", nil)
	r.engine.err = webhook.Errorf(webhook.NotFound, "", "no workflow")
	r.get("/v1/events/e?include=workflow").is(200).equal("workflow.status", "not_found").equal("workflow.pending_activities", []string{})
	r.engine.err = errBroken
	a := r.get("/v1/events/e?include=workflow").is(200).equal("workflow.status", "unknown").equal("workflow.error", "Temporal is away")
	if strings.Contains(string(a.text), "fire") {
		t.Errorf("the cause is shown: %s", a.text)
	}
}

func TestEventsAreFiltered(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	first := r.endpoint("")
	post := func(id, tenant, typ string) {
		r.post("/v1/events", `{"id":"`+id+`","type":"`+typ+`","data":1,"tenant":"`+tenant+`"}`).is(202)
		r.clock.Move(time.Second)
	}
	post("e0", "default", "a")
	r.attempt("default", "e0", first, webhook.AttemptResult{Outcome: webhook.OutcomeDelivered, Status: 200})
	post("e1", "default", "b")
	second := r.do(call{method: "POST", path: "/v1/endpoints", body: `{"url":"https://example.com/","event_types":["b"]}`}).is(201).str("id")
	post("e2", "default", "b")
	post("e3", "acme", "a")
	// e0 at :00.123456, e1 at :01.123456 (the attempt does not move the clock), e2 :02, e3 :03
	for query, want := range map[string]string{
		"":                      "e3 e2 e1 e0",
		"tenant=default":        "e2 e1 e0",
		"tenant=acme":           "e3",
		"tenant=nobody":         "",
		"type=b":                "e2 e1",
		"type=b&tenant=acme":    "",
		"state=delivered":       "e0",
		"state=accepted":        "e2 e1",
		"state=unrouted":        "e3",
		"endpoint_id=" + second: "e2",
		"endpoint_id=" + first:  "e2 e1 e0",
		"limit=2":               "e3 e2",
		"created_at[gte]=2026-11-25T09:30:02.123Z":                                                "e3 e2",
		"created_at[gt]=2026-11-25T09:30:02.123Z":                                                 "e3",
		"created_at[lt]=2026-11-25T09:30:01.123Z":                                                 "e0",
		"created_at[lte]=2026-11-25T09:30:01.123Z":                                                "e1 e0",
		"created_at[gte]=2026-11-25T10:30:01%2B01:00&created_at[lt]=2026-11-25T09:30:03Z":         "e2 e1",
		"created_at[gt]=2026-11-25T09:30:00.123Z&created_at[lte]=2026-11-25T09:30:02.123Z&type=b": "e2 e1",
	} {
		a := r.get("/v1/events?" + strings.NewReplacer("[", "%5B", "]", "%5D").Replace(query)).is(200)
		if got := strings.Join(a.ids("id"), " "); got != want {
			t.Errorf("%s: %s, want %s", query, got, want)
		}
	}
	r.get("/v1/events?include=data,deliveries&limit=1&tenant=default").is(200).equal("data.0.data", 1).equal("data.0.deliveries.0.endpoint_id", first)
}

func TestBadQueriesAreRefusedByName(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	for query, want := range map[string]string{
		"/v1/events?limit=0":                              "limit",
		"/v1/events?limit=251":                            "limit",
		"/v1/events?limit=ten":                            "limit",
		"/v1/events?cursor=nonsense":                      "cursor",
		"/v1/events?state=done":                           "state",
		"/v1/events?type=a+b":                             "type",
		"/v1/events?tenant=ACME":                          "tenant",
		"/v1/events?include=secrets":                      "include",
		"/v1/events?include=workflow":                     "include",
		"/v1/events?created_at%5Bgte%5D=yesterday":        "created_at[gte]",
		"/v1/events?created_at=2026-11-25T09:30:00Z":      "created_at",
		"/v1/events?page=2":                               "page",
		"/v1/events?limit=0&state=x":                      "limit state",
		"/v1/events/e?include=everything":                 "include",
		"/v1/deliveries?state=delivering":                 "state",
		"/v1/deliveries?event=e":                          "event",
		"/v1/attempts?outcome=ok":                         "outcome",
		"/v1/attempts?started_at%5Blt%5D=now":             "started_at[lt]",
		"/v1/endpoints?state=deleted":                     "state",
		"/v1/endpoints?limit=-1":                          "limit",
		"/v1/keys?tenant=A":                               "tenant",
		"/v1/tenants?name=x":                              "name",
		"/v1/event-types?cursor=" + url.QueryEscape("{}"): "cursor",
	} {
		a := r.get(query).is(http.StatusUnprocessableEntity).equal("code", "invalid_fields")
		if got := strings.Join(a.fields(), " "); got != want {
			t.Errorf("%s: fields %q, want %q", query, got, want)
		}
	}
}

func TestAnIDThatCannotBeIsNotFound(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	for _, id := range []string{"%00", "%ff", "a%00b", "a%20b", "%C3%A9", strings.Repeat("x", 1000)} {
		for _, path := range []string{
			"/v1/events/" + id, "/v1/endpoints/" + id, "/v1/endpoints/" + id + "/stats", "/v1/event-types/" + id,
			"/v1/attempts?event_id=" + id, "/v1/deliveries?endpoint_id=" + id,
		} {
			r.get(path).is(404)
		}
		r.post("/v1/events/"+id+"/cancel", "").is(404)
		r.do(call{method: "DELETE", path: "/v1/keys/" + id}).is(404)
		r.do(call{method: "DELETE", path: "/v1/event-types/" + id}).is(404)
		r.get("/v1/tenants/" + id).is(422)
		r.get("/v1/events?tenant=" + id).is(422)
	}
}

func TestListsAreWalkedForthAndBack(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	endpoint := r.endpoint("")
	for i := range 7 {
		r.post("/v1/events", fmt.Sprintf(`{"id":"e%d","type":"a","data":1}`, i)).is(202)
		r.attempt("default", fmt.Sprintf("e%d", i), endpoint, webhook.AttemptResult{Outcome: webhook.OutcomeRejected, Status: 500})
		r.do(call{method: "PUT", path: fmt.Sprintf("/v1/event-types/t%d", i), body: `{}`}).is(201)
		r.do(call{method: "PUT", path: fmt.Sprintf("/v1/tenants/t%d", i)}).is(201)
		r.clock.Move(time.Millisecond)
	}
	for range 6 {
		r.endpoint("")
		r.key("")
	}
	for path, field := range map[string]string{
		"/v1/events?type=a&": "id", "/v1/deliveries?": "event_id", "/v1/attempts?": "event_id", "/v1/endpoints?": "id",
		"/v1/event-types?": "name", "/v1/tenants?": "id", "/v1/keys?": "id",
	} {
		whole := r.get(path+"limit=250").is(200).equal("has_more", false).equal("next_cursor", nil).equal("prev_cursor", nil).ids(field)
		path += "&limit=3"
		var walked []string
		var pages []*answer
		for cursor := ""; ; {
			a := r.get(path + "&cursor=" + url.QueryEscape(cursor)).is(200)
			pages, walked = append(pages, a), append(walked, a.ids(field)...)
			if a.at("has_more") != (a.str("next_cursor") != "") || (a.str("prev_cursor") == "") != (cursor == "") {
				t.Errorf("%s: %s", path, a.text[len(a.text)-200:])
			}
			if cursor = a.str("next_cursor"); cursor == "" || len(pages) > 9 {
				break
			}
		}
		if len(whole) < 7 || !slices.Equal(walked, whole) {
			t.Errorf("%s: walked %v, want %v", path, walked, whole)
		}
		for i := len(pages) - 1; i > 0; i-- {
			back := r.get(path + "&cursor=" + url.QueryEscape(pages[i].str("prev_cursor"))).is(200)
			if !slices.Equal(back.ids(field), pages[i-1].ids(field)) {
				t.Errorf("%s: back from page %d: %v, want %v", path, i, back.ids(field), pages[i-1].ids(field))
			}
		}
	}
}

func TestAnEventIsCancelledAndRetried(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	first, second := r.endpoint(""), r.endpoint("")
	r.post("/v1/events", `{"id":"e","type":"a","data":1}`).is(202)
	r.attempt("default", "e", first, webhook.AttemptResult{Outcome: webhook.OutcomeDelivered, Status: 200})
	r.post("/v1/events/e/cancel", "").is(202).equal("id", "e").equal("deliveries.0.endpoint_id", second).equal("deliveries.0.wish", "cancel").equal("deliveries.1", nil)
	r.post("/v1/events/e/cancel", `{"endpoint_ids":["`+first+`"]}`).is(409).equal("code", "nothing_to_cancel")
	r.post("/v1/events/e/retry", `{"endpoint_ids":["`+first+`"]}`).is(409).equal("code", "nothing_to_retry")
	r.post("/v1/events/e/retry", `{"endpoint_ids":["`+first+`"],"force":true}`).is(202).equal("deliveries.0.endpoint_id", first).equal("deliveries.0.state", "retrying").equal("deliveries.0.maximum_attempts", 16)
	r.post("/v1/events/e/retry", `{}`).is(202)
	r.post("/v1/events/e/retry", `{"endpoint_ids":["ep_none"]}`).is(404)
	r.post("/v1/events/none/retry", "").is(404).equal("code", "not_found")
	r.post("/v1/events/none/cancel", "").is(404)
	for path, bodies := range map[string]map[string]string{
		"/v1/events/e/retry":  {`{"force":true}`: "endpoint_ids", `{"force":1}`: "force", `{"endpoint_ids":[]}`: "endpoint_ids", `{"endpoint_ids":"x"}`: "endpoint_ids", `{"all":true}`: "all"},
		"/v1/events/e/cancel": {`{"force":true}`: "force", `{"endpoint_ids":[]}`: "endpoint_ids", `{"endpoint_ids":[1]}`: "endpoint_ids[0]", `[]`: "body"},
	} {
		for body, field := range bodies {
			if got := r.post(path, body).is(422).fields(); !slices.Equal(got, []string{field}) {
				t.Errorf("%s %s: fields %v, want %s", path, body, got, field)
			}
		}
	}
}

func TestDeliveriesAndAttemptsAreFiltered(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	first, second := r.endpoint(""), r.endpoint("")
	r.post("/v1/events", `{"id":"e","type":"a","data":1}`).is(202)
	r.post("/v1/events", `{"id":"f","type":"a","data":1}`).is(202)
	r.attempt("default", "e", first, webhook.AttemptResult{
		Outcome: webhook.OutcomeRejected, Status: 500, ErrorClass: webhook.ErrorHTTPStatus, Error: "HTTP 500", Duration: 12345 * time.Microsecond,
		RequestHeaders: map[string]string{"webhook-id": "e"}, ResponseHeaders: map[string]string{"server": "x"}, ResponseBody: []byte("<oops>"),
	})
	r.clock.Move(time.Second)
	r.attempt("default", "e", first, webhook.AttemptResult{Outcome: webhook.OutcomeDelivered, Status: 200, ResponseBody: []byte{0xff, 0x00}})
	r.attempt("default", "e", second, webhook.AttemptResult{Outcome: webhook.OutcomeUnreachable, ErrorClass: webhook.ErrorTimeout, Error: "no answer in 15s"})
	for query, want := range map[string]int{
		"": 4, "event_id=e": 2, "endpoint_id=" + first: 2, "event_id=e&endpoint_id=" + second: 1, "state=delivered": 1, "state=pending": 2, "tenant=acme": 0,
		"event_id=f&state=delivered": 0,
	} {
		if got := r.get("/v1/deliveries?" + query).is(200).len("data"); got != want {
			t.Errorf("deliveries %s: %d, want %d", query, got, want)
		}
	}
	for query, want := range map[string]int{
		"": 3, "event_id=e": 3, "event_id=f": 0, "endpoint_id=" + first: 2, "event_id=e&endpoint_id=" + second: 1, "outcome=delivered": 1, "outcome=blocked": 0,
		"started_at%5Bgt%5D=2026-11-25T09:30:00.123Z": 2, "started_at%5Blte%5D=2026-11-25T09:30:00.123Z": 1,
	} {
		if got := r.get("/v1/attempts?" + query).is(200).len("data"); got != want {
			t.Errorf("attempts %s: %d, want %d", query, got, want)
		}
	}
	r.get("/v1/attempts?event_id=e&endpoint_id="+first).
		equal("data.1.number", 1).equal("data.1.outcome", "rejected").equal("data.1.status", 500).equal("data.1.error_class", "http_status").equal("data.1.error", "HTTP 500").
		equal("data.1.started_at", "2026-11-25T09:30:00.123Z").equal("data.1.duration_ms", 12.345).equal("data.1.request_headers", map[string]string{"webhook-id": "e"}).
		equal("data.1.response_headers", map[string]string{"server": "x"}).equal("data.1.response_body", "<oops>").
		equal("data.0.number", 2).equal("data.0.response_body", nil).equal("data.0.response_body_base64", "/wA=")
	r.get("/v1/attempts?outcome=unreachable").equal("data.0.status", nil).equal("data.0.error_class", "timeout").equal("data.0.response_body", nil)
	for _, path := range []string{"/v1/attempts?event_id=none", "/v1/deliveries?event_id=none", "/v1/deliveries?endpoint_id=ep_none", "/v1/events?endpoint_id=ep_none", "/v1/attempts?endpoint_id=ep_none"} {
		r.get(path).is(404)
	}
}

// ids is the strings called field of the page.
func (a *answer) ids(field string) []string {
	a.t.Helper()
	var ids []string
	for i := range a.len("data") {
		ids = append(ids, a.str(fmt.Sprintf("data.%d.%s", i, field)))
	}
	return ids
}

func TestAListHasNoMoreDataThanFitsIntoMemory(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	long := strings.Repeat("x", 1<<20-100)
	for range 18 {
		r.post("/v1/events", `{"type":"a","data":"`+long+`"}`).is(202)
	}
	a := r.get("/v1/events?include=data").is(200)
	if n := strings.Count(string(a.text), long); n != 16 || a.len("data") != 18 {
		t.Errorf("%d events of %d have their data, want 16 of 18", n, a.len("data"))
	}
}

func TestWhatWasSentToADeletedEndpointIsStillListed(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	endpoint := r.endpoint("")
	r.post("/v1/events", `{"id":"e","type":"a","data":1}`).is(202)
	r.attempt("default", "e", endpoint, webhook.AttemptResult{Outcome: webhook.OutcomeDelivered, Status: 200})
	r.do(call{method: "DELETE", path: "/v1/endpoints/" + endpoint}).is(204)
	for _, list := range []string{"events", "deliveries", "attempts"} {
		if n := r.get("/v1/" + list + "?endpoint_id=" + endpoint).is(200).len("data"); n != 1 {
			t.Errorf("%d %s are listed, want 1", n, list)
		}
	}
	r.get("/v1/endpoints/" + endpoint).is(404)
}
