package dispatch

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/postrider/postrider/internal/telemetry"
	"github.com/postrider/postrider/sender"
	"github.com/postrider/postrider/store"
	"github.com/postrider/postrider/webhook"
)

// parcel is all that one attempt needs.
type parcel struct {
	row         webhook.Delivery // its Attempts include the lost ones
	data        []byte           // nil: read it
	traceParent string
	lost        int  // attempts before this one that were begun and never recorded
	settled     bool // somebody else saw to it: there is nothing to commit
}

// freshFor is how long a row in memory is good for without being read again.
const freshFor = time.Second

// sendEntry makes the attempt that the window handed out and commits what came of it.
func (d *Dispatcher) sendEntry(ctx context.Context, e *entry) {
	p, row, result, err := d.sendRow(ctx, e)
	d.answered(e.queue, result)
	if err == nil && !p.settled {
		row, err = d.commitRow(ctx, e, p, row, result)
	}
	if err != nil {
		d.log.WarnContext(ctx, "delivery not sent or its outcome not written", telemetry.KeyTenant, row.Tenant,
			telemetry.KeyEvent, row.EventID, telemetry.KeyEndpoint, row.EndpointID, telemetry.KeyError, err)
		d.setBack(e)
		return
	}
	d.mu.Lock()
	// Meanwhile, its workflow may have been told to wait, or a person may have cancelled it.
	wake := e.waitedFor() && !e.nudged || e.late
	cancelled := e.row.Wish == webhook.WishCancel && row.State == webhook.DeliveryHeld
	d.sent(e, row)
	if row.State == webhook.DeliveryRetrying || row.State == webhook.DeliveryHeld {
		d.lane.movedUp(e.event, row)
	}
	var bytes int64
	if e.event.open == 0 {
		bytes = int64(e.event.Size)
	}
	d.mu.Unlock()
	d.load.add(row.Tenant, -1, -bytes)
	if wake {
		d.lane.signalOutcome(row.EventUID, row.EndpointID)
	}
	if cancelled {
		_, err := d.settle(ctx, row.EventUID, row.EndpointKey, webhook.DeliveryCancelled, webhook.ReasonCancelled, true)
		if err != nil {
			d.log.WarnContext(ctx, "held delivery not cancelled", telemetry.KeyEvent, row.EventID, telemetry.KeyEndpoint, row.EndpointID, telemetry.KeyError, err)
		}
	}
}

// setBack makes the feeder read the row again: what is in memory can't be trusted.
func (d *Dispatcher) setBack(e *entry) {
	d.mu.Lock()
	defer d.mu.Unlock()
	e.event.partial = true
	d.sent(e, e.row)
	e.queue.leaveOut(e.row.EventUID)
}

// sendRow makes the attempt, if the row still asks for one, and computes the row that follows.
func (d *Dispatcher) sendRow(ctx context.Context, e *entry) (parcel, webhook.Delivery, webhook.AttemptResult, error) {
	var none webhook.AttemptResult
	d.mu.Lock()
	p := parcel{row: e.row, data: e.event.Data, traceParent: e.event.TraceParent}
	read := e.read
	d.mu.Unlock()
	if d.now().Sub(read) > freshFor {
		row, err := d.store.LoadDelivery(ctx, p.row.EventUID, p.row.EndpointKey)
		switch {
		case errors.Is(err, webhook.NotFound): // deleted by retention
			p.settled = true
			return p, p.row.Finish(webhook.DeliveryExpired, webhook.ReasonHeldTooLong, d.now()), none, nil
		case err != nil:
			return p, p.row, none, fmt.Errorf("read the delivery: %w", err)
		case row.State.Final() || row.WaitingFor == webhook.WaitingForNothing:
			p.settled = true
			return p, row, none, nil
		}
		p.row = row
	}
	after, result, err := d.attempt(ctx, p)
	return p, after, result, err
}

// commitRow commits what came of an attempt. The row that it returns is what is stored.
func (d *Dispatcher) commitRow(ctx context.Context, e *entry, p parcel, after webhook.Delivery, result webhook.AttemptResult) (webhook.Delivery, error) {
	change := store.Change{Delivery: after, ExpectAttempts: p.row.Attempts - p.lost, ClearWish: after.Wish != p.row.Wish}
	change.Attempts = d.attempts(p, after, result)
	change.Failed = after.State == webhook.DeliveryRetrying || after.State == webhook.DeliveryHeld
	change.Nudge = d.mustNudge(e)
	stored, err := d.apply(ctx, change)
	if err != nil {
		return stored, err
	}
	if change.Nudge {
		d.lane.readWishes()
	}
	d.record(ctx, p, after, result)
	return stored, nil
}

// mustNudge decides whether the delivery's workflow has to be woken by what is about to be
// committed: it was told to wait, or it may have been told so by another node.
func (d *Dispatcher) mustNudge(e *entry) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	e.nudged = e.waitedFor()
	return e.nudged
}

// waitedFor reports whether a workflow was told to wait for the delivery's outcome, or may have been
// by another node; needs d.mu.
func (e *entry) waitedFor() bool { return e.parked || e.event.begun && !e.event.asked }

// attempt makes one request if the endpoint may be sent to, and computes the row that follows.
// Without a request the result is empty.
func (d *Dispatcher) attempt(ctx context.Context, p parcel) (webhook.Delivery, webhook.AttemptResult, error) {
	row := p.row
	var none webhook.AttemptResult
	endpoint, err := d.routes.byKey(ctx, row.EndpointKey, d.now())
	if err != nil {
		return row, none, err
	}
	switch {
	case row.Wish == webhook.WishCancel:
		return row.Finish(webhook.DeliveryCancelled, reasonOr(row, webhook.ReasonCancelled), d.now()), none, nil
	case endpoint.State == webhook.EndpointDeleted:
		return row.Finish(webhook.DeliveryCancelled, webhook.ReasonEndpointDeleted, d.now()), none, nil
	case endpoint.State != webhook.EndpointEnabled:
		return row.Wait(waitingFor(endpoint.State), d.now()), none, nil
	}
	if p.data == nil {
		if p.data, err = d.store.EventData(ctx, row.EventUID); err != nil {
			if errors.Is(err, webhook.NotFound) {
				return row.Finish(webhook.DeliveryCancelled, webhook.ReasonExpunged, d.now()), none, nil
			}
			return row, none, fmt.Errorf("read the event's data: %w", err)
		}
	}
	result := d.sender.Send(ctx, sender.Request{
		URL: endpoint.URL, EventID: row.EventID, Body: p.data, Headers: endpoint.Headers, Keys: endpoint.keys,
		TraceParent: p.traceParent, Timeout: time.Duration(row.Policy.Timeout), Number: row.Attempts + 1,
	})
	after := row.Apply(result, d.now(), random())
	if after.WaitingFor == webhook.WaitingForDisabled {
		d.disable(ctx, endpoint)
	}
	return after, result, nil
}

func reasonOr(row webhook.Delivery, reason string) string {
	if row.Reason != "" {
		return row.Reason
	}
	return reason
}

// disable takes an endpoint that answered 410 Gone out of use. Should the write fail, the next
// delivery gets the same answer.
func (d *Dispatcher) disable(ctx context.Context, r *route) {
	endpoint, err := d.store.UpdateEndpoint(ctx, r.Tenant, r.ID, func(e *webhook.Endpoint) error {
		if e.State == webhook.EndpointEnabled {
			e.State, e.DisabledReason = webhook.EndpointDisabled, "the receiver answered 410 Gone"
		}
		return nil
	})
	if err != nil {
		d.log.WarnContext(ctx, "endpoint not disabled", telemetry.KeyEndpoint, r.ID, telemetry.KeyError, err)
		return
	}
	d.routes.changed(endpoint)
}

// attempts are the rows to append: those that were lost before this one, and the one that was made.
func (d *Dispatcher) attempts(p parcel, after webhook.Delivery, result webhook.AttemptResult) []webhook.Attempt {
	var all []webhook.Attempt
	for n := range p.lost {
		a := newAttempt(after, p.row.Attempts-p.lost+n+1, d.now())
		a.Outcome, a.ErrorClass = webhook.OutcomeUnknown, webhook.ErrorOutcomeUnknown
		a.Error = "the worker stopped while the request was under way"
		all = append(all, a)
	}
	if result.Outcome == "" {
		return all
	}
	a := newAttempt(after, after.Attempts, result.StartedAt)
	a.Outcome, a.Status, a.ErrorClass, a.Error = result.Outcome, result.Status, result.ErrorClass, result.Error
	a.RequestHeaders, a.ResponseHeaders, a.ResponseBody = result.RequestHeaders, result.ResponseHeaders, result.ResponseBody
	a.Duration = result.Duration
	return append(all, a)
}

func newAttempt(d webhook.Delivery, number int, startedAt time.Time) webhook.Attempt {
	return webhook.Attempt{
		ID: webhook.NewID(webhook.AttemptIDPrefix), EventUID: d.EventUID, EndpointKey: d.EndpointKey, Tenant: d.Tenant,
		EventID: d.EventID, EventType: d.EventType, EndpointID: d.EndpointID, Number: number, StartedAt: startedAt,
	}
}

// apply commits a change. A result that can't be written now is tried again for a while: the
// request has been made, and forgetting it would make it again.
func (d *Dispatcher) apply(ctx context.Context, change store.Change) (webhook.Delivery, error) {
	pause := 20 * time.Millisecond
	for deadline := time.Now().Add(commitPatience); ; pause = min(2*pause, time.Second) {
		err := d.store.Apply(ctx, []store.Change{change})[0]
		switch {
		case err == nil:
			return change.Delivery, nil
		case errors.Is(err, webhook.Conflict), errors.Is(err, webhook.NotFound):
			return change.Delivery, fmt.Errorf("write the delivery: %w", err)
		case time.Now().After(deadline) || ctx.Err() != nil || len(change.Attempts) == 0:
			return change.Delivery, fmt.Errorf("write the delivery: %w", err)
		}
		timer := time.NewTimer(pause)
		select {
		case <-ctx.Done():
			timer.Stop()
		case <-timer.C:
		}
	}
}

// commitPatience is within what the workflow gives an attempt beyond its time-out.
const commitPatience = 8 * time.Second

// record tells the metrics of what was committed.
func (d *Dispatcher) record(ctx context.Context, p parcel, after webhook.Delivery, result webhook.AttemptResult) {
	if result.Outcome != "" {
		d.metrics.Attempt(ctx, result, p.row.Attempts == 0)
	}
	if after.State != p.row.State {
		d.metrics.Delivery(ctx, after)
	}
}
