package main

import (
	"context"
	"slices"

	"github.com/postrider/postrider/bench/internal/figures"
	"github.com/postrider/postrider/bench/internal/load"
	"github.com/postrider/postrider/bench/internal/receiver"
)

// outcome is what became of a load.
type outcome struct {
	loaded
	receipts []receiver.Receipt // of this load and of those before
	traffic  *figures.Traffic
	missing  int // workflows that have not completed
}

// deliver posts a plan, each event of which goes to so many endpoints, and waits until all of it is delivered and every
// workflow has completed.
func deliver(ctx context.Context, b *bed, p load.Plan, fanOut int) (o outcome, err error) {
	if o.loaded, err = b.post(ctx, p); err != nil {
		return o, err
	}
	b.expect(figures.MatchFanOut(o.posts, nil, fanOut))
	if _, err := b.awaitDelivered(ctx); err != nil {
		return o, err
	}
	if o.missing, err = b.awaitCompleted(ctx); err != nil {
		return o, err
	}
	if o.receipts, err = b.receiver.Receipts(ctx); err != nil {
		return o, err
	}
	o.traffic = figures.MatchFanOut(o.posts, o.receipts, fanOut)
	return o, nil
}

// workflows is how many workflows completed in a second.
func (o outcome) workflows(ctx context.Context, b *bed) ([]figures.Figure, error) {
	last, err := b.workflows.lastCompleted(ctx)
	return []figures.Figure{{Name: "workflows/s", Value: figures.PerSecond(o.traffic.Accepted()-o.missing, last-o.traffic.Began())}}, err
}

// counts are the figures that ought to be 0.
func (o outcome) counts() []figures.Figure {
	return append(o.traffic.Counts(), figures.Figure{Name: "workflows missing", Value: float64(o.missing)})
}

// measure warms up and delivers a plan, each event of which goes to one endpoint.
func measure(ctx context.Context, b *bed, p load.Plan) ([]figures.Figure, error) {
	if err := b.warmUp(ctx); err != nil {
		return nil, err
	}
	cost, err := newMeter(b)
	if err != nil {
		return nil, err
	}
	o, err := deliver(ctx, b, p, 1)
	if err != nil {
		return nil, err
	}
	costs, err := cost.figures(o.traffic.Accepted(), o.cpu)
	if err != nil {
		return nil, err
	}
	workflows, err := o.workflows(ctx, b)
	if err != nil {
		return nil, err
	}
	return slices.Concat(o.traffic.Throughput(), o.traffic.Latencies(), workflows, costs, o.counts()), nil
}
