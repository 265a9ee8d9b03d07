package main

import (
	"context"
	"fmt"
	"slices"

	"golang.org/x/sync/errgroup"

	"github.com/postrider/postrider/bench/internal/figures"
	"github.com/postrider/postrider/bench/internal/load"
	"github.com/postrider/postrider/bench/internal/receiver"
)

const (
	quietTenant = "quiet"
	noisyTenant = "noisy"
)

// tenants posts at a rate for a quiet tenant; then again, with another that posts as fast as it can.
func tenants(ctx context.Context, b *bed) ([]figures.Figure, error) {
	if err := b.warmUp(ctx); err != nil {
		return nil, err
	}
	for _, tenant := range []string{quietTenant, noisyTenant} {
		if _, err := b.addEndpoint(ctx, receiver.AlivePath, endpoint{EventTypes: []string{aliveType}, Tenant: tenant}); err != nil {
			return nil, err
		}
	}
	quiet := load.Plan{Tenant: quietTenant, EventType: aliveType, N: max(1, int(b.rate*b.seconds)), Rate: b.rate}
	noise := load.Plan{Tenant: noisyTenant, EventType: aliveType, Connections: b.connections, Batch: b.batch, Seconds: b.seconds}

	alone, err := deliver(ctx, b, quiet, 1)
	if err != nil {
		return nil, err
	}
	cost, err := newMeter(b)
	if err != nil {
		return nil, err
	}
	var among, noisy loaded
	var both errgroup.Group
	both.Go(func() (err error) { among, err = b.post(ctx, quiet); return err })
	both.Go(func() (err error) { noisy, err = b.post(ctx, noise); return err })
	if err := both.Wait(); err != nil {
		return nil, err
	}
	o, err := settle(ctx, b, among, noisy)
	if err != nil {
		return nil, err
	}
	costs, err := cost.figures(o[0].traffic.Accepted()+o[1].traffic.Accepted(), among.cpu+noisy.cpu)
	if err != nil {
		return nil, err
	}
	return slices.Concat(
		prefixed("quiet alone: ", slices.Concat(alone.traffic.Latencies(), alone.counts())),
		prefixed("quiet beside the noise: ", slices.Concat(figures.Answers(among.posts), o[0].traffic.Latencies(), o[0].traffic.Counts())),
		prefixed("noisy: ", slices.Concat(figures.Answers(noisy.posts), o[1].traffic.Throughput(), onlyReceipts(o[1].traffic.Latencies()), o[1].traffic.Counts())),
		costs, []figures.Figure{{Name: "workflows missing", Value: float64(o[0].missing)}}), nil
}

// settle waits for what was posted, each event of which goes to one endpoint.
func settle(ctx context.Context, b *bed, loads ...loaded) ([]outcome, error) {
	for _, l := range loads {
		b.expect(figures.Match(l.posts, nil))
	}
	if _, err := b.awaitDelivered(ctx); err != nil {
		return nil, err
	}
	missing, err := b.awaitCompleted(ctx)
	if err != nil {
		return nil, err
	}
	receipts, err := b.receiver.Receipts(ctx)
	if err != nil {
		return nil, err
	}
	var all []outcome
	for _, l := range loads {
		all = append(all, outcome{l, receipts, figures.Match(l.posts, receipts), missing})
	}
	return all, nil
}

func sayTenants(o options) string {
	return fmt.Sprintf("%g events of %d bytes a second of a quiet tenant for %g s; then as long beside another that posts %d in a request from %d connections%s",
		o.rate, o.size, o.seconds, o.batch, o.connections, sayServe(o))
}
