package main

import (
	"context"
	"fmt"
	"time"

	"github.com/postrider/postrider/bench/internal/figures"
	"github.com/postrider/postrider/bench/internal/load"
	"github.com/postrider/postrider/bench/internal/payload"
	"github.com/postrider/postrider/bench/internal/receiver"
)

const waitingType = "bench.waiting"

// filled is what waits at an endpoint that does not answer as it should.
type filled struct {
	loaded
	traffic *figures.Traffic
	returns int64         // when the endpoint will answer again, by payload.Now
	took    time.Duration // from the first POST until all of it waited and Temporal knew
}

// fill posts the events that are to wait at an endpoint which is down, or silent, until it returns: in back-off, those that it
// refuses and says how long to wait; in a row of the store, if it says nothing, but for the few that it was tried with.
func fill(ctx context.Context, b *bed, way string, returns time.Duration) (f filled, err error) {
	// An endpoint that says nothing is asked again each second when it has returned.
	policy := map[string]any{"initial_interval": "1s", "backoff_coefficient": 1, "jitter": 0, "maximum_attempts": 1000}
	if _, err := b.addEndpoint(ctx, way, endpoint{EventTypes: []string{waitingType}, Policy: policy}); err != nil {
		return f, err
	}
	if err := f.comeBack(ctx, b, returns); err != nil {
		return f, err
	}
	n := b.waiting
	if way == receiver.DownPath {
		n = b.waiting * 4 / 3 // it takes the others
	}
	f.loaded, err = b.post(ctx, load.Plan{EventType: waitingType, N: n, Connections: b.connections})
	if err != nil {
		return f, err
	}
	if way == receiver.DownPath {
		var taken []load.Post
		taken, f.posts = part(f.posts, func(p load.Post) bool { return receiver.TakenMeanwhile(p.EventID) })
		b.expect(figures.Match(taken, nil))
	}
	f.traffic = figures.Match(f.posts, nil)
	if way == receiver.DownPath {
		refused, err := b.await(ctx, 20*time.Millisecond, f.traffic.Accepted(), b.receiver.Refused)
		if err != nil {
			return f, err
		}
		if refused > 0 {
			return f, fmt.Errorf("%d of %d events had not come to the endpoint that is down within %s", refused, f.traffic.Accepted(), b.wait)
		}
	}
	missing, err := b.awaitStarted(ctx, b.closing+f.traffic.Accepted())
	if err != nil {
		return f, err
	}
	if missing > 0 {
		return f, fmt.Errorf("%d of %d workflows had not started within %s", missing, f.traffic.Accepted(), b.wait)
	}
	f.took = time.Duration(payload.Now() - f.traffic.Began())
	return f, b.awaitToldAll(ctx)
}

func (f filled) figures() []figures.Figure {
	return []figures.Figure{
		{Name: "waiting", Value: float64(f.traffic.Accepted())},
		{Name: "waiting after s", Value: f.took.Seconds(), Decimals: 1},
	}
}

// comeBack has the endpoint return after a time.
func (f *filled) comeBack(ctx context.Context, b *bed, after time.Duration) error {
	f.returns = payload.Now() + after.Nanoseconds()
	return b.receiver.Return(ctx, after)
}

// left is the time until the endpoint returns.
func (f filled) left() time.Duration { return time.Duration(f.returns - payload.Now()) }

// part parts those posts for which is says so from the others.
func part(posts []load.Post, is func(load.Post) bool) (those, others []load.Post) {
	for _, p := range posts {
		if is(p) {
			those = append(those, p)
		} else {
			others = append(others, p)
		}
	}
	return those, others
}
