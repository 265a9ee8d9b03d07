package main

import (
	"context"
	"errors"
	"path/filepath"
	"slices"

	"github.com/postrider/postrider/bench/internal/figures"
	"github.com/postrider/postrider/bench/internal/load"
	"github.com/postrider/postrider/bench/internal/scrape"
)

// mostBeside is how many events the spikes before and after a long one have at most.
const mostBeside = 20_000

// flat is a long spike between two short ones, which meet an empty database and what it left.
func flat(ctx context.Context, b *bed) ([]figures.Figure, error) {
	short := load.Plan{EventType: aliveType, N: max(1, min(b.n/10, mostBeside)), Connections: b.connections}
	before, err := measure(ctx, b, short)
	if err != nil {
		return nil, err
	}
	whole, err := long(ctx, b)
	if err != nil {
		return nil, err
	}
	after, err := measure(ctx, b, short)
	if err != nil {
		return nil, err
	}
	return slices.Concat(whole, prefixed("short before: ", before), prefixed("short after: ", after)), nil
}

// long is a long spike: is it at its end as quick as it was at its beginning, and what does an event take of the disk?
func long(ctx context.Context, b *bed) ([]figures.Figure, error) {
	if err := b.warmUp(ctx); err != nil {
		return nil, err
	}
	before, err := diskBytes(filepath.Join(b.dir, "data"))
	if err != nil {
		return nil, err
	}
	cost, err := newMeter(b)
	if err != nil {
		return nil, err
	}
	stop := watch(ctx, countEvery, b.countCompleted)
	o, err := deliver(ctx, b, load.Plan{EventType: aliveType, N: b.n, Connections: b.connections}, 1)
	completed, err2 := stop()
	if err := errors.Join(err, err2); err != nil {
		return nil, err
	}
	costs, err := cost.figures(o.traffic.Accepted(), o.cpu)
	if err != nil {
		return nil, err
	}
	after, err := diskBytes(filepath.Join(b.dir, "data"))
	if err != nil {
		return nil, err
	}
	workflows, err := o.workflows(ctx, b)
	if err != nil {
		return nil, err
	}
	ended := completed.times(completedWorkflows)
	return slices.Concat(o.traffic.Throughput(), o.traffic.Latencies(), workflows,
		figures.Tenths("delivered", o.traffic.Began(), o.traffic.Received()),
		figures.Tenths("workflows", o.traffic.Began(), ended),
		[]figures.Figure{{Name: "disk bytes/event", Value: float64(after-before) / float64(max(1, o.traffic.Accepted()))}},
		costs, o.counts()), nil
}

const completedWorkflows = "completed"

func (b *bed) countCompleted(ctx context.Context) (scrape.Metrics, error) {
	n, err := b.workflows.completed(ctx)
	return scrape.Metrics{completedWorkflows: float64(n)}, err
}
