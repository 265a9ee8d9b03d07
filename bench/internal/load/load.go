// Package load is the benchmark's load generator: it posts events and notes when each was sent and answered.
package load

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/postrider/postrider/bench/internal/payload"
)

// Plan says what to post.
type Plan struct {
	URL       string `json:"url"`    // of the API, without a path
	Key       string `json:"key"`    // bearer key
	Tenant    string `json:"tenant"` // empty: the key's
	EventType string `json:"event_type"`
	N         int    `json:"n"`     // events, or 0 with Seconds
	Size      int    `json:"size"`  // bytes of each event's data
	Batch     int    `json:"batch"` // events in a request; 0: one, by POST /v1/events

	// Connections is how many post one request after the other, as fast as they are answered. It is not
	// used with a Rate.
	Connections int `json:"connections"`
	// Rate is how many requests are begun each second, answered or not.
	Rate float64 `json:"rate"`
	// Seconds is how long the Connections post, instead of N.
	Seconds float64 `json:"seconds"`
}

// Lasts is how long the load takes if that is known beforehand, or 0.
func (p Plan) Lasts() time.Duration {
	seconds := p.Seconds
	if p.Rate > 0 {
		seconds = float64(p.requests()) / p.Rate
	}
	return time.Duration(seconds * float64(time.Second))
}

func (p Plan) validate() error {
	switch {
	case p.N > 0 && p.Seconds > 0, p.N < 1 && p.Seconds <= 0:
		return errors.New("a plan needs events or a time")
	case p.Connections < 1 && p.Rate <= 0, p.Connections < 1 && p.Seconds > 0:
		return errors.New("a plan needs connections or, for a number of events, a rate")
	}
	return nil
}

// Post is what became of one posted event.
type Post struct {
	EventID            string
	SentNS, AnsweredNS int64 // of payload.Now
	LateNS             int64 // how long after its time it was sent, with a Rate
	Status             int   // 202: accepted; 0: no answer
	RetryAfter         bool  // the answer had the header Retry-After
}

// requestTimeout is for one request.
const requestTimeout = 30 * time.Second

// Run posts the whole plan. What is not accepted is not tried again.
func Run(ctx context.Context, p Plan) ([]Post, error) {
	return runOver(ctx, p, &http.Transport{MaxIdleConnsPerHost: max(p.Connections, 512), DisableCompression: true})
}

func runOver(ctx context.Context, p Plan, transport http.RoundTripper) ([]Post, error) {
	if err := p.validate(); err != nil {
		return nil, err
	}
	g := newGenerator(p, transport)
	defer g.client.CloseIdleConnections()
	switch {
	case p.Seconds > 0:
		g.untilItEnds(ctx)
	case p.Rate > 0:
		g.atRate(ctx)
	default:
		g.asFastAsAnswered(ctx)
	}
	return g.posts, ctx.Err()
}

type generator struct {
	Plan
	client *http.Client
	posts  []Post // by place in the plan, if it has a number of events; each is written by one goroutine
}

func newGenerator(p Plan, transport http.RoundTripper) *generator {
	p.Batch = max(1, p.Batch)
	return &generator{Plan: p, posts: newPosts(p.N), client: &http.Client{Timeout: requestTimeout, Transport: transport}}
}

// newPosts have IDs that are random, so that no index profits from their order; made beforehand, so that the
// load is only load.
func newPosts(n int) []Post {
	posts := make([]Post, n)
	random := make([]byte, 16)
	for i := range posts {
		_, _ = rand.Read(random) // never fails
		posts[i].EventID = "bench_" + hex.EncodeToString(random)
	}
	return posts
}

// requests is how many the plan needs.
func (p Plan) requests() int { return (p.N + max(1, p.Batch) - 1) / max(1, p.Batch) }

// of is the events of a request.
func (g *generator) of(request int) []Post {
	return g.posts[request*g.Batch : min(g.N, (request+1)*g.Batch)]
}

func (g *generator) asFastAsAnswered(ctx context.Context) {
	var next atomic.Int64
	var all sync.WaitGroup
	for range g.Connections {
		all.Go(func() {
			var buffer []byte
			for ctx.Err() == nil {
				i := int(next.Add(1)) - 1
				if i >= g.requests() {
					return
				}
				buffer = g.post(ctx, buffer[:0], g.of(i), 0)
			}
		})
	}
	all.Wait()
}

// untilItEnds posts as fast as events are answered, refused ones too, until the time is over.
func (g *generator) untilItEnds(ctx context.Context) {
	end := payload.Now() + g.Lasts().Nanoseconds()
	posted := make([][]Post, g.Connections)
	var all sync.WaitGroup
	for i := range posted {
		all.Go(func() {
			var buffer []byte
			for ctx.Err() == nil && payload.Now() < end {
				posts := newPosts(g.Batch)
				buffer = g.post(ctx, buffer[:0], posts, 0)
				posted[i] = append(posted[i], posts...)
			}
		})
	}
	all.Wait()
	g.posts = slices.Concat(posted...)
}

// atRate begins each request at its time, whatever became of those before: a slow answer must not thin
// out the load (the "coordinated omission" of closed loops).
func (g *generator) atRate(ctx context.Context) {
	var all sync.WaitGroup
	defer all.Wait()
	start := payload.Now()
	timer := time.NewTimer(0)
	defer timer.Stop()
	for i := range g.requests() {
		due := start + int64(float64(i)*float64(time.Second)/g.Rate)
		timer.Reset(time.Duration(due - payload.Now()))
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		}
		all.Go(func() { g.post(ctx, nil, g.of(i), due) })
	}
}

// post sends events in one request and notes what became of them. The buffer may be used again after.
func (g *generator) post(ctx context.Context, buffer []byte, events []Post, due int64) []byte {
	sent := payload.Now()
	buffer, path := g.body(buffer, events, sent)
	answer, err := g.send(ctx, path, buffer)
	answered := payload.Now()
	if err != nil {
		answer.status = 0
	}
	for i := range events {
		events[i].SentNS, events[i].AnsweredNS = sent, answered
		events[i].Status, events[i].RetryAfter = answer.status, answer.retryAfter
		if due != 0 {
			events[i].LateNS = sent - due
		}
	}
	return buffer
}

func (g *generator) body(b []byte, events []Post, sent int64) (body []byte, path string) {
	if g.Batch == 1 {
		return g.event(b, events[0].EventID, sent), "/v1/events"
	}
	for i, e := range events {
		b = append(b, "[,"[min(i, 1)])
		b = g.event(b, e.EventID, sent)
	}
	return append(b, ']'), "/v1/events/batch"
}

func (g *generator) event(b []byte, id string, sent int64) []byte {
	b = fmt.Appendf(b, `{"id":%q,"type":%q,`, id, g.EventType)
	if g.Tenant != "" {
		b = fmt.Appendf(b, `"tenant":%q,`, g.Tenant)
	}
	b = append(b, `"data":`...)
	b = payload.Append(b, sent, g.Size)
	return append(b, '}')
}
