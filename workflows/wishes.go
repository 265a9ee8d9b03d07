package workflows

import (
	"go.temporal.io/sdk/workflow"

	"github.com/postrider/postrider/activities"
	"github.com/postrider/postrider/webhook"
)

// listen takes in signals, and Temporal's Cancel as the wish to cancel everything. A wish is written
// to the rows before anything is done about it.
func (r *run) listen(ctx workflow.Context) {
	workflow.GoNamed(ctx, "cancelled", func(ctx workflow.Context) {
		if !ctx.Done().Receive(ctx, nil) {
			ctx, cancel := workflow.NewDisconnectedContext(ctx)
			defer cancel()
			r.wish(ctx, webhook.WishCancel, WishSignal{})
		}
	})
	ctx, _ = workflow.NewDisconnectedContext(ctx)
	workflow.GoNamed(ctx, "signals", func(ctx workflow.Context) {
		selector := r.selector(ctx)
		for {
			selector.Select(ctx)
		}
	})
}

func (r *run) selector(ctx workflow.Context) workflow.Selector {
	return workflow.NewSelector(ctx).
		AddReceive(workflow.GetSignalChannel(ctx, SignalCancel), func(c workflow.ReceiveChannel, _ bool) {
			r.take(ctx, c, webhook.WishCancel)
		}).
		AddReceive(workflow.GetSignalChannel(ctx, SignalRetry), func(c workflow.ReceiveChannel, _ bool) {
			r.take(ctx, c, webhook.WishRetry)
		}).
		AddReceive(workflow.GetSignalChannel(ctx, SignalOutcome), func(c workflow.ReceiveChannel, _ bool) {
			var news OutcomeSignal
			if !c.ReceiveAsync(&news) {
				return
			}
			for _, d := range r.concerned(news.EndpointID) {
				d.news++
			}
		})
}

func (r *run) take(ctx workflow.Context, c workflow.ReceiveChannel, wish webhook.Wish) {
	var signal WishSignal
	if !c.ReceiveAsync(&signal) { // a payload that is none of ours: to wait for a better one would stop all else
		return
	}
	r.wish(ctx, wish, signal)
}

// wish writes a wish down and wakes the deliveries that it concerns.
func (r *run) wish(ctx workflow.Context, wish webhook.Wish, signal WishSignal) {
	r.busy++
	defer func() { r.busy-- }()
	if !signal.Recorded {
		insist(ctx, activities.RecordWishName, activities.RecordWishParams{
			UID: r.in.UID, EndpointID: signal.EndpointID, Wish: wish,
		}, nil)
	}
	for _, d := range r.concerned(signal.EndpointID) {
		if d.outcome.Status.Final() {
			if wish == webhook.WishRetry { // it was over, and somebody wants it to be tried again
				d.look = true
				r.watch(ctx, d)
			}
			continue
		}
		d.wish = wish
		d.news++
		if d.stop != nil {
			d.stop()
		}
	}
}

func (r *run) concerned(endpointID string) []*delivery {
	if endpointID == "" {
		return r.deliveries
	}
	if d := r.byEndpoint[endpointID]; d != nil {
		return []*delivery{d}
	}
	return nil
}

func signalsPending(ctx workflow.Context) bool {
	for _, name := range []string{SignalCancel, SignalRetry, SignalOutcome} {
		if workflow.GetSignalChannel(ctx, name).Len() > 0 {
			return true
		}
	}
	return false
}
