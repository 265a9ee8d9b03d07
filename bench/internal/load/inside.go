package load

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
)

// InsidePath is where a service has [Inside].
const InsidePath = "/load"

// Inside serves the load generator from within a service: it posts the plan that it is sent to the service's own api,
// without a network, and answers with what [Write] writes.
func Inside(api http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var p Plan
		if err := json.NewDecoder(r.Body).Decode(&p); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		posts, err := runOver(r.Context(), p, direct{api})
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		_ = Write(w, posts) // who asked has gone
	})
}

// RunInside is [Run] from within the service at the plan's URL.
func RunInside(ctx context.Context, p Plan) ([]Post, error) {
	plan, err := json.Marshal(p)
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, p.URL+InsidePath, bytes.NewReader(plan))
	if err != nil {
		return nil, err
	}
	resp, err := new(http.Client).Do(req) // ctx ends it
	if err != nil {
		return nil, err
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != http.StatusOK {
		why, _ := io.ReadAll(io.LimitReader(resp.Body, 1000))
		return nil, fmt.Errorf("post from within the service: %s: %s", resp.Status, bytes.TrimSpace(why))
	}
	return Read(resp.Body)
}

// direct is a transport that calls a handler.
type direct struct{ handler http.Handler }

func (d direct) RoundTrip(r *http.Request) (*http.Response, error) {
	a := &recorded{header: http.Header{}, status: http.StatusOK}
	d.handler.ServeHTTP(a, r)
	return &http.Response{StatusCode: a.status, Header: a.header, Body: io.NopCloser(&a.body), Request: r}, nil
}

// recorded is a handler's answer.
type recorded struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (a *recorded) Header() http.Header         { return a.header }
func (a *recorded) WriteHeader(status int)      { a.status = status }
func (a *recorded) Write(b []byte) (int, error) { return a.body.Write(b) }
