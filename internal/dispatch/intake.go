package dispatch

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/postrider/postrider/internal/telemetry"
	"github.com/postrider/postrider/store"
	"github.com/postrider/postrider/webhook"
)

// Accept stores events and sees to their delivery; of each event, Tenant, ID, Type, Data and
// TraceParent are given. The answer has one entry for each, with the endpoint IDs also of new ones.
// RateLimited or Unavailable, with RetryAfter, when the intake refuses. Of several events some may have been stored then, which are
// delivered; whoever posts all again is told that these are there.
func (d *Dispatcher) Accept(ctx context.Context, events []webhook.Event) ([]store.Accepted, error) {
	return d.accept(ctx, events, "")
}

// Test sends an event of type webhook.TestEventType to this endpoint only.
func (d *Dispatcher) Test(ctx context.Context, e webhook.Endpoint) (store.Accepted, error) {
	event := webhook.Event{
		Tenant: e.Tenant, ID: webhook.NewID(webhook.EventIDPrefix), Type: webhook.TestEventType,
		Data:        []byte(`{"message":"this is a test event"}`),
		TraceParent: telemetry.TraceParent(ctx),
	}
	results, err := d.accept(ctx, []webhook.Event{event}, e.ID)
	if err != nil {
		return store.Accepted{}, err
	}
	results[0].Event.Tenant, results[0].Event.ID, results[0].Event.Type = event.Tenant, event.ID, event.Type
	return results[0], nil
}

// accept is Accept, to one endpoint only if one is named.
func (d *Dispatcher) accept(ctx context.Context, events []webhook.Event, endpointID string) ([]store.Accepted, error) {
	if err := d.refuse(events); err != nil {
		d.pressure.noteRefusal(time.Now())
		d.metrics.Accepted(ctx, telemetry.IntakeRefused, len(events))
		return nil, err
	}
	batch := &batch{endpointID: endpointID, results: make([]store.Accepted, len(events)), sent: make([]store.NewEvent, len(events)), routes: make([][]*route, len(events))}
	now := d.now()
	open := make([]int, len(events))
	for i, e := range events {
		open[i] = i
		batch.results[i].Status = store.AcceptedStale // until it is stored
		batch.sent[i] = store.NewEvent{
			Tenant: e.Tenant, ID: e.ID, Type: e.Type, Data: e.Data, TraceParent: e.TraceParent,
			Fingerprint: webhook.FingerprintOf(e.Type, e.Data), CreatedAt: now, Owner: d.node,
		}
	}
	err := d.acceptAll(ctx, batch, open)
	d.takeIn(ctx, batch)
	if err != nil {
		return nil, err
	}
	return batch.results, nil
}

// acceptAll stores the events with the given indexes. Endpoints that changed meanwhile are read again; that they change three
// times in a row within a commit's time is a storm, and the caller may come again.
func (d *Dispatcher) acceptAll(ctx context.Context, b *batch, open []int) (err error) {
	for range 4 {
		if open, err = d.acceptSome(ctx, b, open); err != nil || len(open) == 0 {
			return err
		}
	}
	return &webhook.Error{Kind: webhook.Unavailable, Code: "endpoints_changing", Detail: "the tenant's endpoints are being changed; try again", RetryAfter: time.Second}
}

// batch is what one call of Accept works on; all slices go by the event's index.
type batch struct {
	endpointID string // not empty: only to this one, whatever it subscribes to
	sent       []store.NewEvent
	routes     [][]*route
	results    []store.Accepted
}

// acceptSome stores the events with the given indexes and returns those of stale endpoints.
func (d *Dispatcher) acceptSome(ctx context.Context, b *batch, indexes []int) ([]int, error) {
	events := make([]store.NewEvent, len(indexes))
	for n, i := range indexes {
		if err := d.route(ctx, b, i); err != nil {
			return nil, err
		}
		events[n] = b.sent[i]
	}
	leave, err := d.pressure.enter(events, time.Now())
	if err != nil {
		d.metrics.Accepted(ctx, telemetry.IntakeRefused, len(events))
		return nil, err
	}
	results, err := d.store.Accept(ctx, events)
	leave(time.Now())
	if err != nil {
		d.doubt.raise(time.Now())
		return nil, &webhook.Error{Kind: webhook.Unavailable, Code: "store_unavailable", Detail: "events can't be stored just now", RetryAfter: time.Second, Cause: err}
	}
	var stale []int
	for n, i := range indexes {
		b.results[i] = results[n]
		if results[n].Status == store.AcceptedStale {
			d.routes.forget(b.sent[i].Tenant)
			stale = append(stale, i)
		}
	}
	return stale, nil
}

// route fills in an event's deliveries.
func (d *Dispatcher) route(ctx context.Context, b *batch, i int) error {
	e := &b.sent[i]
	version, routes, err := d.routes.subscribed(ctx, e.Tenant, e.Type, b.endpointID)
	if err != nil {
		return &webhook.Error{Kind: webhook.Unavailable, Code: "store_unavailable", Detail: "endpoints can't be read just now", RetryAfter: time.Second, Cause: err}
	}
	e.EndpointsVersion, b.routes[i] = version, routes
	e.Deliveries = make([]store.NewDelivery, len(routes))
	for n, r := range routes {
		e.Deliveries[n] = store.NewDelivery{EndpointKey: r.Key, Policy: r.Policy, WaitingFor: waitingFor(r.State)}
	}
	return nil
}

// waitingFor is what a delivery to an endpoint in this state waits for.
func waitingFor(s webhook.EndpointState) webhook.WaitingFor {
	switch s {
	case webhook.EndpointPaused:
		return webhook.WaitingForPaused
	case webhook.EndpointDisabled:
		return webhook.WaitingForDisabled
	default:
		return webhook.WaitingForTurn
	}
}

// takeIn puts what was stored into the window and starts its delivery.
func (d *Dispatcher) takeIn(ctx context.Context, b *batch) {
	if !slices.ContainsFunc(b.results, isStored) {
		return
	}
	byWorkflow := d.cfg.FirstAttempt == ByWorkflow || d.cfg.FirstAttempt == Auto && d.lane.free(len(b.sent))
	var fresh []*event
	d.mu.Lock()
	for i := range b.results {
		if b.results[i].Status != store.AcceptedNew {
			continue
		}
		fresh = append(fresh, d.newEvent(b, i, byWorkflow))
		if n := waiting(b.sent[i].Deliveries); n > 0 { // before it is sent, and taken off again
			d.load.add(b.sent[i].Tenant, n, int64(len(b.sent[i].Data)))
		}
	}
	d.load.outbox.Add(int64(len(fresh)))
	d.lane.takeIn(fresh, byWorkflow)
	d.pump()
	d.mu.Unlock()
	for _, r := range b.results {
		if isStored(r) {
			d.metrics.Accepted(ctx, acceptStatus(r.Status), 1)
		}
	}
}

// isStored reports whether the store has said what it did with the event.
func isStored(a store.Accepted) bool { return a.Status != store.AcceptedStale }

// waiting counts the deliveries that are not born held.
func waiting(deliveries []store.NewDelivery) int {
	n := 0
	for _, d := range deliveries {
		if d.WaitingFor == webhook.WaitingForTurn {
			n++
		}
	}
	return n
}

// newEvent needs d.mu.
func (d *Dispatcher) newEvent(b *batch, i int, byWorkflow bool) *event {
	e, result := &b.sent[i], &b.results[i]
	ev := d.events[result.Event.UID]
	if ev == nil {
		ev = &event{
			Event: webhook.Event{
				UID: result.Event.UID, Tenant: e.Tenant, ID: e.ID, Type: e.Type, Data: e.Data, Size: len(e.Data),
				TraceParent: e.TraceParent, Generation: 1, CreatedAt: e.CreatedAt,
			},
			reserved: byWorkflow,
		}
	}
	ev.seq = result.OutboxSeq
	result.EndpointIDs = make([]string, len(b.routes[i]))
	for n, r := range b.routes[i] {
		result.EndpointIDs[n] = r.ID
		row := webhook.Delivery{
			EventUID: ev.UID, EndpointKey: r.Key, Tenant: ev.Tenant, EventID: ev.ID, EventType: ev.Type, EndpointID: r.ID,
			State: webhook.DeliveryPending, WaitingFor: e.Deliveries[n].WaitingFor, Budget: r.Policy.MaximumAttempts,
			Policy: r.Policy, DueAt: ev.CreatedAt, CreatedAt: ev.CreatedAt, UpdatedAt: ev.CreatedAt,
		}
		if row.WaitingFor != webhook.WaitingForTurn {
			ev.partial = true // held: a row only
			continue
		}
		if ev.has(r.Key) {
			continue // the feeder read the row before we came here
		}
		if entry := d.admit(ev, row); entry != nil && !ev.reserved {
			d.enqueue(entry)
		}
	}
	if len(ev.entries) == 0 {
		ev.Data = nil
	}
	d.events[ev.UID] = ev
	if ev.open == 0 {
		d.keepDone(ev)
	}
	return ev
}

func acceptStatus(s store.AcceptStatus) telemetry.Intake {
	switch s {
	case store.AcceptedDuplicate:
		return telemetry.IntakeDuplicate
	case store.AcceptedConflict:
		return telemetry.IntakeConflict
	default:
		return telemetry.IntakeNew
	}
}

// Wish commits what a person asks of an event and wakes what has to act on it.
func (d *Dispatcher) Wish(ctx context.Context, w store.WishRequest) (webhook.Event, []webhook.Delivery, error) {
	w.Owner, w.Now = d.node, d.now()
	event, rows, err := d.store.Wish(ctx, w)
	if err != nil {
		return event, rows, fmt.Errorf("note the wish to %s: %w", w.Wish, err)
	}
	d.wished(event.UID, w.Wish, rows)
	d.lane.readRows()
	return event, rows, nil
}

// lookAtWishes tells the window of wishes that another node has written to rows of this one's.
func (d *Dispatcher) lookAtWishes(ctx context.Context, uid int64) error {
	work, err := d.store.LoadWork(ctx, uid, false)
	if errors.Is(err, webhook.NotFound) {
		return nil // deleted by retention
	}
	if err != nil {
		return fmt.Errorf("read the deliveries: %w", err)
	}
	d.begin(uid) // its workflow may have been told of the wish, and be waiting for what comes of it
	for _, row := range work.Deliveries {
		if row.Wish == webhook.WishNone || row.WaitingFor == webhook.WaitingForNothing {
			continue
		}
		d.wished(uid, row.Wish, []webhook.Delivery{row})
		d.park(uid, row.EndpointKey)
		if row.Wish == webhook.WishCancel {
			if _, err := d.settle(ctx, uid, row.EndpointKey, webhook.DeliveryCancelled, webhook.ReasonCancelled, true); err != nil {
				return fmt.Errorf("cancel a delivery: %w", err)
			}
		}
	}
	return nil
}

// park notes that a delivery's workflow waits to be told of its outcome.
func (d *Dispatcher) park(uid, endpointKey int64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if ev := d.events[uid]; ev != nil {
		if e := ev.toBeSent(endpointKey); e != nil {
			e.parked = true
		}
	}
}

// wished tells the window of wishes that are in the rows.
func (d *Dispatcher) wished(uid int64, wish webhook.Wish, rows []webhook.Delivery) {
	d.outdate(rows...)
	d.mu.Lock()
	defer d.mu.Unlock()
	ev := d.events[uid]
	for _, row := range rows {
		if ev != nil {
			if there := ev.toBeSent(row.EndpointKey); there != nil {
				there.row.Wish = wish
			}
		}
		if wish != webhook.WishRetry || row.WaitingFor == webhook.WaitingForNothing || row.State == webhook.DeliveryHeld {
			continue
		}
		if !d.hasten(uid, row.EndpointKey) {
			q := d.queue(row.EndpointKey)
			q.wanted = append(q.wanted, uid)
			d.wakeFeeder()
		}
	}
	d.pump()
}
