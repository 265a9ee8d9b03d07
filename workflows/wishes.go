package workflows

import (
	"go.temporal.io/sdk/workflow"

	"github.com/postrider/postrider/activities"
	"github.com/postrider/postrider/webhook"
)

// listen takes in signals, and Temporal's Cancel as the wish to cancel everything.
func listen(ctx workflow.Context, wish func(workflow.Context, webhook.Wish, WishSignal), hear func(workflow.Context, OutcomeSignal)) {
	workflow.GoNamed(ctx, "cancelled", func(ctx workflow.Context) {
		if !ctx.Done().Receive(ctx, nil) {
			ctx, cancel := workflow.NewDisconnectedContext(ctx)
			defer cancel()
			wish(ctx, webhook.WishCancel, WishSignal{})
		}
	})
	ctx, _ = workflow.NewDisconnectedContext(ctx)
	workflow.GoNamed(ctx, "signals", func(ctx workflow.Context) {
		selector := workflow.NewSelector(ctx)
		take := func(asked webhook.Wish) func(workflow.ReceiveChannel, bool) {
			return func(c workflow.ReceiveChannel, _ bool) {
				var signal WishSignal
				// A payload that is none of ours is dropped: to wait for a better one would stop all else.
				if c.ReceiveAsync(&signal) {
					wish(ctx, asked, signal)
				}
			}
		}
		selector.AddReceive(workflow.GetSignalChannel(ctx, SignalCancel), take(webhook.WishCancel))
		selector.AddReceive(workflow.GetSignalChannel(ctx, SignalRetry), take(webhook.WishRetry))
		selector.AddReceive(workflow.GetSignalChannel(ctx, SignalOutcome), func(c workflow.ReceiveChannel, _ bool) {
			var news OutcomeSignal
			if c.ReceiveAsync(&news) {
				hear(ctx, news)
			}
		})
		for {
			selector.Select(ctx)
		}
	})
}

// hear notes that there is news, so that whoever waits for it has a look.
func (r *run) hear(_ workflow.Context, news OutcomeSignal) {
	for _, id := range news.endpoints() {
		for _, d := range r.concerned(id) {
			d.news++
		}
	}
}

// wish writes a wish down and wakes the deliveries that it concerns.
func (r *run) wish(ctx workflow.Context, wish webhook.Wish, signal WishSignal) {
	r.busy++
	defer func() { r.busy-- }()
	r.record(ctx, wish, &signal)
	for _, d := range r.concerned(signal.EndpointID) {
		switch {
		case !d.outcome.Status.Final():
			d.wish = wish
			d.news++
			if d.stop != nil {
				d.stop()
			}
		case wish == webhook.WishRetry: // it was over, and somebody wants it to be tried again
			d.look = true
			r.watch(ctx, d)
		}
	}
}

// record writes a wish to the rows before anything is done about it.
func (r *run) record(ctx workflow.Context, wish webhook.Wish, signal *WishSignal) {
	if signal.Recorded {
		return
	}
	insist(ctx, activities.RecordWishName, activities.RecordWishParams{
		UID: r.in.UID, EndpointID: signal.EndpointID, Wish: wish,
	}, nil)
	signal.Recorded = true
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
