package client_test

import (
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/postrider/postrider/internal/client"
	"github.com/postrider/postrider/webhook"
)

func TestAProblemNamesEveryFaultyField(t *testing.T) {
	t.Parallel()
	c, _ := serve(t, http.StatusUnprocessableEntity,
		`{"title":"Invalid request","status":422,"detail":"some fields are not valid","code":"invalid_fields","errors":[{"field":"url","detail":"is needed"},{"field":"policy.timeout","detail":"must be between 1s and 1m"}],"request_id":"req_1"}`)
	_, err := c.CreateEndpoint(t.Context(), client.NewEndpoint{})
	var problem *client.Problem
	if !errors.As(err, &problem) {
		t.Fatalf("got %v", err)
	}
	if len(problem.Fields) != 2 || problem.Fields[1] != (client.FieldFault{Field: "policy.timeout", Detail: "must be between 1s and 1m"}) || problem.RequestID != "req_1" {
		t.Errorf("got %+v", problem)
	}
	if want := "some fields are not valid (invalid_fields): url is needed; policy.timeout must be between 1s and 1m"; err.Error() != want {
		t.Errorf("got  %s\nwant %s", err, want)
	}
	if !errors.Is(err, webhook.Invalid) || errors.Is(err, webhook.Conflict) {
		t.Error("it is not of the kind invalid")
	}
}

func TestAProblemIsOfTheKindOfItsStatus(t *testing.T) {
	t.Parallel()
	for status, want := range map[int]webhook.Kind{
		400: webhook.Invalid, 401: webhook.Unauthorized, 403: webhook.Forbidden, 404: webhook.NotFound, 409: webhook.Conflict,
		413: webhook.TooLarge, 422: webhook.Invalid, 429: webhook.RateLimited, 503: webhook.Unavailable,
	} {
		c, _ := serve(t, status, `{"detail":"no","code":"some_code"}`)
		_, err := c.Endpoint(t.Context(), "", "ep_1")
		if !errors.Is(err, want) || err.Error() != "no (some_code)" && status < 500 {
			t.Errorf("%d: got %v, want %s", status, err, want)
		}
	}
}

func TestAFaultOfTheServerIsToldWithItsRequestID(t *testing.T) {
	t.Parallel()
	c, _ := serve(t, http.StatusInternalServerError, `{"detail":"something went wrong","code":"internal_error","request_id":"req_9"}`)
	if _, err := c.Endpoint(t.Context(), "", "ep_1"); err == nil || err.Error() != "something went wrong (internal_error, req_9)" {
		t.Errorf("got %v", err)
	}
}

func TestRetryAfterIsRead(t *testing.T) {
	t.Parallel()
	c, _ := serve(t, http.StatusTooManyRequests, `{"detail":"the backlog is full","code":"backlog_full"}`, "Retry-After", "7")
	_, err := c.PostEvent(t.Context(), client.NewEvent{Type: "a", Data: []byte("1")})
	var problem *client.Problem
	if !errors.As(err, &problem) || problem.RetryAfter != 7*time.Second {
		t.Errorf("got %+v", err)
	}
}

func TestAnAnswerOfAnotherServerIsToldAsSuch(t *testing.T) {
	t.Parallel()
	c, _ := serve(t, http.StatusBadGateway, "<html>nginx</html>")
	if _, err := c.Endpoints(t.Context(), nil); err == nil || err.Error() != "the answer was HTTP 502 Bad Gateway, not one of Postrider's" {
		t.Errorf("got %v", err)
	}
	c, _ = serve(t, http.StatusOK, "<html>hello</html>")
	if _, err := c.Endpoints(t.Context(), nil); err == nil {
		t.Error("a page was taken for a list")
	}
}
