package client_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/postrider/postrider/internal/client"
	"github.com/postrider/postrider/webhook"
)

// request is what an API was asked.
type request struct{ method, uri, body, key, contentType string }

// serve is an API that answers everything alike, and a client of it. Read asked after the call.
func serve(t *testing.T, status int, answer string, header ...string) (c *client.Client, asked *request) {
	t.Helper()
	asked = &request{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		*asked = request{r.Method, r.RequestURI, string(body), r.Header.Get("Authorization"), r.Header.Get("Content-Type")}
		for i := 0; i < len(header); i += 2 {
			w.Header().Set(header[i], header[i+1])
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, answer)
	}))
	t.Cleanup(server.Close)
	return newClient(t, client.Config{API: server.URL + "/", Key: "pr_test"}), asked
}

func newClient(t *testing.T, cfg client.Config) *client.Client {
	t.Helper()
	c, err := client.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestAPostedEventKeepsTheBytesOfItsData(t *testing.T) {
	t.Parallel()
	c, asked := serve(t, http.StatusAccepted, `{"id":"e1","state":"accepted","endpoint_ids":["ep_1"],"created_at":"2026-11-25T09:30:00.000Z"}`)
	got, err := c.PostEvent(t.Context(), client.NewEvent{ID: "e1", Type: "invoice.paid", Tenant: "acme", Data: []byte("{ \"a\" : 1.0,\n\t\"b\":\"<\" }\n")})
	if err != nil {
		t.Fatal(err)
	}
	want := request{"POST", "/v1/events", "{\"id\":\"e1\",\"type\":\"invoice.paid\",\"tenant\":\"acme\",\"data\":{ \"a\" : 1.0,\n\t\"b\":\"<\" }}", "Bearer pr_test", "application/json"}
	if *asked != want {
		t.Errorf("got  %q\nwant %q", *asked, want)
	}
	if got.Value.ID != "e1" || got.Value.State != webhook.EventAccepted || len(got.Value.EndpointIDs) != 1 || got.Value.CreatedAt.IsZero() {
		t.Errorf("got %+v", got.Value)
	}
}

func TestDataThatIsNotJSONIsNotPosted(t *testing.T) {
	t.Parallel()
	c, asked := serve(t, http.StatusAccepted, `{}`)
	for _, data := range []string{"", "{", "{}{}", "invoice"} {
		if _, err := c.PostEvent(t.Context(), client.NewEvent{Type: "a", Data: []byte(data)}); err == nil || !strings.Contains(err.Error(), "not JSON") {
			t.Errorf("%q: got %v", data, err)
		}
	}
	if asked.method != "" {
		t.Errorf("asked %+v", *asked)
	}
}

func TestTheAnswerIsThereAsItCame(t *testing.T) {
	t.Parallel()
	const text = `{"data":[{"id":"evt_1","completed_at":null,"unknown":[ 1 ]}],"next_cursor":"abc","prev_cursor":null,"has_more":true}` + "\n"
	c, asked := serve(t, http.StatusOK, text)
	got, err := c.Events(t.Context(), url.Values{"created_at[gte]": {"2026-11-25T00:00:00Z"}, "limit": {"1"}})
	if err != nil {
		t.Fatal(err)
	}
	if string(got.JSON) != text {
		t.Errorf("got %q", got.JSON)
	}
	if p := got.Value; len(p.Data) != 1 || p.Data[0].ID != "evt_1" || !p.Data[0].CompletedAt.IsZero() || p.NextCursor != "abc" || !p.HasMore {
		t.Errorf("got %+v", p)
	}
	if want := "/v1/events?created_at%5Bgte%5D=2026-11-25T00%3A00%3A00Z&limit=1"; asked.uri != want {
		t.Errorf("got %s, want %s", asked.uri, want)
	}
}

func TestEachCallAsksForItsRoute(t *testing.T) {
	t.Parallel()
	for want, call := range map[string]func(context.Context, *client.Client) error{
		"GET /v1/events/e1?include=deliveries&tenant=acme ": func(ctx context.Context, c *client.Client) error {
			_, err := c.Event(ctx, "acme", "e1", "deliveries")
			return err
		},
		"GET /v1/events/..%2Fkeys ": func(ctx context.Context, c *client.Client) error {
			_, err := c.Event(ctx, "", "../keys", "")
			return err
		},
		`POST /v1/events/e1/retry {"endpoint_ids":["ep_1"],"force":true}`: func(ctx context.Context, c *client.Client) error {
			_, err := c.Retry(ctx, "", "e1", client.Wish{EndpointIDs: []string{"ep_1"}, Force: true})
			return err
		},
		"POST /v1/events/e1/cancel {}": func(ctx context.Context, c *client.Client) error {
			_, err := c.Cancel(ctx, "", "e1", client.Wish{})
			return err
		},
		"GET /v1/deliveries?state=held ": func(ctx context.Context, c *client.Client) error {
			_, err := c.Deliveries(ctx, url.Values{"state": {"held"}})
			return err
		},
		"GET /v1/attempts?event_id=e1 ": func(ctx context.Context, c *client.Client) error {
			_, err := c.Attempts(ctx, url.Values{"event_id": {"e1"}})
			return err
		},
		`POST /v1/endpoints {"url":"https://example.com","event_types":["*"],"policy":{"timeout":"2s"}}`: func(ctx context.Context, c *client.Client) error {
			_, err := c.CreateEndpoint(ctx, client.NewEndpoint{URL: "https://example.com", EventTypes: []string{"*"}, Policy: map[string]any{"timeout": "2s"}})
			return err
		},
		"GET /v1/endpoints ": func(ctx context.Context, c *client.Client) error { _, err := c.Endpoints(ctx, nil); return err },
		"GET /v1/endpoints/ep_1?tenant=acme ": func(ctx context.Context, c *client.Client) error {
			_, err := c.Endpoint(ctx, "acme", "ep_1")
			return err
		},
		"POST /v1/endpoints/ep_1/pause ": func(ctx context.Context, c *client.Client) error {
			_, err := c.PauseEndpoint(ctx, "", "ep_1")
			return err
		},
		"POST /v1/endpoints/ep_1/resume ": func(ctx context.Context, c *client.Client) error {
			_, err := c.ResumeEndpoint(ctx, "", "ep_1")
			return err
		},
		"POST /v1/endpoints/ep_1/recover?state=expired ": func(ctx context.Context, c *client.Client) error {
			_, err := c.RecoverEndpoint(ctx, "ep_1", url.Values{"state": {"expired"}})
			return err
		},
		"POST /v1/endpoints/ep_1/test ": func(ctx context.Context, c *client.Client) error {
			_, err := c.TestEndpoint(ctx, "", "ep_1")
			return err
		},
		"GET /v1/endpoints/ep_1/secret ": func(ctx context.Context, c *client.Client) error {
			_, err := c.EndpointSecret(ctx, "", "ep_1")
			return err
		},
	} {
		t.Run(want, func(t *testing.T) {
			t.Parallel()
			c, asked := serve(t, http.StatusOK, "{}")
			if err := call(t.Context(), c); err != nil {
				t.Fatal(err)
			}
			if got := asked.method + " " + asked.uri + " " + asked.body; got != want {
				t.Errorf("got  %s\nwant %s", got, want)
			}
		})
	}
}

func TestADeletedEndpointIsAnsweredWithNothing(t *testing.T) {
	t.Parallel()
	c, asked := serve(t, http.StatusNoContent, "")
	if _, err := c.DeleteEndpoint(t.Context(), "", "ep_1"); err != nil {
		t.Fatal(err)
	}
	if got := asked.method + " " + asked.uri; got != "DELETE /v1/endpoints/ep_1" {
		t.Errorf("asked %s", got)
	}
}

func TestAnAddressThatIsNoAPIs(t *testing.T) {
	t.Parallel()
	for _, api := range []string{"", "127.0.0.1:8080", "ftp://example.com", "http://", "http://user:word@example.com", "http://example.com?x=1", "http://[::1"} {
		if _, err := client.New(client.Config{API: api}); err == nil {
			t.Errorf("%q was taken", api)
		}
	}
}

func TestNoAnswerIsSaidInOneLine(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	free := "http://" + listener.Addr().String()
	if err := listener.Close(); err != nil {
		t.Fatal(err)
	}
	silent := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }))
	t.Cleanup(silent.Close)
	for _, tc := range []struct{ api, want string }{
		{free, "no answer from " + free + ": connection refused"},
		{silent.URL, "no answer from " + silent.URL + ": it takes too long"},
	} {
		_, err := newClient(t, client.Config{API: tc.api, Timeout: 50 * time.Millisecond}).Endpoints(t.Context(), nil)
		var unreachable *client.Unreachable
		if !errors.As(err, &unreachable) || err.Error() != tc.want {
			t.Errorf("got %v, want %s", err, tc.want)
		}
	}
}

func TestAnEndedContextIsNotTheAPIsFault(t *testing.T) {
	t.Parallel()
	c, _ := serve(t, http.StatusOK, "{}")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := c.Endpoints(ctx, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func TestReadiness(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		status int
		text   string
		ready  bool
		err    bool
	}{
		"ready":                            {200, `{"status":"ready","engine":"up"}`, true, false},
		"not ready is no error":            {503, `{"status":"not_ready","intake":"refusing","reason":"disk is full"}`, false, false},
		"another server is not ready":      {200, `<html>`, false, true},
		"a proxy in front of nothing":      {503, `<html>`, false, true},
		"a problem of another kind is one": {500, `{"code":"internal_error"}`, false, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, asked := serve(t, tc.status, tc.text)
			got, err := c.Readiness(t.Context())
			if (err != nil) != tc.err || got.Value.Ready() != tc.ready {
				t.Errorf("got %+v, %v", got.Value, err)
			}
			if asked.uri != "/readyz" {
				t.Errorf("asked %s", asked.uri)
			}
		})
	}
}
