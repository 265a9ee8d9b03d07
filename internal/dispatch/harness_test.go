package dispatch_test

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"testing"
	"time"

	"github.com/postrider/postrider/internal/dispatch"
	"github.com/postrider/postrider/sender"
	"github.com/postrider/postrider/store"
	"github.com/postrider/postrider/webhook"
)

const eventType = "invoice.paid"

// harness is a dispatcher at work between a real store, real HTTP and a fake engine.
type harness struct {
	*dispatch.Dispatcher
	t      *testing.T
	store  *faultyStore
	engine *fakeEngine
	node   int64
	end    context.CancelFunc
	ended  chan error
	events int // posted so far
}

// start makes a store and an engine and runs a dispatcher between them until the test ends. options
// are applied before the dispatcher runs.
func start(t *testing.T, cfg dispatch.Config, options ...func(*harness)) *harness {
	t.Helper()
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	h := &harness{t: t, store: &faultyStore{Store: openStore(t), read: map[int64]bool{}}, engine: newFakeEngine(ctx)}
	t.Cleanup(func() {
		cancel()
		h.engine.playing.Wait()
	})
	h.run("node 1", cfg, options...)
	return h
}

// playing lets the engine play the workflows' part.
func playing(h *harness) {
	h.engine.set(func(e *fakeEngine) { e.player = h.Dispatcher })
}

// another runs one more dispatcher between the same store and engine.
func (h *harness) another(name string, cfg dispatch.Config, options ...func(*harness)) *harness {
	h.t.Helper()
	other := &harness{t: h.t, store: h.store, engine: h.engine, events: h.events}
	other.run(name, cfg, options...)
	return other
}

func (h *harness) run(name string, cfg dispatch.Config, options ...func(*harness)) {
	h.t.Helper()
	node, err := h.store.RegisterNode(h.t.Context(), name)
	if err != nil {
		h.t.Fatal(err)
	}
	if cfg.MaxCommit == 0 { // the machine may be busy
		cfg.MaxCommit = time.Minute
	}
	if cfg.FirstWait == 0 {
		cfg.FirstWait = time.Minute
	}
	snd := sender.New(sender.Config{Guard: sender.Guard{AllowPrivate: true}})
	h.Dispatcher, err = dispatch.New(node, h.store, snd, h.engine, slog.New(slog.DiscardHandler), nil, cfg)
	if err != nil {
		h.t.Fatal(err)
	}
	h.node = node
	for _, option := range options {
		option(h)
	}
	h.store.set(func(s *faultyStore) { delete(s.read, node) })
	ctx, cancel := context.WithCancel(context.WithoutCancel(h.t.Context()))
	h.end, h.ended = cancel, make(chan error, 1)
	go func() {
		err := h.Run(ctx)
		snd.Close()
		h.ended <- err
	}()
	h.t.Cleanup(func() { _ = h.stop() })
	h.await("it has begun", func() bool { return h.store.hasRead(node) })
}

// stop ends the dispatcher and returns what Run returned.
func (h *harness) stop() error {
	h.end()
	err := <-h.ended
	h.ended <- err // for the next who asks
	return err
}

// await polls until the condition holds.
func (h *harness) await(what string, condition func() bool) {
	h.t.Helper()
	for deadline := time.Now().Add(45 * time.Second); !condition(); time.Sleep(2 * time.Millisecond) { //nolint:forbidigo // polling, as good as an event
		if time.Now().After(deadline) {
			h.t.Fatalf("it did not come about that %s", what)
		}
	}
}

// quick is a policy whose retries come after 10 ms.
func quick(attempts int) webhook.Policy {
	interval := webhook.Duration(10 * time.Millisecond)
	return webhook.Policy{
		InitialInterval: interval, MaximumInterval: interval, BackoffCoefficient: 1,
		MaximumAttempts: attempts, Timeout: webhook.Duration(time.Minute),
	}
}

// endpoint registers a receiver.
func (h *harness) endpoint(r *receiver, changes ...func(*webhook.Endpoint)) webhook.Endpoint {
	h.t.Helper()
	e := newEndpoint(r)
	for _, change := range changes {
		change(&e)
	}
	e, err := h.store.CreateEndpoint(h.t.Context(), e)
	if err != nil {
		h.t.Fatal(err)
	}
	h.EndpointChanged(h.t.Context(), e)
	return e
}

func newEndpoint(r *receiver) webhook.Endpoint {
	now := time.Now()
	return webhook.Endpoint{
		ID: webhook.NewID(webhook.EndpointIDPrefix), Tenant: webhook.DefaultTenant, URL: r.URL, EventTypes: []string{"*"},
		Policy: quick(15), State: webhook.EndpointEnabled, CreatedAt: now, UpdatedAt: now,
		Secrets: []webhook.Secret{{ID: "sec_1", Value: "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", CreatedAt: now}},
	}
}

// change writes the endpoint's state and tells the dispatcher, as the API does.
func (h *harness) change(e webhook.Endpoint, state webhook.EndpointState) {
	h.t.Helper()
	h.EndpointChanged(h.t.Context(), h.changeBehind(e, state))
}

// changeBehind writes the endpoint's state and tells nobody.
func (h *harness) changeBehind(e webhook.Endpoint, state webhook.EndpointState) webhook.Endpoint {
	h.t.Helper()
	var err error
	if state == webhook.EndpointDeleted {
		e, err = h.store.DeleteEndpoint(h.t.Context(), e.Tenant, e.ID, time.Now())
	} else {
		e, err = h.store.UpdateEndpoint(h.t.Context(), e.Tenant, e.ID, func(e *webhook.Endpoint) error {
			e.State = state
			return nil
		})
	}
	if err != nil {
		h.t.Fatal(err)
	}
	return e
}

// post accepts n new events, one call each, and returns them in order.
func (h *harness) post(n int) []webhook.Event {
	h.t.Helper()
	var events []webhook.Event
	for range n {
		h.events++
		events = append(events, h.postAs(webhook.DefaultTenant, fmt.Sprintf("evt_%04d", h.events)))
	}
	return events
}

// postBatch accepts n new events in one call.
func (h *harness) postBatch(n int) []webhook.Event {
	h.t.Helper()
	return h.postBatchAs(webhook.DefaultTenant, n)
}

func (h *harness) postBatchAs(tenant string, n int) []webhook.Event {
	h.t.Helper()
	events := make([]webhook.Event, n)
	for i := range events {
		h.events++
		events[i] = newEvent(tenant, fmt.Sprintf("evt_%04d", h.events))
	}
	results, err := h.Accept(h.t.Context(), events)
	if err != nil {
		h.t.Fatal(err)
	}
	for i := range events {
		events[i].UID = results[i].Event.UID
	}
	return events
}

func (h *harness) postAs(tenant, id string) webhook.Event {
	h.t.Helper()
	event := newEvent(tenant, id)
	results, err := h.Accept(h.t.Context(), []webhook.Event{event})
	if err != nil {
		h.t.Fatal(err)
	}
	if results[0].Status != store.AcceptedNew {
		h.t.Fatalf("event %s: got status %d, want new", id, results[0].Status)
	}
	event.UID = results[0].Event.UID
	return event
}

func newEvent(tenant, id string) webhook.Event {
	return webhook.Event{Tenant: tenant, ID: id, Type: eventType, Data: []byte(`{ "id":"` + id + `" }`)}
}

// row is the delivery as it is stored.
func (h *harness) row(event webhook.Event, endpoint webhook.Endpoint) webhook.Delivery {
	h.t.Helper()
	row, err := h.store.LoadDelivery(h.t.Context(), event.UID, endpoint.Key)
	if err != nil {
		h.t.Fatal(err)
	}
	return row
}

// becomes awaits a delivery's state.
func (h *harness) becomes(event webhook.Event, endpoint webhook.Endpoint, state webhook.DeliveryState) webhook.Delivery {
	h.t.Helper()
	h.await("the delivery is "+string(state), func() bool { return h.row(event, endpoint).State == state })
	return h.row(event, endpoint)
}

// eventsBecome awaits the state of events.
func (h *harness) eventsBecome(events []webhook.Event, state webhook.EventState) {
	h.t.Helper()
	for _, e := range events {
		h.await("event "+e.ID+" is "+string(state), func() bool {
			stored, err := h.store.Event(h.t.Context(), e.Tenant, e.ID)
			if err != nil {
				h.t.Fatal(err)
			}
			return stored.State == state
		})
	}
}

// outbox counts the outbox rows of this node.
func (h *harness) outbox() int64 {
	h.t.Helper()
	backlog, err := h.store.Backlog(h.t.Context(), h.node)
	if err != nil {
		h.t.Fatal(err)
	}
	return backlog.Outbox
}

// allStarted awaits that each event's workflow was started, once, and that the outbox is empty.
func (h *harness) allStarted(events []webhook.Event) {
	h.t.Helper()
	h.await("every workflow is started", func() bool { return len(h.engine.started()) >= len(events) })
	h.await("the outbox is empty", func() bool { return h.outbox() == 0 })
	equal(h.t, "started workflows", sorted(h.engine.started()), sorted(ids(events)))
}

// attempts are the delivery's attempts, oldest first.
func (h *harness) attempts(event webhook.Event) []webhook.Attempt {
	h.t.Helper()
	page, err := h.store.ListAttempts(h.t.Context(), store.AttemptQuery{EventUID: event.UID, PageQuery: store.PageQuery{Limit: 100}})
	if err != nil {
		h.t.Fatal(err)
	}
	slices.SortFunc(page.Data, func(a, b webhook.Attempt) int { return a.Number - b.Number })
	return page.Data
}

func ids(events []webhook.Event) []string {
	var all []string
	for _, e := range events {
		all = append(all, e.WorkflowID())
	}
	return all
}

func sorted(all []string) []string { return slices.Sorted(slices.Values(all)) }

func equal[T comparable](t *testing.T, what string, got, want []T) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("%s:\n got %v\nwant %v", what, got, want)
	}
}
