package main

import (
	"context"
	"errors"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"github.com/postrider/postrider/bench/internal/child"
	"github.com/postrider/postrider/bench/internal/figures"
	"github.com/postrider/postrider/bench/internal/load"
	"github.com/postrider/postrider/bench/internal/receiver"
)

const (
	beforeType = "DeliveredBefore" // the workflow type of what fills the database

	slowestLoad = 50              // events a second: what a large database must take for the measurement to be over in time
	slowestWork = 1000            // workflows a second, of filling the database and of deleting
	diskSettles = 5 * time.Second // without a change of its size
)

// largeSubjects are the lean service with a small database and with a large one.
func largeSubjects(o options, b services) []subject {
	start := func(ctx context.Context, dir string, r *receiver.Client) (*system, error) {
		return startLean(ctx, o, b.lean, leanKinds()["pebble"], dir, r)
	}
	few := o
	few.closed = 0
	return []subject{
		{name: "few", told: few, start: start, multiply: b.multiply},
		{name: "many", told: o, start: start, multiply: b.multiply},
	}
}

// large measures a spike on a database that many closed workflows are in, while retention deletes some of them; then
// deletes the others.
func large(ctx context.Context, b *bed) ([]figures.Figure, error) {
	if err := b.warmUp(ctx); err != nil {
		return nil, err
	}
	if err := b.stop(); err != nil {
		return nil, err
	}
	restDue, err := b.fill(ctx)
	if err != nil {
		return nil, err
	}
	filled, err := b.disk()
	if err != nil {
		return nil, err
	}
	if b.system, err = b.again(ctx); err != nil {
		return nil, err
	}
	measured, err := measure(ctx, b, load.Plan{EventType: aliveType, N: b.n, Connections: b.connections})
	if err != nil {
		return nil, err
	}
	if b.closed > 0 && time.Now().After(restDue) {
		return nil, errors.New("the load took so long that retention deleted at full speed meanwhile")
	}
	deleted, err := b.deleteAll(ctx, restDue)
	if err != nil {
		return nil, err
	}
	return slices.Concat([]figures.Figure{
		{Name: "ready after ms", Value: float64(b.readyIn.Milliseconds())},
		{Name: "disk MiB at the start", Value: mebibytes(filled)},
	}, measured, deleted), nil
}

// fill makes the database large. The retention of what it puts there is over from now on at the rate, and of all that is
// left after restDue.
func (b *bed) fill(ctx context.Context) (restDue time.Time, err error) {
	if b.closed == 0 {
		return time.Now(), nil
	}
	ctx, cancel := context.WithTimeout(ctx, b.waitFor(b.closed))
	defer cancel()
	dueFor := 20*time.Second + time.Duration(b.n)*time.Second/slowestLoad
	p, err := child.Start(child.Command{Name: "multiply", Path: b.multiply, Log: filepath.Join(b.dir, "multiply.log"), Args: []string{
		"-dir", filepath.Join(b.dir, leanData, "pebble"), "-n", strconv.Itoa(b.closed), "-type", beforeType,
		"-due-rate", strconv.FormatFloat(b.dueRate, 'g', -1, 64), "-due-for", dueFor.String(),
	}})
	if err != nil {
		return restDue, err
	}
	err = p.Wait(ctx)
	return time.Now().Add(dueFor), err
}

// waitFor is how long work on n workflows may take.
func (b *bed) waitFor(n int) time.Duration { return b.wait + time.Duration(n)*time.Second/slowestWork }

// deleteAll waits until retention has deleted all that fill made, and the disk what is left of it.
func (b *bed) deleteAll(ctx context.Context, restDue time.Time) ([]figures.Figure, error) {
	left, most := 0, int64(0)
	err := b.awaitGone(ctx, func(n int) error {
		left = n
		used, err := b.disk()
		most = max(most, used)
		return err
	})
	if err != nil {
		return nil, err
	}
	took := time.Since(restDue)
	after, err := b.settledDisk(ctx)
	if err != nil {
		return nil, err
	}
	cost, err := b.usage()
	if err != nil {
		return nil, err
	}
	var rate float64
	if rest := b.closed - int(b.dueRate*(20+float64(b.n)/slowestLoad)); rest > 0 {
		rate = float64(rest) / took.Seconds()
	}
	return []figures.Figure{
		{Name: "deleted/s after the load", Value: rate},
		{Name: "not deleted", Value: float64(left)},
		{Name: "disk MiB at most", Value: mebibytes(most)},
		{Name: "disk MiB in the end", Value: mebibytes(after)},
		{Name: "peak RSS MiB in the end", Value: mebibytes(cost.PeakRSS)},
	}, nil
}

// awaitGone calls seen with how many are left, until there are none or the time is over.
func (b *bed) awaitGone(ctx context.Context, seen func(left int) error) error {
	_, err := b.awaitWithin(ctx, b.waitFor(b.closed), countEvery, 0, func(ctx context.Context) (int, error) {
		n, err := b.workflows.ofType(ctx, beforeType)
		if err != nil {
			return 0, err
		}
		return -n, seen(n)
	})
	return err
}

// settledDisk is the space that the database takes when it does not change any more.
func (b *bed) settledDisk(ctx context.Context) (int64, error) {
	was, since := int64(-1), time.Now()
	_, err := b.awaitWithin(ctx, b.wait, countEvery, 0, func(context.Context) (int, error) {
		now, err := b.disk()
		if now != was {
			was, since = now, time.Now()
		}
		if time.Since(since) < diskSettles {
			return -1, err
		}
		return 0, err
	})
	return was, err
}

// disk is the space that the subject's data takes.
func (b *bed) disk() (bytes int64, err error) { return diskBytes(filepath.Join(b.dir, leanData)) }
