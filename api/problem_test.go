package api_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/postrider/postrider/api"
	"github.com/postrider/postrider/webhook"
)

func TestEveryKindOfErrorHasItsStatus(t *testing.T) {
	t.Parallel()
	for kind, status := range map[webhook.Kind]int{
		webhook.NotFound: 404, webhook.Conflict: 409, webhook.Invalid: 422, webhook.Unauthorized: 401,
		webhook.Forbidden: 403, webhook.TooLarge: 413, webhook.RateLimited: 429, webhook.Unavailable: 503,
	} {
		err := fmt.Errorf("do this: %w", &webhook.Error{Kind: kind, Cause: errBroken})
		p := api.ProblemOf(err)
		if p.Status != status || p.Code != string(kind) || p.Type != "urn:postrider:problem:"+string(kind) || p.Title == "" || p.Detail == "" {
			t.Errorf("%s: %+v", kind, p)
		}
		if strings.Contains(fmt.Sprint(p), "fire") || strings.Contains(fmt.Sprint(p), "do this") {
			t.Errorf("%s tells the cause: %+v", kind, p)
		}
		p = api.ProblemOf(webhook.Errorf(kind, "some_code", "some detail"))
		if p.Status != status || p.Code != "some_code" || p.Detail != "some detail" || p.Type != "urn:postrider:problem:some_code" {
			t.Errorf("%s with a code: %+v", kind, p)
		}
	}
}

func TestAnErrorThatNobodyKnowsIsAnInternalOneWithoutText(t *testing.T) {
	t.Parallel()
	for name, err := range map[string]error{
		"any error": errBroken, "a wrapped one": fmt.Errorf("read: %w", errBroken), "a kind that does not exist": &webhook.Error{Kind: "odd", Code: "internal_error", Detail: "?"},
	} {
		p := api.ProblemOf(err)
		if p.Status != 500 || p.Code != "internal_error" || strings.Contains(p.Detail, "fire") {
			t.Errorf("%s: %+v", name, p)
		}
	}
	for _, err := range []error{context.Canceled, fmt.Errorf("read: %w", context.DeadlineExceeded)} {
		if p := api.ProblemOf(err); p.Status != 503 || p.Code != "unavailable" {
			t.Errorf("%v: %+v", err, p)
		}
	}
}

func TestRetryAfterIsInWholeSecondsRoundedUp(t *testing.T) {
	t.Parallel()
	if got := api.ProblemOf(&webhook.Error{Kind: webhook.Conflict}).GetHeaders().Get("Retry-After"); got != "" {
		t.Errorf("a conflict may be tried again after %q", got)
	}
	for after, want := range map[time.Duration]string{0: "1", time.Millisecond: "1", time.Second: "1", 1001 * time.Millisecond: "2", time.Minute: "60"} {
		p := api.ProblemOf(&webhook.Error{Kind: webhook.RateLimited, RetryAfter: after})
		if got := p.GetHeaders().Get("Retry-After"); got != want {
			t.Errorf("%s: %q, want %q", after, got, want)
		}
	}
}

func TestAnUnknownRouteIsAProblem(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	for _, path := range []string{"/", "/v1", "/v1/", "/v1/nothing", "/v1/events/", "/v1/events/a/b", "/v2/events", "/docs/none.js", "/docs/openapi.go", "/metrics"} {
		a := r.do(call{method: "GET", path: path, as: "-"}).is(404).equal("instance", path).equal("status", 404).equal("code", "no_such_route")
		if a.header.Get("Content-Type") != "application/problem+json" || a.str("request_id") == "" || a.str("request_id") != a.header.Get("X-Request-Id") {
			t.Errorf("%s: %v %s", path, a.header, a.text)
		}
	}
}

func TestAnotherMethodIsAProblemThatNamesTheOnesAllowed(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	for path, allow := range map[string]string{
		"/v1/events": "GET HEAD POST", "/v1/events/batch": "GET HEAD POST", "/v1/endpoints/x": "DELETE GET HEAD PATCH", "/v1/keys": "GET HEAD POST",
		"/healthz": "GET HEAD", "/v1/event-types/x": "DELETE GET HEAD PUT",
	} {
		for _, method := range []string{"PUT", "DELETE", "PATCH", "OPTIONS"} {
			if strings.Contains(allow, method) {
				continue
			}
			a := r.do(call{method: method, path: path, as: "-"}).is(405).equal("code", "method_not_allowed").equal("title", "Method not allowed")
			got := strings.Split(a.header.Get("Allow"), ", ")
			slices.Sort(got)
			if strings.Join(got, " ") != allow {
				t.Errorf("%s: Allow %v, want %s", path, got, allow)
			}
		}
	}
}

func TestHeadIsGetWithoutTheBody(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(newRig(t).handler)
	t.Cleanup(server.Close)
	for path, status := range map[string]int{"/healthz": 200, "/readyz": 200, "/docs": 200, "/v1/events": 401} {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodHead, server.URL+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		response, err := server.Client().Do(request)
		if err != nil {
			t.Fatal(err)
		}
		_ = response.Body.Close()
		if response.StatusCode != status || response.Header.Get("Content-Type") == "" {
			t.Errorf("%s: %s, %v", path, response.Status, response.Header)
		}
	}
}

// brokenStore fails, or panics, at everything that lists.
type brokenStore struct {
	api.Store
	panics bool
}

func (s brokenStore) EventData(context.Context, int64) ([]byte, error) { return nil, s.fail() }

func (s brokenStore) Ready(context.Context) error { return errBroken }

func (s brokenStore) Event(context.Context, string, string) (webhook.Event, error) {
	return webhook.Event{}, s.fail()
}

func (s brokenStore) fail() error {
	if s.panics {
		panic(errBroken)
	}
	return errBroken
}

func TestWhatGoesWrongOnOurSideIsLoggedAndNotTold(t *testing.T) {
	t.Parallel()
	for _, panics := range []bool{false, true} {
		r := newRig(t, func(d *api.Deps) { d.Store = brokenStore{d.Store, panics} })
		a := r.get("/v1/events/e").is(500).equal("code", "internal_error").equal("title", "Internal error")
		if strings.Contains(string(a.text), "fire") || a.header.Get("Content-Type") != "application/problem+json" {
			t.Errorf("%v %s", a.header, a.text)
		}
		if log := r.log.String(); !strings.Contains(log, a.str("request_id")) || !strings.Contains(log, "fire") || strings.Count(log, "\n") != 1 {
			t.Errorf("the log: %s", log)
		}
	}
}

func TestAPanicInAPlainHandlerIsAProblem(t *testing.T) {
	t.Parallel()
	r := newRig(t, func(d *api.Deps) {
		d.Metrics = http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic("boom") })
	})
	r.get("/metrics").is(500).equal("code", "internal_error")
}

func TestARequestThatIsToBeAbortedIsAborted(t *testing.T) {
	t.Parallel()
	r := newRig(t, func(d *api.Deps) {
		d.Metrics = http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
	})
	defer func() {
		if err, _ := recover().(error); !errors.Is(err, http.ErrAbortHandler) {
			t.Errorf("recovered %v", err)
		}
	}()
	r.get("/metrics")
}

func TestTheRequestIDIsTheCallersIfItCanBeUsed(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	for given, kept := range map[string]bool{"abc-123.X_y": true, "": false, "two words": false, strings.Repeat("x", 129): false, "a\"b": false} {
		a := r.do(call{method: "GET", path: "/healthz", as: "-", header: map[string]string{"X-Request-Id": given}}).is(200)
		if got := a.header.Get("X-Request-Id"); (got == given) != kept || !kept && !strings.HasPrefix(got, "req_") {
			t.Errorf("given %q, got %q", given, got)
		}
	}
}
