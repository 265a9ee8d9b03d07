package dispatch_test

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/postrider/postrider/activities"
	"github.com/postrider/postrider/internal/dispatch"
	"github.com/postrider/postrider/webhook"
	"github.com/postrider/postrider/workflows"
)

// fakeEngine is Temporal for these tests: it remembers what it was told, can be away, slow or
// overloaded, and plays the workflows' part if it is given a dispatcher to play it with.
type fakeEngine struct {
	mu       sync.Mutex
	runs     map[string]*fakeRun
	starts   []workflows.DeliverEventInput // that went well
	again    int                           // starts answered with ErrStarted
	signals  []fakeSignal                  // that went well
	lookups  []string                      // workflows that were asked about
	fault    func(calls int) error         // asked at every call, with how many are under way
	delay    <-chan struct{}               // calls wait for it; nil: they do not
	script   map[string]dispatch.Description
	player   activities.Dispatcher // nil: workflows do nothing
	calls    int
	mostCall int

	ctx     context.Context
	playing sync.WaitGroup
}

type fakeSignal struct {
	workflow string
	name     string
	payload  any
}

// fakeRun is a workflow.
type fakeRun struct {
	in     workflows.DeliverEventInput
	open   bool
	cancel bool // the signal came
	news   chan struct{}
}

func newFakeEngine(ctx context.Context) *fakeEngine {
	return &fakeEngine{ctx: ctx, runs: map[string]*fakeRun{}, script: map[string]dispatch.Description{}}
}

// set changes how the engine behaves.
func (e *fakeEngine) set(change func(*fakeEngine)) {
	e.mu.Lock()
	defer e.mu.Unlock()
	change(e)
}

// leave makes the engine unreachable until back is called.
func (e *fakeEngine) leave() (back func()) {
	e.set(func(e *fakeEngine) {
		e.fault = func(int) error { return webhook.Errorf(webhook.Unavailable, "", "nobody there") }
	})
	return func() { e.set(func(e *fakeEngine) { e.fault = nil }) }
}

func (e *fakeEngine) enter(ctx context.Context) error {
	e.mu.Lock()
	e.calls++
	e.mostCall = max(e.mostCall, e.calls)
	fault, delay, calls := e.fault, e.delay, e.calls
	e.mu.Unlock()
	if delay != nil {
		select {
		case <-delay:
		case <-ctx.Done():
			return webhook.Errorf(webhook.Unavailable, "", "no answer")
		}
	}
	if fault != nil {
		return fault(calls)
	}
	return nil
}

func (e *fakeEngine) exit() { e.set(func(e *fakeEngine) { e.calls-- }) }

func (e *fakeEngine) Start(ctx context.Context, in workflows.DeliverEventInput, again bool) error {
	defer e.exit()
	if err := e.enter(ctx); err != nil {
		return err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	id := webhook.WorkflowID(in.Tenant, in.EventID)
	if r := e.runs[id]; r != nil && (r.open || !again) {
		e.again++
		return dispatch.ErrStarted
	}
	r := &fakeRun{in: in, open: true, news: make(chan struct{})}
	e.runs[id] = r
	e.starts = append(e.starts, in)
	if player := e.player; player != nil {
		e.playing.Go(func() { e.play(player, r) })
	}
	return nil
}

func (e *fakeEngine) Signal(ctx context.Context, id, name string, payload any) error {
	defer e.exit()
	if err := e.enter(ctx); err != nil {
		return err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	r := e.runs[id]
	if r == nil || !r.open {
		return dispatch.ErrNoWorkflow
	}
	e.signals = append(e.signals, fakeSignal{id, name, payload})
	r.cancel = r.cancel || name == workflows.SignalCancel
	close(r.news)
	r.news = make(chan struct{})
	return nil
}

func (e *fakeEngine) Describe(ctx context.Context, id string) (dispatch.Description, error) {
	defer e.exit()
	if err := e.enter(ctx); err != nil {
		return dispatch.Description{}, err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.lookups = append(e.lookups, id)
	if d, ok := e.script[id]; ok {
		return d, nil
	}
	r := e.runs[id]
	if r == nil {
		return dispatch.Description{}, dispatch.ErrNoWorkflow
	}
	d := dispatch.Description{UID: r.in.UID, Generation: r.in.Generation}
	d.Status = "Running"
	if !r.open {
		d.Status = "Completed"
	}
	return d, nil
}

func (e *fakeEngine) Running(ctx context.Context, page []byte) (uids []int64, next []byte, err error) {
	defer e.exit()
	if err := e.enter(ctx); err != nil {
		return nil, nil, err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, id := range slices.Sorted(maps.Keys(e.runs)) {
		if !e.runs[id].open || id <= string(page) {
			continue
		}
		if len(uids) == 2 {
			return uids, next, nil
		}
		uids, next = append(uids, e.runs[id].in.UID), []byte(id)
	}
	return uids, nil, nil
}

// play is one workflow: it asks how its deliveries stand, waits for news of those that others
// send, and makes the retries of the rest.
func (e *fakeEngine) play(d activities.Dispatcher, r *fakeRun) {
	var all sync.WaitGroup
	for _, endpoint := range r.in.Endpoints {
		if endpoint.Outcome == nil || !endpoint.Outcome.Status.Final() {
			all.Go(func() { e.deliver(d, r, endpoint.Key) })
		}
	}
	all.Wait()
	e.set(func(*fakeEngine) { r.open = false })
}

func (e *fakeEngine) deliver(d activities.Dispatcher, r *fakeRun, key int64) {
	for e.ctx.Err() == nil {
		e.mu.Lock()
		news, cancelled := r.news, r.cancel
		e.mu.Unlock()
		standings, err := d.FirstAttempts(e.ctx, r.in.UID, []int64{key})
		if err != nil || len(standings) != 1 {
			e.wait(nil, 10*time.Millisecond)
			continue
		}
		row, parked := standings[0].Delivery, standings[0].InFlight || standings[0].Delivery.WaitingFor != webhook.WaitingForNothing
		switch {
		case row.State.Final():
			return
		case cancelled && !standings[0].InFlight:
			_, _ = d.Settle(e.ctx, r.in.UID, key, webhook.DeliveryCancelled, webhook.ReasonCancelled)
		case parked:
			e.wait(news, time.Hour)
		case row.Attempts > row.Reported:
			after := row
			after.Reported, after.Base = row.Attempts, row.Attempts-1
			_ = d.Save(e.ctx, row, after)
		case row.Wish == webhook.WishNone && time.Until(row.DueAt) > 0:
			e.wait(news, time.Until(row.DueAt))
		default:
			_, _ = d.Attempt(e.ctx, row, 0)
		}
	}
}

func (e *fakeEngine) wait(news <-chan struct{}, most time.Duration) {
	timer := time.NewTimer(most)
	defer timer.Stop()
	select {
	case <-news:
	case <-timer.C:
	case <-e.ctx.Done():
	}
}

// started are the IDs of the workflows that were started, in order.
func (e *fakeEngine) started() []string {
	e.mu.Lock()
	defer e.mu.Unlock()
	var ids []string
	for _, in := range e.starts {
		ids = append(ids, webhook.WorkflowID(in.Tenant, in.EventID))
	}
	return ids
}

// signalled are the signals that a workflow got.
func (e *fakeEngine) signalled(id string) []fakeSignal {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(e.signals), func(s fakeSignal) bool { return s.workflow != id })
}

// lookedAt reports whether it was asked about a workflow.
func (e *fakeEngine) lookedAt(id string) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.Contains(e.lookups, id)
}

// open are how many workflows have not closed.
func (e *fakeEngine) open() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	n := 0
	for _, r := range e.runs {
		if r.open {
			n++
		}
	}
	return n
}

// mostCalls is how many calls were under way at once at most since it was last asked.
func (e *fakeEngine) mostCalls() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	most := e.mostCall
	e.mostCall = e.calls
	return most
}
