// Package worker runs DeliverEvent workflows and their activities against a task queue. Any number
// of workers may share a queue.
package worker

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"go.temporal.io/sdk/activity"
	sdkclient "go.temporal.io/sdk/client"
	sdkworker "go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"github.com/postrider/postrider/activities"
	"github.com/postrider/postrider/internal/tuning"
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

// stickyCacheSize is how many workflows the workers of this process keep in memory. The SDK's 10,000
// cost more memory than they save time when nearly all workflows finish in one task.
const stickyCacheSize = 500

// Run works until ctx ends, then lets activities in flight end. While Temporal can't be reached it
// tries again and again; log tells of it once.
func Run(ctx context.Context, c sdkclient.Client, taskQueue string, a *activities.Activities, log *slog.Logger, cfg Config) error {
	sdkworker.SetStickyWorkflowCacheSize(stickyCacheSize)
	failed := make(chan error, 1)
	options, err := cfg.options(failed)
	if err != nil {
		return fmt.Errorf("set the worker up: %w", err)
	}
	told := false
	for {
		w := sdkworker.New(c, taskQueue, options)
		Register(w, a)
		err := w.Start()
		if err == nil {
			select {
			case <-ctx.Done():
			case err = <-failed:
			}
			w.Stop()
		}
		if ctx.Err() != nil {
			return nil
		}
		if !told {
			log.WarnContext(ctx, "the worker can't work; trying again", "error", err)
			told = true
		}
		timer := time.NewTimer(time.Second)
		select {
		case <-ctx.Done():
			timer.Stop()
			return nil
		case <-timer.C:
		}
	}
}

func (c Config) options(failed chan<- error) (sdkworker.Options, error) {
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
	tuner, err := tuning.Worker(or(c.Workflows, 256), or(c.Activities, 512))
	return sdkworker.Options{
		Tuner:                            tuner,
		MaxConcurrentActivityTaskPollers: pollers,
		MaxConcurrentWorkflowTaskPollers: pollers,
		WorkerStopTimeout:                stop,
		// Two cores under full load may keep a workflow task from running for a while.
		DeadlockDetectionTimeout: 10 * time.Second,
		OnFatalError: func(err error) {
			select {
			case failed <- err:
			default:
			}
		},
	}, err
}
