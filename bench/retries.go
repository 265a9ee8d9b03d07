package main

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/postrider/postrider/bench/internal/figures"
	"github.com/postrider/postrider/bench/internal/load"
	"github.com/postrider/postrider/bench/internal/receiver"
)

const (
	flakyType     = "bench.flaky"
	retryInterval = 2 * time.Second
)

// retries posts at a rate to an endpoint that refuses one first attempt in ten, while, if so asked, others wait in
// back-off behind an endpoint that is down.
func retries(ctx context.Context, b *bed) ([]figures.Figure, error) {
	if err := b.warmUp(ctx); err != nil {
		return nil, err
	}
	policy := map[string]any{"initial_interval": retryInterval.String(), "jitter": 0}
	if _, err := b.addEndpoint(ctx, receiver.FlakyPath, endpoint{EventTypes: []string{flakyType}, Policy: policy}); err != nil {
		return nil, err
	}
	var there []figures.Figure
	if b.waiting > 0 {
		w, err := fill(ctx, b, receiver.DownPath, time.Hour)
		if err != nil {
			return nil, err
		}
		there = w.figures()
	}
	cost, err := newMeter(b)
	if err != nil {
		return nil, err
	}
	o, err := deliver(ctx, b, load.Plan{EventType: flakyType, N: max(1, int(b.rate*b.seconds)), Rate: b.rate}, 1)
	if err != nil {
		return nil, err
	}
	costs, err := cost.figures(o.traffic.Accepted(), o.cpu)
	if err != nil {
		return nil, err
	}
	_, well := part(o.posts, func(p load.Post) bool { return receiver.FailsAtFirst(p.EventID) })
	return slices.Concat(there, figures.Retries(o.posts, o.receipts, retryInterval.Nanoseconds()),
		prefixed("the others: ", figures.Match(well, o.receipts).Latencies()), costs, o.counts()), nil
}

func sayRetries(o options) string {
	behind := ""
	if o.waiting > 0 {
		behind = fmt.Sprintf(", with %d in back-off behind an endpoint that is down", o.waiting)
	}
	return fmt.Sprintf("%g events of %d bytes a second for %g s, one first attempt in ten answered 500 and to be made again in %s%s%s",
		o.rate, o.size, o.seconds, retryInterval, behind, sayServe(o))
}
