package dispatch

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/postrider/postrider/activities"
	"github.com/postrider/postrider/internal/telemetry"
	"github.com/postrider/postrider/store"
	"github.com/postrider/postrider/webhook"
)

var _ activities.Dispatcher = (*Dispatcher)(nil)

// FirstAttempts makes an event's first attempts, or says what came of them.
func (d *Dispatcher) FirstAttempts(ctx context.Context, uid int64, endpointKeys []int64) ([]activities.Standing, error) {
	d.awaitFirst(ctx, uid, endpointKeys)
	standings, missing := d.standings(uid, endpointKeys)
	if missing == 0 {
		return standings, nil
	}
	work, err := d.store.LoadWork(ctx, uid, false)
	if err != nil {
		return nil, fmt.Errorf("read the deliveries: %w", err)
	}
	rows := make(map[int64]webhook.Delivery, len(work.Deliveries))
	for _, row := range work.Deliveries {
		rows[row.EndpointKey] = row
	}
	for i, key := range endpointKeys {
		if standings[i].Delivery.EndpointID == "" {
			standings[i].Delivery = rows[key]
		}
	}
	return standings, nil
}

// awaitFirst lets the event's first attempts begin and waits until they are over, for a bounded
// time; hardly at all for those that a gate holds, unless their endpoint is quick, and not for those that its workflow
// was told of before: their news comes by itself.
func (d *Dispatcher) awaitFirst(ctx context.Context, uid int64, endpointKeys []int64) {
	asked := make(map[int64]bool, len(endpointKeys))
	for _, key := range endpointKeys {
		asked[key] = true
	}
	d.mu.Lock()
	ev := d.events[uid]
	if ev == nil {
		d.started.add(uid) // by whichever node
		d.mu.Unlock()
		return
	}
	ev.asked = true
	for _, e := range ev.entries { // of the others it may have been told by another node
		e.parked = e.parked || e.state != finished && !asked[e.row.EndpointKey]
	}
	d.release(ev)
	var wait time.Duration
	for _, e := range ev.entries {
		told := e.parked && !e.nudged // while the outcome is being committed, it is worth waiting for
		if e.state == finished || told || !asked[e.row.EndpointKey] {
			continue
		}
		wait = max(wait, 20*time.Millisecond)
		if e.state == sending || e.queue.isQuick() || d.mayBegin(e.queue) && d.gate(e.queue) == webhook.WaitingForNothing {
			wait = d.cfg.FirstWait
		}
	}
	if wait > 0 && ev.idle == nil {
		ev.idle = make(chan struct{})
	}
	idle := ev.idle
	d.mu.Unlock()
	if wait == 0 {
		return
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-idle:
	case <-timer.C:
	case <-ctx.Done():
	}
}

// standings are those of the deliveries that are in the window; the others are left empty. Who is
// told that a delivery is not over is woken when it is.
func (d *Dispatcher) standings(uid int64, endpointKeys []int64) (standings []activities.Standing, missing int) {
	standings = make([]activities.Standing, len(endpointKeys))
	d.mu.Lock()
	defer d.mu.Unlock()
	ev := d.events[uid]
	if ev == nil {
		return standings, len(endpointKeys)
	}
	byKey := make(map[int64]*entry, len(ev.entries))
	for _, e := range ev.entries {
		byKey[e.row.EndpointKey] = e
	}
	for i, key := range endpointKeys {
		e := byKey[key]
		if e == nil || e.state == finished && d.now().Sub(e.read) > freshFor {
			missing++
			continue
		}
		if e.state != finished {
			e.parked = true
			e.late = e.late || e.nudged
		}
		standings[i] = activities.Standing{Delivery: e.row, InFlight: e.state == sending}
	}
	return standings, missing
}

// Delivery reads one delivery's row.
func (d *Dispatcher) Delivery(ctx context.Context, uid, endpointKey int64) (webhook.Delivery, error) {
	return d.store.LoadDelivery(ctx, uid, endpointKey)
}

// Save writes a delivery that changed without an attempt.
func (d *Dispatcher) Save(ctx context.Context, before, after webhook.Delivery) error {
	after.UpdatedAt = before.UpdatedAt // of the last attempt: the policy's arithmetic goes by it
	_, err := d.apply(ctx, store.Change{Delivery: after, ExpectAttempts: before.Attempts})
	d.outdate(after)
	return err
}

// outdate makes FirstAttempts read a row that the window is done with: it has been changed since.
func (d *Dispatcher) outdate(rows ...webhook.Delivery) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, row := range rows {
		ev := d.events[row.EventUID]
		if ev == nil {
			continue
		}
		for _, e := range ev.entries {
			if e.row.EndpointKey == row.EndpointKey && e.state == finished {
				e.read = time.Time{}
			}
		}
	}
}

// Attempt makes the delivery's next attempt if it may be sent to now and commits what came of it; if
// not, it commits that the delivery waits, and this node sends it when it may.
func (d *Dispatcher) Attempt(ctx context.Context, row webhook.Delivery, lost int) (webhook.Delivery, error) {
	p := parcel{row: row, traceParent: telemetry.TraceParent(ctx), lost: lost}
	p.row.Attempts += lost
	q, slow, why := d.claim(row)
	if why != webhook.WaitingForNothing {
		return d.wait(ctx, p, why)
	}
	if row.State == webhook.DeliveryRetrying && row.Wish == webhook.WishNone {
		d.lane.pace.retry(row.DueAt, time.Now())
	}
	// Committed even if the activity's time is up: the request has been made.
	ctx = context.WithoutCancel(ctx)
	after, result, err := d.attempt(ctx, p)
	d.answered(q, result)
	defer func() {
		d.mu.Lock()
		defer d.mu.Unlock()
		d.free(slow)
	}()
	if err != nil {
		return row, err
	}
	if after.WaitingFor == webhook.WaitingForNothing && result.Outcome != "" {
		after.Reported = after.Attempts
	}
	change := store.Change{Delivery: after, ExpectAttempts: row.Attempts, ClearWish: after.Wish != row.Wish, Attempts: d.attempts(p, after, result)}
	if after.WaitingFor != webhook.WaitingForNothing {
		change.Owner = d.node
	}
	after, err = d.apply(ctx, change)
	d.outdate(row)
	switch {
	case err != nil && result.Outcome != "":
		return row, fmt.Errorf("%w: %w", activities.ErrUnrecorded, err)
	case err != nil:
		return row, err
	}
	d.record(ctx, p, after, result)
	return after, nil
}

// claim takes a place in flight for a retry, or says what it has to wait for. What a person asked
// for does not wait.
func (d *Dispatcher) claim(row webhook.Delivery) (q *queue, slow bool, why webhook.WaitingFor) {
	d.mu.Lock()
	defer d.mu.Unlock()
	q = d.queue(row.EndpointKey)
	if d.stopped || d.lost {
		return q, false, webhook.WaitingForTurn
	}
	if why := d.gate(q); why != webhook.WaitingForNothing && row.Wish == webhook.WishNone {
		return q, false, why
	}
	q.inFlight++
	d.busy++
	if slow = q.isSlow(); slow {
		d.slow++
	}
	return q, slow, webhook.WaitingForNothing
}

// wait leaves the delivery to this node's window.
func (d *Dispatcher) wait(ctx context.Context, p parcel, why webhook.WaitingFor) (webhook.Delivery, error) {
	d.begin(p.row.EventUID) // by whichever node: its workflow asked, and is told to wait
	after := p.row.Wait(why, d.now())
	change := store.Change{
		Delivery: after, ExpectAttempts: p.row.Attempts - p.lost, Owner: d.node,
		Attempts: d.attempts(p, after, webhook.AttemptResult{}),
	}
	if _, err := d.apply(ctx, change); err != nil {
		return p.row, err
	}
	d.outdate(p.row)
	d.load.add(p.row.Tenant, 1, 0)
	d.spill(p.row.EndpointKey)
	return after, nil
}

// RecordWish writes a wish that came from Temporal to the rows.
func (d *Dispatcher) RecordWish(ctx context.Context, uid int64, endpointID string, wish webhook.Wish) error {
	work, err := d.store.LoadWork(ctx, uid, false)
	if err != nil {
		return fmt.Errorf("read the deliveries: %w", err)
	}
	request := store.WishRequest{
		Tenant: work.Event.Tenant, EventID: work.Event.ID, Wish: wish, Owner: d.node, Quiet: true, Now: d.now(),
	}
	if endpointID != "" {
		request.EndpointIDs = []string{endpointID}
	}
	_, rows, err := d.store.Wish(ctx, request)
	switch {
	case errors.Is(err, webhook.Conflict), errors.Is(err, webhook.NotFound): // nothing there to be wished for
		return nil
	case err != nil:
		return err
	}
	d.wished(uid, wish, rows)
	return nil
}

// Settle ends an open delivery for a reason that is no attempt, unless it is in flight here, or waits at another node,
// where it may be: that one does as the wish in the row says.
func (d *Dispatcher) Settle(ctx context.Context, uid, endpointKey int64, state webhook.DeliveryState, reason string) (activities.Standing, error) {
	return d.settle(ctx, uid, endpointKey, state, reason, false)
}

// settle is Settle, which tells the workflow of it if nudge is set.
func (d *Dispatcher) settle(ctx context.Context, uid, endpointKey int64, state webhook.DeliveryState, reason string, nudge bool) (_ activities.Standing, err error) {
	defer func() {
		if err != nil {
			d.spill(endpointKey) // it has been taken out of the window
		}
	}()
	if row, inFlight := d.withdraw(uid, endpointKey); inFlight {
		return activities.Standing{Delivery: row, InFlight: true}, nil
	}
	for range 5 {
		row, err := d.store.LoadDelivery(ctx, uid, endpointKey)
		if err != nil {
			return activities.Standing{}, err
		}
		if row.State.Final() {
			return activities.Standing{Delivery: row}, nil
		}
		after := row.Finish(state, reasonOr(row, reason), d.now())
		if state == webhook.DeliveryExhausted && reason == webhook.ReasonOutcomeUnknown {
			after.LastErrorClass = webhook.ErrorOutcomeUnknown
		}
		_, err = d.apply(ctx, store.Change{Delivery: after, ExpectAttempts: row.Attempts, ClearWish: true, Settler: d.node, Nudge: nudge})
		d.outdate(row)
		if waitsElsewhere(err) {
			return activities.Standing{Delivery: row, InFlight: true}, nil
		}
		if errors.Is(err, webhook.Conflict) {
			continue // somebody was quicker
		}
		if err == nil {
			if nudge {
				d.lane.readWishes()
			}
			if row.WaitingFor != webhook.WaitingForNothing && row.State != webhook.DeliveryHeld {
				d.load.add(row.Tenant, -1, 0)
			}
			d.metrics.Delivery(ctx, after)
		}
		return activities.Standing{Delivery: after}, err
	}
	return activities.Standing{}, &webhook.Error{Kind: webhook.Conflict, Detail: "the delivery keeps changing"}
}

func waitsElsewhere(err error) bool {
	conflict, ok := webhook.AsError(err)
	return ok && conflict.Code == store.WaitsElsewhere
}

// withdraw takes a delivery out of the window, unless it is in flight.
func (d *Dispatcher) withdraw(uid, endpointKey int64) (row webhook.Delivery, inFlight bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	ev := d.events[uid]
	if ev == nil {
		return row, false
	}
	for _, e := range ev.entries {
		if e.row.EndpointKey != endpointKey || e.state == finished {
			continue
		}
		if e.state == sending {
			e.parked = true
			return e.row, true
		}
		row = e.row
		d.finish(e, e.row)
		e.read = time.Time{} // its row is about to change
	}
	return row, false
}
