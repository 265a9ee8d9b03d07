package workflows

import (
	"errors"

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
	under      workflow.WaitGroup // deliveries that are open and wishes being taken in
	refreshing bool
	stale      bool // news came while refreshing
}

// delivery is one endpoint's part of a run.
type delivery struct {
	endpoint EndpointInput
	policy   webhook.Policy
	outcome  activities.EndpointOutcome
	wish     webhook.Wish
	news     int                 // counts signals that concern it, so that none is missed
	stop     workflow.CancelFunc // ends the pending activity or timer; nil when there is none
}

func newRun(in DeliverEventInput) *run {
	r := &run{in: in, byEndpoint: make(map[string]*delivery, len(in.Endpoints))}
	for _, e := range in.Endpoints {
		d := &delivery{endpoint: e, policy: in.Policies[e.Policy]}
		d.outcome = activities.EndpointOutcome{EndpointID: e.ID, Status: activities.Waiting}
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
		switch d.outcome.Status {
		case activities.Failed:
			states[i] = webhook.DeliveryRetrying
		case activities.Waiting, activities.InFlight:
			states[i] = webhook.DeliveryPending
		default:
			states[i] = webhook.DeliveryState(d.outcome.Status)
		}
	}
	result.State = webhook.SumEventState(states)
	return result
}

func (r *run) answerQueries(ctx workflow.Context) error {
	return workflow.SetQueryHandler(ctx, QueryStatus, func() (DeliverEventResult, error) { return r.result(), nil })
}

// refresh asks how the deliveries stand; the first time, it makes the first attempts.
func (r *run) refresh(ctx workflow.Context) {
	if len(r.deliveries) == 0 {
		return
	}
	var result activities.FirstAttemptsResult
	params := activities.FirstAttemptsParams{UID: r.in.UID, EndpointKeys: make([]int64, len(r.deliveries))}
	for i, d := range r.deliveries {
		params.EndpointKeys[i] = d.endpoint.Key
	}
	insist(ctx, activities.FirstAttemptsName, params, &result)
	for _, o := range result.Endpoints {
		if d := r.byEndpoint[o.EndpointID]; d != nil && !d.outcome.Status.Final() {
			d.outcome = o
		}
	}
}

// deliverAll returns when every delivery is final and no signal is left to be taken in: a run that
// completes with signals unread would lose them.
func (r *run) deliverAll(ctx workflow.Context) {
	for _, d := range r.deliveries {
		if !d.outcome.Status.Final() {
			r.watch(ctx, d)
		}
	}
	// A cancelled run still waits for its deliveries: each ends by the wish to cancel.
	ctx, cancel := workflow.NewDisconnectedContext(ctx)
	defer cancel()
	for {
		r.under.Wait(ctx)
		if !signalsPending(ctx) {
			return
		}
		_ = workflow.Await(ctx, func() bool { return !signalsPending(ctx) })
	}
}

// watch sees a delivery through to its end.
func (r *run) watch(ctx workflow.Context, d *delivery) {
	r.under.Add(1)
	workflow.GoNamed(ctx, d.endpoint.ID, func(ctx workflow.Context) {
		defer r.under.Done()
		for !d.outcome.Status.Final() {
			r.step(ctx, d)
		}
	})
}

// revive is watch for a delivery that was over and that somebody wants to be tried again.
func (r *run) revive(ctx workflow.Context, d *delivery) {
	r.under.Add(1)
	d.outcome.Status = activities.Waiting
	workflow.GoNamed(ctx, d.endpoint.ID, func(ctx workflow.Context) {
		defer r.under.Done()
		r.refreshOnce(ctx)
		if !d.outcome.Status.Final() {
			r.watch(ctx, d)
		}
	})
}

// step takes a delivery one step further.
func (r *run) step(ctx workflow.Context, d *delivery) {
	ctx, cancel := workflow.NewDisconnectedContext(ctx) // cancelling comes as a wish, see listen
	defer cancel()
	switch {
	case d.wish == webhook.WishCancel:
		d.wish = webhook.WishNone
		r.settle(ctx, d, webhook.DeliveryCancelled, webhook.ReasonCancelled)
		if d.outcome.Status == activities.InFlight {
			r.awaitNews(ctx, d) // its result counts first
		}
	case d.outcome.Status == activities.Failed:
		d.wish = webhook.WishNone // a retry that was wished for begins here
		r.deliver(ctx, d)
	default:
		r.awaitNews(ctx, d)
	}
}

// awaitNews parks until a signal concerns the delivery, then asks how it stands.
func (r *run) awaitNews(ctx workflow.Context, d *delivery) {
	seen := d.news
	if err := workflow.Await(ctx, func() bool { return d.news != seen || d.wish == webhook.WishCancel }); err != nil {
		return
	}
	if d.wish != webhook.WishCancel {
		r.refreshOnce(ctx)
	}
}

// refreshOnce is refresh for many deliveries that have news at the same moment. What the caller
// sees afterwards was read after it called.
func (r *run) refreshOnce(ctx workflow.Context) {
	if r.refreshing {
		r.stale = true
		_ = workflow.Await(ctx, func() bool { return !r.refreshing })
		return
	}
	r.refreshing, r.stale = true, true
	for r.stale {
		r.stale = false
		r.refresh(ctx)
	}
	r.refreshing = false
}

// deliver runs the Deliver activity until it ends or a wish ends it.
func (r *run) deliver(ctx workflow.Context, d *delivery) {
	attempt, cancel := workflow.WithCancel(workflow.WithActivityOptions(ctx, deliverOptions(d)))
	d.stop = cancel
	defer func() { d.stop = nil; cancel() }()

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
		r.refreshOnce(ctx)
	default:
		r.gaveUp(ctx, d, err)
	}
}

// sleepUntilDue waits for the time that the row gives, or for a wish.
func (r *run) sleepUntilDue(ctx workflow.Context, d *delivery) {
	timer, cancel := workflow.WithCancel(ctx)
	d.stop = cancel
	_ = workflow.Sleep(timer, max(0, d.outcome.Due.Sub(workflow.Now(ctx))))
}

// gaveUp is reached when Temporal has no further attempt. The row is final already unless workers
// died in the last attempts.
func (r *run) gaveUp(ctx workflow.Context, d *delivery, err error) {
	reason := webhook.ReasonOutcomeUnknown
	var failed *temporal.ApplicationError
	if errors.As(err, &failed) && failed.Type() == activities.AttemptFailedType {
		reason = webhook.ReasonOutOfAttempts
	}
	r.settle(ctx, d, webhook.DeliveryExhausted, reason)
}

// settle ends the delivery's row, if it is not final.
func (r *run) settle(ctx workflow.Context, d *delivery, state webhook.DeliveryState, reason string) {
	var result activities.SettleResult
	insist(ctx, activities.SettleName, activities.SettleParams{
		UID: r.in.UID, EndpointKey: d.endpoint.Key, EndpointID: d.endpoint.ID, State: state, Reason: reason,
	}, &result)
	d.outcome = result.Outcome
}
