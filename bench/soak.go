package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/postrider/postrider/bench/internal/figures"
	"github.com/postrider/postrider/bench/internal/load"
)

// soak posts at a rate for long and compares the last minute with the first.
func soak(ctx context.Context, b *bed) ([]figures.Figure, error) {
	if err := b.warmUp(ctx); err != nil {
		return nil, err
	}
	cost, err := newMeter(b)
	if err != nil {
		return nil, err
	}
	stop := watch(ctx, time.Second, b.metrics)
	o, err := deliver(ctx, b, load.Plan{EventType: aliveType, N: max(2, int(b.rate*60*b.minutes)), Rate: b.rate}, 1)
	seen, err2 := stop()
	if err := errors.Join(err, err2); err != nil {
		return nil, err
	}
	costs, err := cost.figures(o.traffic.Accepted(), o.cpu)
	if err != nil {
		return nil, err
	}
	began := o.traffic.Began()
	ended := began + int64(b.minutes*float64(time.Minute))
	minute := min(time.Minute.Nanoseconds(), (ended-began)/2)
	return slices.Concat(
		prefixed("first minute: ", stretch(o, seen, began, began+minute)),
		prefixed("last minute: ", stretch(o, seen, ended-minute, ended)),
		[]figures.Figure{{Name: "outbox rows peak", Value: seen.peak(outboxMetric)}},
		costs, o.counts()), nil
}

// stretch is how it was from one time to another, by the receiver and by what serve says of itself.
func stretch(o outcome, seen samples, from, to int64) []figures.Figure {
	sent := figures.Match(figures.Sent(o.posts, from, to), o.receipts)
	latency := seen.growth(latencySum, from, to) / max(1, seen.growth(latencyCount, from, to))
	return slices.Concat(onlyReceipts(sent.Latencies()), []figures.Figure{
		{Name: "mean latency by serve ms", Value: 1000 * latency, Decimals: 2},
		{Name: "RSS MiB", Value: mebibytes(int64(seen.mean(residentMetric, from, to)))},
		{Name: "heap MiB", Value: mebibytes(int64(seen.mean(heapMetric, from, to)))},
		{Name: "goroutines", Value: seen.mean(goroutinesMetric, from, to)},
	})
}

func saySoak(o options) string {
	return fmt.Sprintf("%g events of %d bytes a second for %g minutes%s", o.rate, o.size, o.minutes, sayServe(o))
}
