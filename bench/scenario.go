package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/postrider/postrider/bench/internal/figures"
	"github.com/postrider/postrider/bench/internal/load"
)

// scenario is one way to load a system.
type scenario struct {
	says  func(o options) string
	naive bool // the naive service can be measured in it
	lean  bool // it is about the embedded Temporal alone: the lean service is measured in it, and not Postrider
	large bool // so is this, on Pebble: with few workflows in the database and with many
	run   func(ctx context.Context, b *bed) ([]figures.Figure, error)
}

func scenarios() map[string]scenario {
	return map[string]scenario{
		"spike":  {says: saySpike, naive: true, run: spike},
		"batch":  {says: sayBatch, run: batch},
		"steady": {says: saySteady, naive: true, run: steady},
		"dead":   {says: sayDead, run: dead},
		"engine": {says: saySpike, naive: true, lean: true, run: spike},
		"large":  {says: sayLarge, lean: true, large: true, run: large},
	}
}

// spike posts as fast as events are accepted.
func spike(ctx context.Context, b *bed) ([]figures.Figure, error) {
	return measure(ctx, b, load.Plan{EventType: aliveType, N: b.n, Connections: b.connections})
}

func batch(ctx context.Context, b *bed) ([]figures.Figure, error) {
	return measure(ctx, b, load.Plan{EventType: aliveType, N: b.n, Connections: b.connections, Batch: b.batch})
}

// steady posts at a rate that the system should not notice.
func steady(ctx context.Context, b *bed) ([]figures.Figure, error) {
	return measure(ctx, b, load.Plan{EventType: aliveType, N: max(1, int(b.rate*b.seconds)), Rate: b.rate})
}

// What the scenarios do, for the heading of their figures.

func saySpike(o options) string {
	return fmt.Sprintf("%d events of %d bytes from %d connections%s", o.n, o.size, o.connections, sayServe(o))
}

func sayBatch(o options) string {
	return fmt.Sprintf("%d events of %d bytes, %d in a request, from %d connections%s", o.n, o.size, o.batch, o.connections, sayServe(o))
}

func saySteady(o options) string {
	return fmt.Sprintf("%g events of %d bytes a second for %g s%s", o.rate, o.size, o.seconds, sayServe(o))
}

func sayDead(o options) string {
	return fmt.Sprintf("%g events of %d bytes a second to an endpoint that answers, for %g s; then as long with %g a second to one that never does%s",
		o.deadRate/10, o.size, o.seconds, o.deadRate*9/10, sayServe(o))
}

func sayLarge(o options) string {
	s := fmt.Sprintf("%d events of %d bytes from %d connections", o.n, o.size, o.connections)
	if o.closed > 0 {
		s += fmt.Sprintf(", with %d closed workflows there, of which %g are deleted a second", o.closed, o.dueRate)
	}
	return s
}

// sayServe is how the served process differs from its default.
func sayServe(o options) string {
	args := o.serveArgs
	if o.firstAttempt != "" {
		args = append([]string{"--first-attempt", o.firstAttempt}, args...)
	}
	if len(args) == 0 {
		return ""
	}
	return "; serve " + strings.Join(args, " ")
}
