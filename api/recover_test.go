package api_test

import (
	"net/http"
	"slices"
	"strconv"
	"testing"

	"github.com/postrider/postrider/webhook"
)

func TestRecoverRetriesWhatAnEndpointDidNotTakeAPageAtATime(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	endpoint := r.do(call{
		method: "POST", path: "/v1/endpoints", body: `{"url":"https://example.com/a","event_types":["a"],"policy":{"maximum_attempts":1}}`,
	}).is(http.StatusCreated).str("id")
	other := r.do(call{
		method: "POST", path: "/v1/endpoints", body: `{"url":"https://example.com/b","event_types":["a"],"policy":{"maximum_attempts":1}}`,
	}).is(http.StatusCreated).str("id")
	refused := webhook.AttemptResult{Outcome: webhook.OutcomeRejected, Status: 500}
	for _, id := range []string{"one", "two", "three", "taken"} {
		r.post("/v1/events", `{"id":"`+id+`","type":"a","data":1}`).is(http.StatusAccepted)
		result := refused
		if id == "taken" {
			result = webhook.AttemptResult{Outcome: webhook.OutcomeDelivered, Status: 200}
		}
		r.attempt("default", id, endpoint, result)
		r.attempt("default", id, other, refused)
	}
	path := "/v1/endpoints/" + endpoint + "/recover?limit=2"
	var retried []string
	for cursor := ""; ; {
		page := r.post(path+cursor, "").is(http.StatusAccepted)
		for i := range page.len("data") {
			row := "data." + strconv.Itoa(i)
			if got := page.str(row + ".endpoint_id"); got != endpoint {
				t.Errorf("retried at %s", got)
			}
			retried = append(retried, page.str(row+".event_id"))
		}
		if page.str("next_cursor") == "" {
			break
		}
		cursor = "&cursor=" + page.str("next_cursor")
	}
	if want := []string{"three", "two", "one"}; !slices.Equal(retried, want) {
		t.Errorf("retried %v, want %v", retried, want)
	}
	if n := r.get("/v1/deliveries?state=exhausted&endpoint_id=" + other).len("data"); n != 4 {
		t.Errorf("%d deliveries of the other endpoint are exhausted, want 4", n)
	}
	r.post("/v1/endpoints/"+endpoint+"/recover", "").is(http.StatusAccepted).equal("has_more", false)
	r.post("/v1/endpoints/"+endpoint+"/recover?state=delivered", "").is(http.StatusUnprocessableEntity)
	r.post("/v1/endpoints/ep_nowhere/recover", "").is(http.StatusNotFound)
}
