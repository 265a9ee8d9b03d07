// Package dispatch is flow: who may be sent to now. It takes accepted events in, makes first
// attempts over a bounded window of rows, starts and wakes workflows through the engine lane, and
// looks after rows that are overdue. The store has the facts and Temporal has the time; whatever is
// in memory here can be lost at any moment and is read again from the rows.
package dispatch

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/postrider/postrider/internal/telemetry"
	"github.com/postrider/postrider/sender"
	"github.com/postrider/postrider/store"
	"github.com/postrider/postrider/webhook"
)

// Store is the part of the store that the dispatcher needs.
type Store interface {
	store.Events
	store.Dispatch
	store.Endpoints
	store.Nodes
	ID() string
	Ready(ctx context.Context) error
}

// Sender makes one HTTP request. *sender.Sender is one.
type Sender interface {
	Send(ctx context.Context, r sender.Request) webhook.AttemptResult
}

// Dispatcher implements the intake of the API and the activities' Dispatcher.
type Dispatcher struct {
	cfg      Config
	store    Store
	sender   Sender
	engine   Engine
	log      *slog.Logger
	metrics  *telemetry.Metrics
	node     int64
	routes   *routes
	lane     *lane
	load     load
	doubt    doubt
	pressure *pressure

	work chan *entry   // what the senders take; never blocks: capacity is the number of senders
	feed chan struct{} // wakes the feeder

	mu        sync.Mutex
	queues    map[int64]*queue // by endpoint key
	ready     []*queue         // those that have something to send, in turn
	readySlow []*queue         // the slow ones of them
	slowTurn  bool             // it is the turn of one of these
	events    map[int64]*event // by UID: those with something to send, and the latest that are done
	done      []doneEvent      // the latest that are done, oldest first
	doneSize  int              // deliveries of done
	started   ring             // UIDs whose workflow was started lately
	size      int              // deliveries in the window
	bytes     int64            // data in the window
	busy      int              // senders at work, activities included
	quick     int              // those of them with first attempts at endpoints that are quick
	slow      int              // those of them at endpoints that are slow
	starved   bool             // an endpoint has rows to be read for which the window has no room
	stopped   bool             // nothing may be sent any more
	lost      bool             // this node could not say that it is alive

	alive atomic.Pointer[time.Time] // since when it has said so without a gap
}

// New makes the dispatcher of one node. The node must be registered in the store.
func New(node int64, s Store, snd Sender, engine Engine, log *slog.Logger, metrics *telemetry.Metrics, cfg Config) (*Dispatcher, error) {
	cfg = cfg.withDefaults()
	if !cfg.FirstAttempt.Valid() {
		return nil, fmt.Errorf("first attempt %q is none of auto, workflow, ahead", cfg.FirstAttempt)
	}
	d := &Dispatcher{
		cfg: cfg, store: s, sender: snd, engine: engine, log: log, metrics: metrics, node: node,
		work:   make(chan *entry, cfg.Senders),
		feed:   make(chan struct{}, 1),
		queues: map[int64]*queue{},
		events: map[int64]*event{},
	}
	d.routes, d.pressure = newRoutes(s), newPressure(cfg.MaxCommit)
	d.lane = newLane(d)
	return d, nil
}

// Run sends until ctx ends, then lets requests in flight end, for at most the time that their own
// time-outs allow.
func (d *Dispatcher) Run(ctx context.Context) error {
	if err := d.recover(ctx); err != nil {
		return fmt.Errorf("read what is to be sent: %w", err)
	}
	// Requests in flight outlive ctx; everything that only looks for work ends with it.
	sending := context.WithoutCancel(ctx)
	var senders sync.WaitGroup
	for range d.cfg.Senders {
		senders.Go(func() {
			for e := range d.work {
				d.sendEntry(sending, e)
			}
		})
	}
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return d.feedLoop(ctx) })
	group.Go(func() error { return d.lane.run(ctx) })
	group.Go(func() error { return d.sweepLoop(ctx) })
	group.Go(func() error { return d.strayLoop(ctx) })
	group.Go(func() error { return d.stepLoop(ctx) })
	group.Go(func() error { return d.loadLoop(ctx) })
	group.Go(func() error { return d.newsLoop(ctx) })
	group.Go(func() error { return d.doubtLoop(ctx) })
	if d.cfg.Shared {
		group.Go(func() error { return d.aliveLoop(ctx) })
		group.Go(func() error { return d.takeOverLoop(ctx) })
		group.Go(func() error { return d.followLoop(ctx) })
	}
	err := group.Wait()
	d.stop()
	senders.Wait()
	if errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}

// stop ends the senders once what they were handed is sent.
func (d *Dispatcher) stop() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.stopped = true
	close(d.work)
}

// adopt takes over what a node of another name left in a database that is this one's alone: the name was changed, or the
// database copied into another data directory.
func (d *Dispatcher) adopt(ctx context.Context) error {
	const many, whenever = 10_000, -100 * 365 * 24 * time.Hour
	for !d.cfg.Shared {
		rows, _, err := d.store.TakeOver(ctx, d.node, whenever, many)
		if err != nil || rows == 0 {
			return err
		}
		d.log.WarnContext(ctx, "work of an earlier node taken over", telemetry.KeyCount, rows)
	}
	return nil
}

// recover marks every endpoint that has rows to send, so that the feeder reads them.
func (d *Dispatcher) recover(ctx context.Context) error {
	if err := d.adopt(ctx); err != nil {
		return err
	}
	if err := d.countBacklog(ctx); err != nil {
		return err
	}
	keys, err := d.store.WaitingEndpoints(ctx, d.node)
	if err != nil {
		return err
	}
	d.spill(keys...)
	d.lane.readRows()
	return nil
}

// every calls f now and then until ctx ends. An error is logged once until the next success.
func (d *Dispatcher) every(ctx context.Context, interval time.Duration, what string, f func(context.Context) error) error {
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	failing := false
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-ticker.C:
		}
		err := f(ctx)
		if errors.Is(err, errTakenOver) {
			return err
		}
		if err != nil && ctx.Err() == nil && !failing {
			d.log.WarnContext(ctx, "background work does not succeed", "work", what, telemetry.KeyError, err)
		}
		failing = err != nil
	}
}

// now is the time as the store keeps it, so that a row in memory equals the row that was written.
func (d *Dispatcher) now() time.Time { return d.cfg.Now().UTC().Truncate(time.Millisecond) }

func random() float64 { return rand.Float64() } //nolint:gosec // jitter, not secrets

// ring remembers the latest of something.
type ring struct {
	at  int
	all [4096]int64
	set map[int64]struct{}
}

func (r *ring) add(v int64) {
	if r.has(v) {
		return
	}
	if r.set == nil {
		r.set = make(map[int64]struct{}, len(r.all))
	}
	if old := r.all[r.at]; old != 0 {
		delete(r.set, old)
	}
	r.all[r.at], r.at = v, (r.at+1)%len(r.all)
	r.set[v] = struct{}{}
}

func (r *ring) has(v int64) bool { _, ok := r.set[v]; return ok }

// load is what the bounds on intake are measured against.
type load struct {
	waiting atomic.Int64 // deliveries that wait to be sent, as rows
	bytes   atomic.Int64 // their data
	held    atomic.Int64
	outbox  atomic.Int64 // rows, as last counted, and the start rows that came and went since
	tenants sync.Map     // tenant → *atomic.Int64 of waiting deliveries
	diskLow atomic.Bool

	tookOver atomic.Bool // another node's rows, which have to be counted
}

// count takes in what was counted.
func (l *load) count(b store.Backlog) {
	for tenant := range b.Waiting {
		l.tenant(tenant) // is there from now on
	}
	l.each(func(tenant string, n *atomic.Int64) { n.Store(b.Waiting[tenant]) })
	l.waiting.Store(b.AllWaiting())
	l.bytes.Store(b.Bytes)
	l.held.Store(b.Held)
	l.outbox.Store(b.Outbox)
}

func (l *load) add(tenant string, deliveries int, bytes int64) {
	l.waiting.Add(int64(deliveries))
	l.bytes.Add(bytes)
	if t := l.tenant(tenant); t.Add(int64(deliveries)) < 0 {
		t.Store(0) // it was counted between the commit and here
	}
}

// each calls f with what waits of each tenant that has, or had, something waiting.
func (l *load) each(f func(tenant string, n *atomic.Int64)) {
	l.tenants.Range(func(tenant, n any) bool {
		f(tenant.(string), n.(*atomic.Int64)) //nolint:errcheck // nothing else is in there
		return true
	})
}

func (l *load) tenant(id string) *atomic.Int64 {
	if v, ok := l.tenants.Load(id); ok {
		return v.(*atomic.Int64) //nolint:errcheck // nothing else is in there
	}
	v, _ := l.tenants.LoadOrStore(id, new(atomic.Int64))
	return v.(*atomic.Int64) //nolint:errcheck // nothing else is in there
}
