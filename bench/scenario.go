package main

import (
	"cmp"
	"context"
	"fmt"
	"strings"

	"github.com/postrider/postrider/bench/internal/figures"
	"github.com/postrider/postrider/bench/internal/load"
)

// scenario is one way to load a system.
type scenario struct {
	says  func(o options) string
	usual options // what is used where nothing was said; see options.or
	naive bool    // the naive service can be measured in it
	lean  bool    // it is about the embedded Temporal alone: the lean service is measured in it, and not Postrider
	large bool    // so is this, on Pebble: with few workflows in the database and with many
	nodes bool    // Postrider is two nodes on one database
	run   func(ctx context.Context, b *bed) ([]figures.Figure, error)
}

func scenarios() map[string]scenario {
	return map[string]scenario{
		"spike":    {says: saySpike, usual: options{n: 5000}, naive: true, run: spike},
		"batch":    {says: sayBatch, usual: options{n: 5000, batch: 500}, run: batch},
		"steady":   {says: saySteady, usual: options{rate: 100, seconds: 20}, naive: true, run: steady},
		"engine":   {says: saySpike, usual: options{n: 5000}, naive: true, lean: true, run: long},
		"large":    {says: sayLarge, usual: options{n: 5000}, lean: true, large: true, run: large},
		"dead":     {says: sayDead, usual: options{seconds: 20}, run: dead},
		"fanout":   {says: sayFanOut, usual: options{n: 10_000, rate: 20, seconds: 20}, run: fanOut},
		"retries":  {says: sayRetries, usual: options{rate: 300, seconds: 30}, run: retries},
		"waiting":  {says: sayWaiting, usual: options{n: 5000, waiting: 10_000, rate: 100, seconds: 20}, run: waiting},
		"blocked":  {says: sayBlocked, usual: options{n: 5000, waiting: 10_000, rate: 100, seconds: 20}, run: blocked},
		"tenants":  {says: sayTenants, usual: options{batch: 1, rate: 50, seconds: 20}, run: tenants},
		"overload": {says: sayOverload, usual: options{batch: 1, seconds: 60}, run: overload},
		"reader":   {says: sayReader, usual: options{batch: 1, seconds: 60}, run: reader},
		"soak":     {says: saySoak, usual: options{rate: 100}, run: soak},
		"nodes":    {says: sayNodes, usual: options{n: 5000, rate: 100, seconds: 20}, nodes: true, run: nodes},
		"flat":     {says: saySpike, usual: options{n: 20_000}, run: flat},
	}
}

// or is o with what usual has where o says nothing.
func (o options) or(usual options) options {
	o.n, o.batch = cmp.Or(o.n, usual.n), cmp.Or(o.batch, usual.batch)
	o.rate, o.seconds = cmp.Or(o.rate, usual.rate), cmp.Or(o.seconds, usual.seconds)
	o.waiting = cmp.Or(o.waiting, usual.waiting)
	return o
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
