// Package worker runs DeliverEvent workflows and their activities against a task queue. Any number
// of workers may share a queue.
package worker

import (
	"context"
	"fmt"
	"time"

	"go.temporal.io/sdk/activity"
	sdkclient "go.temporal.io/sdk/client"
	sdkworker "go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"github.com/postrider/postrider/activities"
	"github.com/postrider/postrider/workflows"
)

// Config tunes a worker. The zero value works.
type Config struct {
	Activities int           // activities at once; default 512
	Workflows  int           // workflow tasks at once; default 256
	StopWithin time.Duration // how long activities in flight may take to end at a stop; default 25 s
}

// TaskQueue is the queue of the store with the given ID, so that workers of two installations that
// share a cluster never take each other's work.
func TaskQueue(storeID string) string { return "postrider-" + storeID }

// Registry is what workflows and activities are registered with: a worker or a test environment.
type Registry interface {
	RegisterWorkflowWithOptions(w any, options workflow.RegisterOptions)
	RegisterActivityWithOptions(a any, options activity.RegisterOptions)
}

// Register registers everything under the names in stored histories.
func Register(r Registry, a *activities.Activities) {
	r.RegisterWorkflowWithOptions(workflows.DeliverEvent, workflow.RegisterOptions{Name: workflows.DeliverEventName})
	r.RegisterWorkflowWithOptions(workflows.DeliverChunk, workflow.RegisterOptions{Name: workflows.DeliverChunkName})
	for name, f := range map[string]any{
		activities.FirstAttemptsName: a.FirstAttempts,
		activities.DeliverName:       a.Deliver,
		activities.RecordWishName:    a.RecordWish,
		activities.SettleName:        a.Settle,
	} {
		r.RegisterActivityWithOptions(f, activity.RegisterOptions{Name: name})
	}
}

// Run works until ctx ends, then lets activities in flight end.
func Run(ctx context.Context, c sdkclient.Client, taskQueue string, a *activities.Activities, cfg Config) error {
	failed := make(chan error, 1)
	w := sdkworker.New(c, taskQueue, cfg.options(failed))
	Register(w, a)
	if err := w.Start(); err != nil {
		return fmt.Errorf("start the worker: %w", err)
	}
	defer w.Stop()
	select {
	case <-ctx.Done():
		return nil
	case err := <-failed:
		return fmt.Errorf("work on %s: %w", taskQueue, err)
	}
}

func (c Config) options(failed chan<- error) sdkworker.Options {
	const pollers = 4
	or := func(n, standard int) int {
		if n > 0 {
			return n
		}
		return standard
	}
	stop := c.StopWithin
	if stop == 0 {
		stop = 25 * time.Second
	}
	return sdkworker.Options{
		MaxConcurrentActivityExecutionSize:      or(c.Activities, 512),
		MaxConcurrentLocalActivityExecutionSize: or(c.Activities, 512),
		MaxConcurrentWorkflowTaskExecutionSize:  or(c.Workflows, 256),
		MaxConcurrentActivityTaskPollers:        pollers,
		MaxConcurrentWorkflowTaskPollers:        pollers,
		WorkerStopTimeout:                       stop,
		// Two cores under full load may keep a workflow task from running for a while.
		DeadlockDetectionTimeout: 10 * time.Second,
		OnFatalError: func(err error) {
			select {
			case failed <- err:
			default:
			}
		},
	}
}
