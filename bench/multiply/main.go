// Command multiply makes a large database of a small one: it copies the closed workflows that a stopped engine has in its
// Pebble directory, under new IDs, straight into Temporal's stores. Each copy has all that a closed workflow leaves: its
// execution, its being the current one, its history, its visibility record, and the task that deletes it when its retention
// is over.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"
)

// plan is what to make.
type plan struct {
	dir          string // Pebble's
	n            int
	workflowType string        // of the copies
	dueRate      float64       // copies whose retention is over, a second, from now on
	dueFor       time.Duration // how long; then the retention of all others is over
}

// writers at once.
const writers = 4

func main() {
	var p plan
	flag.StringVar(&p.dir, "dir", "", "directory of the Pebble database")
	flag.IntVar(&p.n, "n", 200_000, "copies")
	flag.StringVar(&p.workflowType, "type", "DeliveredBefore", "their workflow type")
	flag.Float64Var(&p.dueRate, "due-rate", 20, "how many are to be deleted a second, at first")
	flag.DurationVar(&p.dueFor, "due-for", time.Minute, "how long; then all others are to be deleted")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, p); err != nil {
		fmt.Fprintln(os.Stderr, "multiply:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, p plan) (err error) {
	s, err := openStores(ctx, p.dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	originals, err := s.originals(ctx)
	if err != nil {
		return err
	}
	var all errgroup.Group
	for first := range writers {
		all.Go(func() error {
			for i := first; i < p.n && ctx.Err() == nil; i += writers {
				if err := s.write(ctx, newCopy(originals[i%len(originals)], i, p.workflowType)); err != nil {
					return fmt.Errorf("copy %d: %w", i, err)
				}
			}
			return ctx.Err()
		})
	}
	if err := all.Wait(); err != nil {
		return err
	}
	return s.writeRetention(ctx, p, originals)
}

// retention is when that of copy i is over, when it is to begin now.
func (p plan) retention(now time.Time, i int) time.Time {
	const restRate = 10_000 // more than the server deletes
	if spread := time.Duration(float64(i) / p.dueRate * float64(time.Second)); spread < p.dueFor {
		return now.Add(spread)
	}
	rest := i - int(p.dueRate*p.dueFor.Seconds())
	return now.Add(p.dueFor + time.Duration(rest)*time.Second/restRate)
}
