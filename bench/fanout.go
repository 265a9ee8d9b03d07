package main

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/postrider/postrider/bench/internal/figures"
	"github.com/postrider/postrider/bench/internal/load"
	"github.com/postrider/postrider/bench/internal/receiver"
)

// fanOut posts events that each go to one endpoint, to ten, to a hundred and so on; and then events that go to ten, of
// which one never answers.
func fanOut(ctx context.Context, b *bed) (all []figures.Figure, err error) {
	if err := b.warmUp(ctx); err != nil {
		return nil, err
	}
	for _, endpoints := range b.fanOut {
		step, err := fanOutTo(ctx, b, endpoints)
		if err != nil {
			return nil, fmt.Errorf("to %d endpoints: %w", endpoints, err)
		}
		all = append(all, prefixed(fmt.Sprintf("to %d: ", endpoints), step)...)
	}
	ten, err := toTen(ctx, b)
	return append(all, ten...), err
}

func fanOutTo(ctx context.Context, b *bed, endpoints int) ([]figures.Figure, error) {
	eventType := fmt.Sprintf("bench.to%d", endpoints)
	for range endpoints {
		if _, err := b.addEndpoint(ctx, receiver.AlivePath, endpoint{EventTypes: []string{eventType}}); err != nil {
			return nil, err
		}
	}
	cost, err := newMeter(b)
	if err != nil {
		return nil, err
	}
	plan := load.Plan{EventType: eventType, N: max(1, b.n/endpoints), Connections: b.connections}
	o, err := deliver(ctx, b, plan, endpoints)
	if err != nil {
		return nil, err
	}
	costs, err := cost.figures(o.traffic.Deliveries(), o.cpu)
	if err != nil {
		return nil, err
	}
	costs[0].Name = "CPU ms/delivery"
	return slices.Concat(o.traffic.Throughput(), costs[:2], o.counts()), nil
}

// The ten endpoints: nine that answer, and a tenth that does so for events of one type and never for those of the
// other.
const (
	tenAnswerType = "bench.ten.answer"
	oneSilentType = "bench.ten.silent"
)

func toTen(ctx context.Context, b *bed) ([]figures.Figure, error) {
	var nine []string
	for range 9 {
		path, err := b.addEndpoint(ctx, receiver.AlivePath, endpoint{EventTypes: []string{tenAnswerType, oneSilentType}})
		if err != nil {
			return nil, err
		}
		nine = append(nine, path)
	}
	for way, eventType := range map[string]string{receiver.AlivePath: tenAnswerType, receiver.DeadPath: oneSilentType} {
		if _, err := b.addEndpoint(ctx, way, endpoint{EventTypes: []string{eventType}}); err != nil {
			return nil, err
		}
	}
	plan := load.Plan{EventType: tenAnswerType, N: max(1, int(b.rate*b.seconds)), Rate: b.rate}
	answered, err := deliver(ctx, b, plan, 10)
	if err != nil {
		return nil, err
	}
	plan.EventType = oneSilentType
	silent, err := b.post(ctx, plan)
	if err != nil {
		return nil, err
	}
	b.expected += figures.MatchFanOut(silent.posts, nil, 9).Deliveries() // the workflows go on
	if _, err := b.awaitDelivered(ctx); err != nil {
		return nil, err
	}
	receipts, err := b.receiver.Receipts(ctx)
	if err != nil {
		return nil, err
	}
	receipts = figures.At(receipts, func(path string) bool { return slices.Contains(nine, path) })
	without, with := figures.MatchFanOut(answered.posts, receipts, 9), figures.MatchFanOut(silent.posts, receipts, 9)
	return slices.Concat(
		prefixed("nine, the tenth answering: ", append(onlyReceipts(without.Latencies()), without.Counts()...)),
		prefixed("nine, the tenth silent: ", append(onlyReceipts(with.Latencies()), with.Counts()...)),
	), nil
}

// onlyReceipts leaves out what is not a latency from POST to receipt.
func onlyReceipts(list []figures.Figure) []figures.Figure {
	return slices.DeleteFunc(list, func(f figures.Figure) bool { return !strings.HasPrefix(f.Name, "receipt ") })
}

func sayFanOut(o options) string {
	return fmt.Sprintf("%d deliveries of %d bytes to each number of endpoints, from %d connections; then %g events a second to ten for %g s, "+
		"and the same again while the tenth never answers%s", o.n, o.size, o.connections, o.rate, o.seconds, sayServe(o))
}
