//go:build e2e

package e2e

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	sdkclient "go.temporal.io/sdk/client"
	sdkworker "go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"
	"golang.org/x/sync/errgroup"
)

const (
	killTaskQueue = "kill"
	killWorkflows = 500
)

// Survive is a workflow that has an activity, a timer, and an activity after that, so that kills hit all of them.
func Survive(ctx workflow.Context, n int) (int, error) {
	ctx = workflow.WithActivityOptions(ctx, workflow.ActivityOptions{StartToCloseTimeout: 5 * time.Second})
	if err := workflow.ExecuteActivity(ctx, Increment, n).Get(ctx, &n); err != nil {
		return 0, err
	}
	if err := workflow.Sleep(ctx, 500*time.Millisecond); err != nil {
		return 0, err
	}
	err := workflow.ExecuteActivity(ctx, Increment, n).Get(ctx, &n)
	return n, err
}

// Increment is the activity.
func Increment(_ context.Context, n int) (int, error) { return n + 1, nil }

// TestAKilledEngineGoesOnWithEveryWorkflowThatItStarted kills the engine alone, with SIGKILL at a random moment under load,
// again and again on the same data.
func TestAKilledEngineGoesOnWithEveryWorkflowThatItStarted(t *testing.T) {
	engine := newProcess(t, "engine", t.TempDir())
	engine.start()
	c := dial(t, engine.temporal)
	worker := sdkworker.New(c, killTaskQueue, sdkworker.Options{})
	worker.RegisterWorkflow(Survive)
	worker.RegisterActivity(Increment)
	if err := worker.Start(); err != nil {
		t.Fatal(err)
	}
	defer worker.Stop()
	started, asked := 0, 0
	for round := range kills(t) {
		s := startUntilKilled(t, engine, c, round)
		t.Logf("round %d: killed when %d workflows had started", round, len(s.started))
		asked += s.asked
		engine.start()
		started += len(s.started)
		wantResults(t, c, s.started)
		if t.Failed() {
			return
		}
	}
	wantListed(t, c, started, asked)
}

// starts are the workflows that a round asked for, and those that it was told have started, with their input.
type starts struct {
	mu      sync.Mutex
	asked   int
	started map[string]int
}

// startUntilKilled starts workflows from many goroutines, and kills the engine when a random number of them has started.
func startUntilKilled(t *testing.T, engine *process, c sdkclient.Client, round int) *starts {
	t.Helper()
	s := &starts{started: map[string]int{}}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	at := 1 + rand.IntN(killWorkflows)
	enough := make(chan struct{})
	var wg sync.WaitGroup
	for range killClients {
		wg.Go(func() {
			for ctx.Err() == nil {
				if s.start(ctx, c, round) == at {
					close(enough)
				}
			}
		})
	}
	select {
	case <-enough:
	case <-ctx.Done():
		t.Errorf("of %d workflows only %d started", at, len(s.started))
	}
	engine.kill()
	cancel()
	wg.Wait()
	return s
}

// start starts a workflow and returns how many have started by then, or 0 if this one perhaps has not.
func (s *starts) start(ctx context.Context, c sdkclient.Client, round int) int {
	s.mu.Lock()
	s.asked++
	n := s.asked
	s.mu.Unlock()
	id := fmt.Sprintf("kill-%d-%d", round, n)
	_, err := c.ExecuteWorkflow(ctx, sdkclient.StartWorkflowOptions{ID: id, TaskQueue: killTaskQueue}, Survive, n)
	s.mu.Lock()
	defer s.mu.Unlock()
	if err != nil {
		return 0
	}
	s.started[id] = n
	return len(s.started)
}

// wantResults waits for the result of each workflow.
func wantResults(t *testing.T, c sdkclient.Client, started map[string]int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	all := errgroup.Group{}
	all.SetLimit(killClients)
	for id, n := range started {
		all.Go(func() error {
			var result int
			if err := c.GetWorkflow(ctx, id, "").Get(ctx, &result); err != nil || result != n+2 {
				t.Errorf("%s: the result is %d instead of %d, %v", id, result, n+2, err)
			}
			return nil
		})
	}
	_ = all.Wait()
}

// wantListed waits until every workflow is listed as completed: at least those that were said to have started, at most those
// that were asked for.
func wantListed(t *testing.T, c sdkclient.Client, atLeast, atMost int) {
	t.Helper()
	await(t, time.Minute, "all workflows to be listed as completed", func(ctx context.Context) error {
		all, err := countWorkflows(ctx, c, "WorkflowType = 'Survive'")
		if err != nil {
			return err
		}
		completed, err := countWorkflows(ctx, c, "WorkflowType = 'Survive' AND ExecutionStatus = 'Completed'")
		if err == nil && (all != completed || all < int64(atLeast) || all > int64(atMost)) {
			err = fmt.Errorf("%d of %d are, %d have started, %d were asked for", completed, all, atLeast, atMost)
		}
		return err
	})
}
