// Package receiver is a receiver of webhooks that does what it is told: it answers by script, verifies
// signatures, keeps every request as it came, and lets a caller wait for what he waits for. Tests and
// the demo deliver to it.
package receiver

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/postrider/postrider/signing"
)

// Config says how to receive. The zero value is ready to use.
type Config struct {
	Listen string // host:port; default 127.0.0.1:0, a free port
	Script Script // what to answer; nil: 200 at once
	// DropBodies forgets bodies once they are verified, for runs with very many requests.
	DropBodies bool
}

// maxBody is how much of a request is read.
const maxBody = 16 << 20

// Receiver is an HTTP server on loopback. Its methods are safe for concurrent use.
type Receiver struct {
	cfg      Config
	listener net.Listener
	server   *http.Server
	served   sync.WaitGroup
	closing  context.CancelFunc

	mu       sync.Mutex
	trusted  map[string]*signing.Verifier // by path
	requests []Request
	counts   map[deliveryKey]count
	summary  Summary
	changed  chan struct{} // closed at the next change
}

// deliveryKey tells deliveries apart: one event to one path.
type deliveryKey struct{ path, id string }

type count struct{ requests, accepted int }

// Request is one request as it came, and what it was answered.
type Request struct {
	Path       string
	ID         string // the webhook-id header
	Number     int    // 1 for the first request of this ID to this path
	Header     http.Header
	Body       []byte // the exact bytes; nil with DropBodies
	ReceivedAt time.Time
	AnsweredAt time.Time // zero while the answer has not been given
	// Fault is why the signature does not verify; nil also where nothing is trusted for the path.
	Fault  error
	Answer Answer
}

// Summary counts what came.
type Summary struct {
	Requests      int // read to their end
	Answered      int // of these, those whose answer has been given
	Accepted      int // of these, answered 2xx
	Deliveries    int // different pairs of path and ID that were accepted
	Duplicates    int // accepted once more
	BadSignatures int // answered 401, whatever the script says
}

// Start listens at once.
func Start(cfg Config) (*Receiver, error) {
	if cfg.Listen == "" {
		cfg.Listen = "127.0.0.1:0"
	}
	if cfg.Script == nil {
		cfg.Script = Always(Answer{})
	}
	ctx, closing := context.WithCancel(context.Background())
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", cfg.Listen)
	if err != nil {
		closing()
		return nil, fmt.Errorf("start a receiver: %w", err)
	}
	r := &Receiver{
		cfg: cfg, listener: listener, closing: closing, trusted: map[string]*signing.Verifier{}, counts: map[deliveryKey]count{}, changed: make(chan struct{}),
	}
	r.server = &http.Server{Handler: r, ReadHeaderTimeout: time.Minute, BaseContext: func(net.Listener) context.Context { return ctx }}
	r.served.Go(func() { _ = r.server.Serve(listener) }) // it ends by Close
	return r, nil
}

// URL is where path, which begins with a slash, is received.
func (r *Receiver) URL(path string) string { return "http://" + r.listener.Addr().String() + path }

// Trust verifies what comes to path from now on against the secrets. Without secrets all is taken.
func (r *Receiver) Trust(path string, secrets ...string) error {
	keys, err := signing.ParseSecrets(secrets...)
	if err != nil {
		return fmt.Errorf("trust a secret at %s: %w", path, err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.trusted, path)
	if len(keys) > 0 {
		r.trusted[path] = signing.NewVerifier(keys)
	}
	return nil
}

// Close cuts off whoever is being answered. What was recorded stays.
func (r *Receiver) Close() error {
	r.closing()
	err := r.server.Close()
	r.served.Wait()
	if errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}

// Requests are all requests so far, in the order in which they were read to their end.
func (r *Receiver) Requests() []Request {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.requests)
}

// RequestsOf are the requests that carried the ID.
func (r *Receiver) RequestsOf(id string) []Request {
	return slices.DeleteFunc(r.Requests(), func(q Request) bool { return q.ID != id })
}

// Summary counts what came so far.
func (r *Receiver) Summary() Summary {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.summary
}

// Accepted is how often the ID was accepted at the path.
func (r *Receiver) Accepted(path, id string) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.counts[deliveryKey{path, id}].accepted
}

// Await returns when done says so of the summary, which it is asked at every change, or with an error
// that shows the summary when ctx ends first.
func (r *Receiver) Await(ctx context.Context, done func(Summary) bool) error {
	for {
		r.mu.Lock()
		summary, changed := r.summary, r.changed
		r.mu.Unlock()
		if done(summary) {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return fmt.Errorf("wait for the receiver, which has %+v: %w", summary, ctx.Err())
		}
	}
}

// AwaitDeliveries returns when n different deliveries have been accepted.
func (r *Receiver) AwaitDeliveries(ctx context.Context, n int) error {
	return r.Await(ctx, func(s Summary) bool { return s.Deliveries >= n })
}

// ServeHTTP records and answers one request.
func (r *Receiver) ServeHTTP(w http.ResponseWriter, in *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, in.Body, maxBody))
	if err != nil { // cut off by the sender
		return
	}
	request, index := r.record(in, body)
	given := request.Answer.give(in.Context(), w)
	r.update(func() {
		if !given {
			return
		}
		r.summary.Answered++
		r.requests[index].AnsweredAt = time.Now()
		if request.Answer.accepts() {
			r.accept(deliveryKey{request.Path, request.ID})
		}
	})
}

// record keeps the request, at the index that it returns, with the answer that it will get.
func (r *Receiver) record(in *http.Request, body []byte) (request Request, index int) {
	request = Request{
		Path: in.URL.Path, ID: in.Header.Get(signing.HeaderID), Header: in.Header.Clone(), Body: body, ReceivedAt: time.Now(),
	}
	r.update(func() {
		if verifier := r.trusted[request.Path]; verifier != nil {
			request.Fault = verifier.Verify(request.Header, body)
		}
		key := deliveryKey{request.Path, request.ID}
		c := r.counts[key]
		c.requests++
		r.counts[key] = c
		request.Number = c.requests
		if request.Answer = r.cfg.Script(request); request.Fault != nil {
			r.summary.BadSignatures++
			request.Answer = Answer{Status: http.StatusUnauthorized}
		}
		if r.cfg.DropBodies {
			request.Body = nil
		}
		r.summary.Requests++
		index = len(r.requests)
		r.requests = append(r.requests, request)
	})
	return request, index
}

func (r *Receiver) accept(key deliveryKey) {
	c := r.counts[key]
	c.accepted++
	r.counts[key] = c
	r.summary.Accepted++
	if c.accepted == 1 {
		r.summary.Deliveries++
	} else {
		r.summary.Duplicates++
	}
}

// update changes what is recorded and wakes who waits.
func (r *Receiver) update(change func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	change()
	close(r.changed)
	r.changed = make(chan struct{})
}
