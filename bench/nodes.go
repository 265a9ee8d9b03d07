package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"strconv"

	"golang.org/x/sync/errgroup"

	"github.com/postrider/postrider/bench/internal/child"
	"github.com/postrider/postrider/bench/internal/figures"
	"github.com/postrider/postrider/bench/internal/load"
	"github.com/postrider/postrider/bench/internal/loopback"
	"github.com/postrider/postrider/bench/internal/receiver"
	"github.com/postrider/postrider/signing"
	"github.com/postrider/postrider/workflows"
)

// startNodes runs `postrider engine` and two nodes on one database, as they come but for what o says.
func startNodes(ctx context.Context, o options, dir string, r *receiver.Client) (_ *system, err error) {
	var free [3]string
	for i := range free {
		if free[i], err = loopback.FreeAddress(ctx); err != nil {
			return nil, err
		}
	}
	engine, apis := free[0], free[1:]
	s := &system{url: "http://" + apis[0], second: "http://" + apis[1], key: "bench-" + rand.Text(), secret: signing.NewSecret()}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.stop())
		}
	}()
	database, err := s.useDatabase(ctx, o.postgres)
	if err != nil {
		return nil, err
	}
	err = s.start(dir, child.Command{Name: "engine", Path: o.postrider, Args: []string{
		"engine", "--data-dir", filepath.Join(dir, "engine-data"), "--temporal-listen", engine, "--temporal-ui-listen", "off",
	}})
	if err != nil {
		return nil, err
	}
	if s.workflows, err = s.awaitTemporal(ctx, engine, workflows.DeliverEventName); err != nil {
		return nil, err
	}
	for i, api := range apis {
		name := "node-" + strconv.Itoa(i+1)
		err = s.serve(o, dir, name, "--listen", api, "--data-dir", filepath.Join(dir, name+"-data"),
			"--temporal-address", engine, "--database-url", database)
		if err == nil {
			err = s.awaitReadyAt(ctx, "http://"+api)
		}
		if err != nil {
			return nil, err
		}
	}
	if err := s.createEndpoint(ctx, endpoint{URL: r.URL(receiver.AlivePath), EventTypes: []string{aliveType}, Secret: s.secret}); err != nil {
		return nil, err
	}
	return s, r.SetSecret(ctx, s.secret)
}

// nodes posts half of the events to each of two nodes at once; then, at a rate, to the first alone, where one first attempt in
// ten is refused: whichever node makes the retries.
func nodes(ctx context.Context, b *bed) ([]figures.Figure, error) {
	if err := b.warmUp(ctx); err != nil {
		return nil, err
	}
	cost, err := newMeter(b)
	if err != nil {
		return nil, err
	}
	half := load.Plan{EventType: aliveType, N: max(1, b.n/2), Connections: max(1, b.connections/2)}
	var loads [2]loaded
	var both errgroup.Group
	for i, url := range []string{b.url, b.second} {
		plan := half
		plan.URL = url
		both.Go(func() (err error) { loads[i], err = b.post(ctx, plan); return err })
	}
	if err := both.Wait(); err != nil {
		return nil, err
	}
	o, err := settle(ctx, b, loads[:]...)
	if err != nil {
		return nil, err
	}
	first, second := o[0].traffic.Throughput(), o[1].traffic.Throughput()
	costs, err := cost.figures(o[0].traffic.Accepted()+o[1].traffic.Accepted(), o[0].cpu+o[1].cpu)
	if err != nil {
		return nil, err
	}
	shared, err := sharedRetries(ctx, b)
	if err != nil {
		return nil, err
	}
	return slices.Concat(
		prefixed("node 1: ", slices.Concat(first, o[0].traffic.Counts())), prefixed("node 2: ", slices.Concat(second, o[1].traffic.Counts())),
		[]figures.Figure{{Name: "apart %", Value: apart(last(first), last(second)), Decimals: 1}, {Name: "workflows missing", Value: float64(o[0].missing)}},
		costs, shared), nil
}

// sharedRetries posts to the first node alone and tells which made the retries.
func sharedRetries(ctx context.Context, b *bed) ([]figures.Figure, error) {
	policy := map[string]any{"initial_interval": retryInterval.String(), "jitter": 0}
	if _, err := b.addEndpoint(ctx, receiver.FlakyPath, endpoint{EventTypes: []string{flakyType}, Policy: policy}); err != nil {
		return nil, err
	}
	o, err := deliver(ctx, b, load.Plan{EventType: flakyType, N: max(1, int(b.rate*b.seconds)), Rate: b.rate}, 1)
	if err != nil {
		return nil, err
	}
	var made [2]float64
	for i, url := range []string{b.url, b.second} {
		m, err := metricsAt(ctx, url)
		if err != nil {
			return nil, err
		}
		made[i] = m[retriesMetric]
	}
	return prefixed("load on node 1: ", slices.Concat(figures.Retries(o.posts, o.receipts, retryInterval.Nanoseconds()), []figures.Figure{
		{Name: "retries by node 1", Value: made[0]},
		{Name: "retries by node 2", Value: made[1]},
		{Name: "by node 2 %", Value: 100 * made[1] / max(1, made[0]+made[1])},
	}, o.counts())), nil
}

func last(list []figures.Figure) float64 { return list[len(list)-1].Value }

// apart is by how many per cent of the greater two values differ.
func apart(a, b float64) float64 { return 100 * math.Abs(a-b) / max(a, b, 1) }

func sayNodes(o options) string {
	return fmt.Sprintf("an engine and two nodes on one database: %d events of %d bytes from %d connections, half to each; then %g a second for %g s to the first, "+
		"one first attempt in ten answered 500 and to be made again in %s%s", o.n, o.size, o.connections, o.rate, o.seconds, retryInterval, sayServe(o))
}
