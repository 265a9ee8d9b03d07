package main

import (
	"context"
	"slices"

	"golang.org/x/sync/errgroup"

	"github.com/postrider/postrider/bench/internal/figures"
	"github.com/postrider/postrider/bench/internal/load"
)

// dead posts a tenth of the rate to the endpoint that answers; then the same again with the other
// nine tenths to one that never does.
func dead(ctx context.Context, b *bed) ([]figures.Figure, error) {
	if err := b.warmUp(ctx); err != nil {
		return nil, err
	}
	alive := load.Plan{EventType: aliveType, N: max(1, int(b.deadRate/10*b.seconds)), Rate: b.deadRate / 10}
	nobody := load.Plan{EventType: deadType, N: max(1, int(b.deadRate*9/10*b.seconds)), Rate: b.deadRate * 9 / 10}

	quiet, err := b.post(ctx, alive)
	if err != nil {
		return nil, err
	}
	before, err := b.usage()
	if err != nil {
		return nil, err
	}
	cost, err := newMeter(b)
	if err != nil {
		return nil, err
	}
	var among, lost loaded
	var both errgroup.Group
	both.Go(func() (err error) { among, err = b.post(ctx, alive); return err })
	both.Go(func() (err error) { lost, err = b.post(ctx, nobody); return err })
	if err := both.Wait(); err != nil {
		return nil, err
	}
	acceptedDead := figures.Match(lost.posts, nil).Accepted()
	b.expect(figures.Match(quiet.posts, nil))
	b.expect(figures.Match(among.posts, nil))
	if _, err := b.awaitDelivered(ctx); err != nil {
		return nil, err
	}
	missing, err := b.awaitStarted(ctx, b.closing+acceptedDead)
	if err != nil {
		return nil, err
	}
	costs, err := cost.figures(len(among.posts)+len(lost.posts), among.cpu+lost.cpu)
	if err != nil {
		return nil, err
	}
	receipts, err := b.receiver.Receipts(ctx)
	if err != nil {
		return nil, err
	}
	without, with := figures.Match(quiet.posts, receipts), figures.Match(among.posts, receipts)
	return slices.Concat(
		prefixed("without the dead: ", without.Latencies()), prefixed("with the dead: ", with.Latencies()),
		[]figures.Figure{{Name: "peak RSS MiB before", Value: float64(before.PeakRSS) / (1 << 20)}},
		costs, with.Counts(), []figures.Figure{
			{Name: "refused for the dead", Value: float64(len(lost.posts) - acceptedDead)},
			{Name: "workflows missing", Value: float64(missing)},
		}), nil
}

func prefixed(prefix string, list []figures.Figure) []figures.Figure {
	for i := range list {
		list[i].Name = prefix + list[i].Name
	}
	return list
}
