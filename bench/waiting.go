package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/postrider/postrider/bench/internal/figures"
	"github.com/postrider/postrider/bench/internal/load"
	"github.com/postrider/postrider/bench/internal/receiver"
)

// waiting is what deliveries in back-off cost, and how they go when the endpoint answers again: all at the time that it had
// named in Retry-After.
func waiting(ctx context.Context, b *bed) ([]figures.Figure, error) {
	return wait(ctx, b, receiver.DownPath, b.returns())
}

// blocked is the same with deliveries that could not be tried yet: the endpoint says nothing, and is tried with one at a
// time. It answers again when all has been measured.
func blocked(ctx context.Context, b *bed) ([]figures.Figure, error) {
	return wait(ctx, b, receiver.SilentPath, 0)
}

// wait has the endpoint away for a time, or, if that is 0, until everything is ready for its return.
func wait(ctx context.Context, b *bed, way string, away time.Duration) ([]figures.Figure, error) {
	if err := b.warmUp(ctx); err != nil {
		return nil, err
	}
	// As many as will wait are delivered first: what a database and its caches have of so many events is not the cost of waiting.
	if _, err := deliver(ctx, b, load.Plan{EventType: aliveType, N: b.waiting, Connections: b.connections}, 1); err != nil {
		return nil, err
	}
	without, err := besides(ctx, b)
	if err != nil {
		return nil, err
	}
	f, err := fill(ctx, b, way, cmp.Or(away, time.Hour))
	if err != nil {
		return nil, err
	}
	with, err := besides(ctx, b)
	if err != nil {
		return nil, err
	}
	if away == 0 {
		if err := f.comeBack(ctx, b, 2*freshBefore); err != nil {
			return nil, err
		}
	}
	drained, err := drain(ctx, b, f)
	if err != nil {
		return nil, err
	}
	return slices.Concat(f.figures(), prefixed("without the waiting: ", without), prefixed("with the waiting: ", with), drained), nil
}

// returns is how long the endpoint is away: until all wait, which is reckoned at 100 a second, and what they cost is measured.
func (o options) returns() time.Duration {
	if o.backOff > 0 {
		return o.backOff
	}
	return o.idle + settling + spikes*40*time.Second + time.Duration(o.waiting)*time.Second/100
}

const (
	// settling is how long what was done before may have consequences that are not the cost of waiting: compactions, for one.
	settling = 30 * time.Second
	// spikes are made one after the other, for the one in the middle to be shown: the disk stalls now and then.
	spikes = 3
)

// besides is what the system uses while nothing is sent, and how fast a spike goes.
func besides(ctx context.Context, b *bed) ([]figures.Figure, error) {
	if err := pause(ctx, settling); err != nil {
		return nil, err
	}
	before, err := b.usage()
	if err != nil {
		return nil, err
	}
	if err := pause(ctx, b.idle); err != nil {
		return nil, err
	}
	after, err := b.usage()
	if err != nil {
		return nil, err
	}
	outcomes := make([]outcome, spikes)
	var posts []load.Post
	for i := range outcomes {
		if outcomes[i], err = deliver(ctx, b, load.Plan{EventType: aliveType, N: b.n, Connections: b.connections}, 1); err != nil {
			return nil, err
		}
		posts = append(posts, outcomes[i].posts...)
	}
	last := outcomes[spikes-1]
	slices.SortFunc(outcomes, func(a, b outcome) int {
		return cmp.Compare(a.traffic.DeliveredPerSecond(), b.traffic.DeliveredPerSecond())
	})
	middle := outcomes[spikes/2].traffic
	all := outcome{traffic: figures.Match(posts, last.receipts), missing: last.missing}
	return slices.Concat([]figures.Figure{
		{Name: "idle CPU % of a core", Value: 100 * (after.CPU - before.CPU).Seconds() / b.idle.Seconds(), Decimals: 1},
		{Name: "idle RSS MiB", Value: mebibytes(after.RSS)},
	}, middle.Throughput(), onlyReceipts(middle.Latencies()), all.counts()), nil
}

// freshBefore is how long before the return fresh events begin to be sent.
const freshBefore = 2 * time.Second

// drain waits for the endpoint's return and for everything that waits for it, while fresh events go to another.
func drain(ctx context.Context, b *bed, f filled) ([]figures.Figure, error) {
	if f.left() < freshBefore {
		return nil, fmt.Errorf("the endpoint answered again %s too early; name a longer --back-off", freshBefore-f.left())
	}
	if err := pause(ctx, f.left()-freshBefore); err != nil {
		return nil, err
	}
	b.expect(f.traffic)
	cost, err := newMeter(b)
	if err != nil {
		return nil, err
	}
	fresh, err := deliver(ctx, b, load.Plan{EventType: aliveType, N: max(1, int(b.rate*b.seconds)), Rate: b.rate}, 1)
	if err != nil {
		return nil, err
	}
	waited := figures.Match(f.posts, fresh.receipts)
	received := waited.Received()
	if len(received) == 0 {
		return nil, errors.New("nothing of what waited came when the endpoint had returned")
	}
	last := received[len(received)-1]
	among := figures.Match(figures.Sent(fresh.posts, f.returns, last), fresh.receipts)
	costs, err := cost.figures(len(received)+fresh.traffic.Accepted(), fresh.cpu)
	if err != nil {
		return nil, err
	}
	return slices.Concat([]figures.Figure{
		{Name: "returned: half received after s", Value: time.Duration(received[len(received)/2] - f.returns).Seconds(), Decimals: 1},
		{Name: "returned: all received after s", Value: time.Duration(last - f.returns).Seconds(), Decimals: 1},
		{Name: "returned: drained/s", Value: figures.PerSecond(len(received), last-f.returns)},
	},
		prefixed("returned: ", waited.Counts()),
		prefixed("fresh meanwhile: ", slices.Concat([]figures.Figure{{Name: "events", Value: float64(among.Accepted())}}, among.Latencies())),
		prefixed("fresh: ", fresh.counts()), costs), nil
}

// pause lets time pass.
func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func sayWaiting(o options) string {
	return sayWait(o, "in back-off, one Retry-After for all, and a third as many taken, at an endpoint that is half down")
}

func sayBlocked(o options) string {
	return sayWait(o, "not yet tried at an endpoint that does not answer")
}

func sayWait(o options, how string) string {
	return fmt.Sprintf("%d deliveries of %d bytes %s; nothing else for %s, then %d events from %d connections, thrice, without and with them; "+
		"then it answers again beside %g events a second for %g s%s", o.waiting, o.size, how, o.idle, o.n, o.connections, o.rate, o.seconds, sayServe(o))
}
