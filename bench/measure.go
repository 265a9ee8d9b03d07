package main

import (
	"context"
	"slices"

	"github.com/postrider/postrider/bench/internal/figures"
	"github.com/postrider/postrider/bench/internal/load"
)

// measure posts a plan and waits until all of it is delivered and every workflow has completed.
func measure(ctx context.Context, b *bed, p load.Plan) ([]figures.Figure, error) {
	if err := b.warmUp(ctx); err != nil {
		return nil, err
	}
	cost, err := newMeter(b)
	if err != nil {
		return nil, err
	}
	l, err := b.post(ctx, p)
	if err != nil {
		return nil, err
	}
	accepted := figures.Match(l.posts, nil).Accepted()
	b.expected += accepted
	if _, err := b.awaitDelivered(ctx); err != nil {
		return nil, err
	}
	missing, err := b.awaitCompleted(ctx)
	if err != nil {
		return nil, err
	}
	costs, err := cost.figures(accepted, l.cpu)
	if err != nil {
		return nil, err
	}
	completed, err := b.workflows.lastCompleted(ctx)
	if err != nil {
		return nil, err
	}
	receipts, err := b.receiver.Receipts(ctx)
	if err != nil {
		return nil, err
	}
	t := figures.Match(l.posts, receipts)
	return slices.Concat(t.Throughput(), t.Latencies(), []figures.Figure{
		{Name: "workflows/s", Value: figures.PerSecond(accepted-missing, completed-t.Began())},
	}, costs, t.Counts(), []figures.Figure{{Name: "workflows missing", Value: float64(missing)}}), nil
}
