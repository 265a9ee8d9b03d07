// Package inprocess lets the Temporal server that is embedded in this process be called without a network.
//
// A delivery is two calls: StartWorkflowExecution and RespondWorkflowTaskCompleted. Each crosses loopback twice,
// from the SDK's client to Temporal's frontend service and from there to its history service, and gRPC with HTTP/2
// is the largest part of what a delivery costs. For these two calls the package replaces both crossings, the hops, by
// function calls (bench_test.go: 35 µs of CPU for both instead of 420, and a quarter of the garbage):
//
//	SDK client ──hop──▶ frontend's interceptors and handler ──hop──▶ history's interceptors and handler
//
// All else stays on gRPC: the other methods, and every call by anybody else (the UI, Temporal's command line, other
// nodes), up to the frontend.
//
// A hop does what gRPC does, short of the network (call.go): each side has messages of its own, since both edit
// theirs; what cannot be sent is refused; the handler gets a context of its own with the caller's metadata,
// deadline and cancellation; errors come back as statuses. It runs the server's own interceptors
// again, but for those whose answer cannot change from one call to the next (chains.go lists them all).
//
// Temporal offers no such thing, but it lets an embedder add interceptors, and an interceptor sees the handler that
// it stands before:
//
//   - The frontend's (frontend.go) is kept by an interceptor that is the last of its chain. That it is reached
//     at all means that the call was allowed by all others; it is a pass for calls of the same method in the same
//     namespace, good for a second or two. One call a second goes over gRPC to renew it, so what Temporal forbids, or
//     its end, is noticed within that time.
//   - History's (history.go) is caught by a stream interceptor, out of a stream that Open opens for that alone. The
//     frontend's client of history is wrapped to use it.
//
// Nothing ever fails for want of a handler: as long as none is known, or when a call is one that gRPC would refuse (too
// large, not to be encoded, its context over), it goes over gRPC. guard_test.go tries all assumptions against the
// server and compares each error with gRPC's; run it with every upgrade of Temporal.
package inprocess

import (
	"context"
	"crypto/rand"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"go.temporal.io/server/client"
	"go.temporal.io/server/temporal"
	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"
)

const (
	// secretHeader carries Hops.secret.
	secretHeader = "postrider-in-process"

	// drain is how long Close lets running calls go on, and then again how long it waits for those that it
	// cancelled. Temporal's own services give theirs one and two seconds.
	drain = time.Second
)

// Hops are the shortcuts to one embedded server. Make them with New, start the server with ServerOptions, call Open when
// it runs, and give DialOption to the process's own client. All methods are safe for concurrent use.
type Hops struct {
	logger *slog.Logger
	secret string // tells our own calls from others' where they come over gRPC

	life context.Context //nolint:containedctx // that of all calls; ended by Close
	end  context.CancelFunc

	closing sync.RWMutex // held for writing to set closed
	closed  bool
	running sync.WaitGroup

	chains  atomic.Pointer[chains]
	passes  passes
	history atomic.Pointer[history]

	buffers                     sync.Pool // of *[]byte
	frontendCalls, historyCalls counter
}

// New makes hops that lead nowhere yet. The logger gets what goes wrong with the hops themselves; what goes
// wrong with a call is logged by the server's own logger, as over gRPC.
func New(logger *slog.Logger) *Hops {
	h := &Hops{logger: logger, secret: rand.Text()}
	h.life, h.end = context.WithCancel(context.Background())
	h.buffers.New = func() any { return new([]byte) }
	return h
}

// ServerOptions are for temporal.NewServer. WithChainedFrontendGrpcInterceptors and WithClientFactoryProvider
// replace what an earlier one gave, so no other option may be one of them.
func (h *Hops) ServerOptions() []temporal.ServerOption {
	return []temporal.ServerOption{
		temporal.WithChainedFrontendGrpcInterceptors(h.admit),
		temporal.WithAdditionalStreamInterceptors(h.catch),
		temporal.WithClientFactoryProvider(factoryProvider{client.NewFactoryProvider(), h}),
	}
}

// DialOption is for the process's own client of the embedded server. It must be the last of the client's
// interceptors: those after it see only the calls that go over gRPC.
func (h *Hops) DialOption() grpc.DialOption {
	return grpc.WithChainUnaryInterceptor(h.callFrontend)
}

// Ready reports whether the hop to history is open. The one to the frontend opens with each namespace's first call.
func (h *Hops) Ready() bool { return h.history.Load() != nil && !h.over() }

// Close sends all later calls over gRPC and waits for those that are running, a second at most; then it cancels
// them (they fail as unavailable) and waits as long again. Call it before the server is stopped. It may be called twice.
func (h *Hops) Close() {
	h.closing.Lock()
	h.closed = true
	h.closing.Unlock()
	if h.idleWithin(drain) {
		h.end()
		return
	}
	h.end()
	if !h.idleWithin(drain) {
		h.logger.Warn("calls to the embedded temporal did not end in time")
	}
}

// begin says whether a call may be made in this process; if so, h.running.Done ends it.
func (h *Hops) begin() bool {
	h.closing.RLock()
	defer h.closing.RUnlock()
	if h.closed {
		return false
	}
	h.running.Add(1)
	return true
}

func (h *Hops) over() bool {
	h.closing.RLock()
	defer h.closing.RUnlock()
	return h.closed
}

func (h *Hops) idleWithin(d time.Duration) bool {
	idle := make(chan struct{})
	go func() {
		h.running.Wait()
		close(idle)
	}()
	select {
	case <-idle:
		return true
	case <-time.After(d):
		return false
	}
}

// ours reports whether a call that came over gRPC was made through these hops.
func (h *Hops) ours(ctx context.Context) bool {
	return slices.Contains(metadata.ValueFromIncomingContext(ctx, secretHeader), h.secret)
}

// Stats counts the calls of the two methods since New.
type Stats struct {
	Frontend Count // by the client that has DialOption
	History  Count // by the server's own services
}

// Count is how the calls of one hop went.
type Count struct{ InProcess, OverGRPC int64 }

// Stats returns the counts so far.
func (h *Hops) Stats() Stats { return Stats{h.frontendCalls.count(), h.historyCalls.count()} }

type counter struct{ inProcess, overGRPC atomic.Int64 }

func (c *counter) count() Count { return Count{c.inProcess.Load(), c.overGRPC.Load()} }
