package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/postrider/postrider/bench/internal/figures"
	"github.com/postrider/postrider/bench/internal/load"
	"github.com/postrider/postrider/bench/internal/payload"
)

// overload posts for a while as fast as it is answered, whatever the answers, and waits until what was accepted is delivered.
func overload(ctx context.Context, b *bed) ([]figures.Figure, error) {
	return overloaded(ctx, b, func() error { return nil })
}

// overloaded is overload, with something done as soon as nothing more is posted.
func overloaded(ctx context.Context, b *bed, then func() error) ([]figures.Figure, error) {
	if err := b.warmUp(ctx); err != nil {
		return nil, err
	}
	cost, err := newMeter(b)
	if err != nil {
		return nil, err
	}
	stop := watch(ctx, time.Second, b.metrics)
	l, err := b.post(ctx, load.Plan{EventType: aliveType, Connections: b.connections, Batch: b.batch, Seconds: b.seconds})
	ended := payload.Now()
	seen, err2 := stop()
	if err := errors.Join(err, err2, then()); err != nil {
		return nil, err
	}
	all, err := settle(ctx, b, l)
	if err != nil {
		return nil, err
	}
	o := all[0]
	costs, err := cost.figures(o.traffic.Accepted(), o.cpu)
	if err != nil {
		return nil, err
	}
	received := o.traffic.Received()
	var drained float64
	if len(received) > 0 {
		drained = max(0, time.Duration(received[len(received)-1]-ended).Seconds())
	}
	return slices.Concat(figures.Answers(o.posts), o.traffic.Throughput(), o.traffic.Latencies(), []figures.Figure{
		{Name: "backlog peak", Value: seen.peak(backlogMetric)},
		{Name: "outbox rows peak", Value: seen.peak(outboxMetric)},
		{Name: "was refusing", Value: seen.peak(refusingMetric)},
		{Name: "all delivered after s", Value: drained, Decimals: 1},
		{Name: "delivered though refused", Value: float64(o.traffic.Denied())},
	}, costs, o.counts()), nil
}

func sayOverload(o options) string {
	return fmt.Sprintf("events of %d bytes, %d in a request, from %d connections as fast as they are answered for %g s%s",
		o.size, o.batch, o.connections, o.seconds, sayServe(o))
}
