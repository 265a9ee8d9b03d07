package workflows

import (
	"errors"
	"slices"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/postrider/postrider/activities"
	"github.com/postrider/postrider/webhook"
)

// run is the state of one workflow run.
type run struct {
	in         DeliverEventInput
	deliveries []*delivery
	byEndpoint map[string]*delivery
	busy       int  // deliveries being watched and wishes being taken in
	looking    bool // somebody is reading rows
}

// delivery is one endpoint's part of a run.
type delivery struct {
	endpoint EndpointInput
	policy   webhook.Policy
	outcome  activities.EndpointOutcome
	wish     webhook.Wish
	watched  bool                // a coroutine sees it through
	look     bool                // its row is to be read, whatever is known of it
	news     int                 // counts signals that concern it
	seen     int                 // news when outcome was asked for: more since then are not in it
	stop     workflow.CancelFunc // ends the pending activity or timer; nil when there is none
}

func newRun(in DeliverEventInput) *run {
	r := &run{in: in, byEndpoint: make(map[string]*delivery, len(in.Endpoints))}
	for _, e := range in.Endpoints {
		d := &delivery{endpoint: e, policy: in.Policies[e.Policy]}
		d.outcome = activities.EndpointOutcome{EndpointID: e.ID, Status: activities.Waiting}
		if e.Outcome != nil {
			d.outcome = *e.Outcome
		}
		r.deliveries = append(r.deliveries, d)
		r.byEndpoint[e.ID] = d
	}
	return r
}

func (r *run) result() DeliverEventResult {
	states := make([]webhook.DeliveryState, len(r.deliveries))
	result := DeliverEventResult{V: activities.ResultVersion}
	for i, d := range r.deliveries {
		result.Endpoints = append(result.Endpoints, d.outcome)
		switch {
		case d.outcome.Status.Final():
			states[i] = webhook.DeliveryState(d.outcome.Status)
		case d.outcome.Attempts > 0:
			states[i] = webhook.DeliveryRetrying
		default:
			states[i] = webhook.DeliveryPending
		}
	}
	result.State = webhook.SumEventState(states)
	return result
}

func (r *run) answerQueries(ctx workflow.Context) error {
	return workflow.SetQueryHandler(ctx, QueryStatus, func() (DeliverEventResult, error) { return r.result(), nil })
}

// deliverAll returns when every delivery is final and no signal is left to be taken in: a run that
// completes with signals unread would lose them.
func (r *run) deliverAll(ctx workflow.Context) {
	for _, d := range r.deliveries {
		d.look = d.endpoint.Outcome == nil
	}
	r.lookAtRows(ctx) // the first time, it makes the first attempts
	if r.over() && !signalsPending(ctx) && ctx.Err() == nil {
		return // as most runs do: nothing is left to listen for
	}
	listen(ctx, r.wish, r.hear)
	for _, d := range r.deliveries {
		if !d.over() {
			r.watch(ctx, d)
		}
	}
	// A cancelled run still waits for its deliveries: each ends by the wish to cancel.
	ctx, cancel := workflow.NewDisconnectedContext(ctx)
	defer cancel()
	_ = workflow.Await(ctx, func() bool { return r.busy == 0 && !signalsPending(ctx) })
}

// over reports whether nothing is left to be done.
func (r *run) over() bool {
	return !slices.ContainsFunc(r.deliveries, func(d *delivery) bool { return !d.over() })
}

func (d *delivery) over() bool { return !d.look && d.outcome.Status.Final() }

// watch sees a delivery through to its end, unless somebody does already.
func (r *run) watch(ctx workflow.Context, d *delivery) {
	if d.watched {
		return
	}
	d.watched = true
	r.busy++
	workflow.GoNamed(ctx, d.endpoint.ID, func(ctx workflow.Context) {
		// Cancelling comes as a wish, see listen.
		ctx, cancel := workflow.NewDisconnectedContext(ctx)
		defer cancel()
		for !d.over() {
			r.step(ctx, d)
		}
		d.watched = false
		r.busy--
	})
}

// step takes a delivery one step further.
func (r *run) step(ctx workflow.Context, d *delivery) {
	switch {
	case d.look:
		r.lookAtRows(ctx)
	case d.wish == webhook.WishCancel:
		d.wish = webhook.WishNone
		r.settle(ctx, d, webhook.DeliveryCancelled, webhook.ReasonCancelled)
		if d.outcome.Status == activities.InFlight {
			r.awaitNews(ctx, d) // its result counts first
		}
	case d.outcome.Status != activities.Failed:
		r.awaitNews(ctx, d)
	case d.early(ctx):
		r.sleepUntilDue(ctx, d)
	default:
		d.wish = webhook.WishNone // a retry that was wished for begins here
		r.deliver(ctx, d)
	}
}

// early reports whether the next attempt is not due and there is no failure that Temporal can be told
// of meanwhile: its records are behind the rows. Deliver would take itself for asked to send now.
func (d *delivery) early(ctx workflow.Context) bool {
	return d.wish != webhook.WishRetry && d.outcome.Reported >= d.outcome.Attempts && d.outcome.Due.After(workflow.Now(ctx))
}

// deliver runs the Deliver activity until it ends or a wish ends it.
func (r *run) deliver(ctx workflow.Context, d *delivery) {
	attempt, cancel := workflow.WithCancel(workflow.WithActivityOptions(ctx, deliverOptions(d)))
	d.stop = cancel
	defer func() { d.stop = nil; cancel() }()

	before := d.outcome
	d.seen = d.news
	var result activities.DeliverResult
	err := workflow.ExecuteActivity(attempt, activities.DeliverName, activities.DeliverParams{
		UID: r.in.UID, EndpointKey: d.endpoint.Key,
		Tenant: r.in.Tenant, EventID: r.in.EventID, EndpointID: d.endpoint.ID,
	}).Get(ctx, &result)
	switch {
	case err == nil:
		d.outcome = result.Outcome
		if result.NotDue {
			r.sleepUntilDue(ctx, d)
		}
	case temporal.IsCanceledError(err), d.wish != webhook.WishNone:
		// It was stopped for a wish, in back-off or with its last attempt in flight: look what the
		// rows say, since an attempt that delivered counts.
		d.look = true
	default:
		r.gaveUp(ctx, d, before, err)
	}
}

// sleepUntilDue waits for the time that the row gives, or for a wish.
func (r *run) sleepUntilDue(ctx workflow.Context, d *delivery) {
	timer, cancel := workflow.WithCancel(ctx)
	d.stop = cancel
	defer func() { d.stop = nil; cancel() }()
	_ = workflow.Sleep(timer, max(0, d.outcome.Due.Sub(workflow.Now(ctx))))
}

// gaveUp is reached when Temporal has no further attempt. The row is final by then, unless workers
// died in the last attempts, or somebody wanted more attempts before the news came here: then the
// budget is another than it was before.
func (r *run) gaveUp(ctx workflow.Context, d *delivery, before activities.EndpointOutcome, err error) {
	d.look = true
	r.lookAtRows(ctx)
	if d.outcome.Status.Final() || d.outcome.Budget != before.Budget {
		return
	}
	reason := webhook.ReasonOutcomeUnknown
	var failed *temporal.ApplicationError
	if errors.As(err, &failed) && failed.Type() == activities.AttemptFailedType {
		reason = webhook.ReasonOutOfAttempts
	}
	r.settle(ctx, d, webhook.DeliveryExhausted, reason)
}

// settle ends the delivery's row, if it is not final.
func (r *run) settle(ctx workflow.Context, d *delivery, state webhook.DeliveryState, reason string) {
	d.seen = d.news
	var result activities.SettleResult
	insist(ctx, activities.SettleName, activities.SettleParams{
		UID: r.in.UID, EndpointKey: d.endpoint.Key, EndpointID: d.endpoint.ID, State: state, Reason: reason,
	}, &result)
	d.outcome = result.Outcome
}
