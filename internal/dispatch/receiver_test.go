package dispatch_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"
)

// receiver is a real HTTP server that remembers what it got.
type receiver struct {
	*httptest.Server
	mu     sync.Mutex
	got    []request
	under  int // requests under way
	most   int // most requests that were under way at once
	answer func(w http.ResponseWriter, r request)
	ended  chan struct{} // closed at the test's end
}

// request is one request as the receiver saw it.
type request struct {
	event string
	body  string
	n     int             // of this event, 1 for the first
	ended <-chan struct{} // closed at the test's end
}

// receive starts a receiver whose answers are scripted.
func receive(t *testing.T, answer func(w http.ResponseWriter, r request)) *receiver {
	t.Helper()
	r := &receiver{answer: answer, ended: make(chan struct{})}
	r.Server = httptest.NewServer(http.HandlerFunc(r.serve))
	t.Cleanup(func() {
		close(r.ended)
		r.Close()
	})
	return r
}

func (r *receiver) serve(w http.ResponseWriter, req *http.Request) {
	body, err := io.ReadAll(req.Body)
	if err != nil {
		return
	}
	got := request{event: req.Header.Get("Webhook-Id"), body: string(body), n: 1, ended: r.ended}
	r.mu.Lock()
	for _, other := range r.got {
		if other.event == got.event {
			got.n++
		}
	}
	r.got = append(r.got, got)
	r.under++
	r.most = max(r.most, r.under)
	answer := r.answer
	r.mu.Unlock()
	answer(w, got)
	r.mu.Lock()
	r.under--
	r.mu.Unlock()
}

// script changes what the receiver answers from now on.
func (r *receiver) script(answer func(w http.ResponseWriter, r request)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.answer = answer
}

func (r *receiver) requests() []request {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.got)
}

// events are the IDs in the order in which they arrived.
func (r *receiver) events() []string {
	var ids []string
	for _, got := range r.requests() {
		ids = append(ids, got.event)
	}
	return ids
}

func (r *receiver) count() int { return len(r.requests()) }

func (r *receiver) mostAtOnce() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.most
}

// measure forgets how many were under way before.
func (r *receiver) measure() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.most = r.under
}

// underWay is how many requests have not been answered.
func (r *receiver) underWay() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.under
}

func status(code int) func(http.ResponseWriter, request) {
	return func(w http.ResponseWriter, _ request) { w.WriteHeader(code) }
}

// failing answers an event's first n requests with 500.
func failing(n int) func(http.ResponseWriter, request) {
	return func(w http.ResponseWriter, r request) {
		if r.n <= n {
			w.WriteHeader(http.StatusInternalServerError)
		}
	}
}

// until answers nothing before the gate is closed.
func until(gate <-chan struct{}, code int) func(http.ResponseWriter, request) {
	return func(w http.ResponseWriter, r request) {
		select {
		case <-gate:
		case <-r.ended:
		}
		w.WriteHeader(code)
	}
}

// after takes its time.
func after(d time.Duration) func(http.ResponseWriter, request) {
	return func(_ http.ResponseWriter, r request) {
		select {
		case <-time.After(d):
		case <-r.ended:
		}
	}
}

// gate is a channel that open closes.
func gate() (closed <-chan struct{}, open func()) {
	c := make(chan struct{})
	return c, sync.OnceFunc(func() { close(c) })
}
