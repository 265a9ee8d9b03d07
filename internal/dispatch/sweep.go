package dispatch

import (
	"context"
	"errors"
	"time"

	"go.temporal.io/api/enums/v1"

	"github.com/postrider/postrider/activities"
	"github.com/postrider/postrider/internal/telemetry"
	"github.com/postrider/postrider/store"
	"github.com/postrider/postrider/webhook"
)

// attemptMargin is added to a delivery's own time-out before it counts as overdue.
const attemptMargin = 30 * time.Second

// sweepLoop looks at deliveries that Temporal should have sent by now and asks it about each. It is
// what makes the rows the truth: whatever the engine lost, here it is found.
func (d *Dispatcher) sweepLoop(ctx context.Context) error {
	return d.every(ctx, d.cfg.SweepEvery, "sweep", func(ctx context.Context) error {
		if d.lane.lags() || d.lane.engine.isAway() {
			return nil
		}
		most := max(1, int(float64(d.cfg.SweepRate)*d.cfg.SweepEvery.Seconds()))
		rows, err := d.store.Overdue(ctx, d.now().Add(-d.cfg.SweepGrace), most)
		if err != nil {
			return err
		}
		for _, row := range rows {
			found, err := d.sweep(ctx, row)
			if err != nil && ctx.Err() == nil {
				d.log.WarnContext(ctx, "overdue delivery not seen to", telemetry.KeyWorkflow, row.WorkflowID, telemetry.KeyError, err)
			}
			if found != "" {
				d.metrics.Overdue(ctx, found)
			}
		}
		return nil
	})
}

// sweep asks Temporal about one overdue delivery and does what follows.
func (d *Dispatcher) sweep(ctx context.Context, overdue store.OverdueRow) (telemetry.Found, error) {
	row, err := d.store.LoadDelivery(ctx, overdue.EventUID, overdue.EndpointKey)
	if err != nil {
		return "", err
	}
	grace := max(d.cfg.SweepGrace, time.Duration(row.Policy.Timeout)+attemptMargin)
	if !row.State.Open() || row.WaitingFor != webhook.WaitingForNothing || d.now().Sub(row.DueAt) < grace {
		return "", nil
	}
	workflow, err := d.engine.Describe(ctx, overdue.WorkflowID)
	switch {
	case errors.Is(err, errNoWorkflow), err == nil && workflow.UID != 0 && workflow.UID != row.EventUID:
		return telemetry.FoundMissing, d.startAgain(ctx, row)
	case err != nil:
		return telemetry.FoundNotReachable, err
	case workflow.Failed:
		return telemetry.FoundStuck, d.look(ctx, row, row) // leave it, and look again later
	case workflow.Status == statusTerminated:
		return telemetry.FoundTerminated, d.look(ctx, row, row.Finish(webhook.DeliveryCancelled, webhook.ReasonTerminated, d.now()))
	case workflow.Status != enums.WORKFLOW_EXECUTION_STATUS_RUNNING.String():
		return telemetry.FoundClosed, d.settleFrom(ctx, row, workflow)
	}
	for _, p := range workflow.Pending {
		if p.EndpointID == row.EndpointID {
			return d.sweepPending(ctx, row, p)
		}
	}
	d.lane.signalOutcome(row.EventUID, row.EndpointID)
	return telemetry.FoundIdle, nil
}

func (d *Dispatcher) sweepPending(ctx context.Context, row webhook.Delivery, p webhook.PendingActivity) (telemetry.Found, error) {
	if p.State == statePaused || p.State == enums.PENDING_ACTIVITY_STATE_PAUSE_REQUESTED.String() {
		return telemetry.FoundPaused, d.look(ctx, row, row.Wait(webhook.WaitingForEngine, d.now()))
	}
	after := row
	after.DueAt = d.now() // an attempt is about to be made, or under way
	if p.NextAttemptAt.After(after.DueAt) {
		after.DueAt = p.NextAttemptAt.Truncate(time.Millisecond)
	}
	return telemetry.FoundPending, d.look(ctx, row, after)
}

// look writes what the sweep found out. The same row comes again when it is overdue again.
func (d *Dispatcher) look(ctx context.Context, row, after webhook.Delivery) error {
	if after.State == row.State && after.DueAt.Equal(row.DueAt) {
		after.DueAt = d.now()
	}
	_, err := d.apply(ctx, store.Change{Delivery: after, ExpectAttempts: row.Attempts})
	if err == nil && after.State != row.State {
		d.metrics.Delivery(ctx, after)
	}
	return err
}

// statusTerminated is the status of a run that a person terminated in Temporal.
var statusTerminated = enums.WORKFLOW_EXECUTION_STATUS_TERMINATED.String() //nolint:gochecknoglobals // a constant, but for String

// cancelTerminated cancels what is open of an event whose workflow a person terminated: it is never
// started again by itself.
func (d *Dispatcher) cancelTerminated(ctx context.Context, work store.Work) error {
	for _, row := range work.Deliveries {
		if !row.State.Open() {
			continue
		}
		settled, err := d.Settle(ctx, row.EventUID, row.EndpointKey, webhook.DeliveryCancelled, webhook.ReasonTerminated)
		if err == nil && settled.InFlight {
			err = d.RecordWish(ctx, row.EventUID, row.EndpointID, webhook.WishCancel)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// startAgain starts a workflow that Temporal does not have. It takes the deliveries over as the rows
// have them: the next attempt at its time, with what is left of the budget.
func (d *Dispatcher) startAgain(ctx context.Context, row webhook.Delivery) error {
	work, err := d.store.LoadWork(ctx, row.EventUID, false)
	if err != nil {
		return err
	}
	for _, open := range work.Deliveries {
		if open.State.Open() && open.Reported == open.Attempts && open.Attempts > 0 {
			after := open
			after.Reported-- // so that the new workflow is told of the last attempt, and when the next is due
			if _, err := d.apply(ctx, store.Change{Delivery: after, ExpectAttempts: open.Attempts}); err != nil {
				return err
			}
		}
	}
	d.begin(row.EventUID)
	return d.lane.startWork(ctx, work, true)
}

// settleFrom ends a delivery whose workflow has closed, as its result says. A row that has moved on
// since gets a workflow of its own again.
func (d *Dispatcher) settleFrom(ctx context.Context, row webhook.Delivery, workflow Description) error {
	if workflow.Result != nil {
		for _, o := range workflow.Result.Endpoints {
			if o.EndpointID == row.EndpointID && o.Status.Final() && o.Attempts >= row.Attempts {
				return d.look(ctx, row, finishAs(row, o, d.now()))
			}
		}
	}
	return d.startAgain(ctx, row)
}

func finishAs(row webhook.Delivery, o activities.EndpointOutcome, now time.Time) webhook.Delivery {
	row.LastStatus, row.LastError = o.HTTPStatus, o.Error
	return row.Finish(webhook.DeliveryState(o.Status), o.Reason, now)
}
