package engine_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"go.temporal.io/api/common/v1"
	"go.temporal.io/api/taskqueue/v1"
	"go.temporal.io/api/workflow/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/worker"
	sdkworkflow "go.temporal.io/sdk/workflow"

	"github.com/postrider/postrider/internal/engine"
	"github.com/postrider/postrider/internal/testkit/temporaltest"
)

// deliver retries an activity "ep_1" until it succeeds.
func deliver(ctx sdkworkflow.Context) error {
	ctx = sdkworkflow.WithActivityOptions(ctx, sdkworkflow.ActivityOptions{
		ActivityID: "ep_1", StartToCloseTimeout: time.Minute,
		RetryPolicy: &temporal.RetryPolicy{InitialInterval: time.Hour, MaximumInterval: time.Hour},
	})
	return sdkworkflow.ExecuteActivity(ctx, "Attempt").Get(ctx, nil)
}

// workFor runs a worker whose activity fails until the channel is closed.
func workFor(t *testing.T, c client.Client, queue string, receiverIsUp <-chan struct{}) {
	t.Helper()
	w := worker.New(c, queue, worker.Options{})
	w.RegisterWorkflowWithOptions(deliver, sdkworkflow.RegisterOptions{Name: "DeliverEvent"})
	w.RegisterActivityWithOptions(func(context.Context) error {
		select {
		case <-receiverIsUp:
			return nil
		default:
			return errors.New("503 Service Unavailable")
		}
	}, activity.RegisterOptions{Name: "Attempt"})
	if err := w.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.Stop)
}

func pending(t *testing.T, c client.Client, id string) *workflow.PendingActivityInfo {
	t.Helper()
	found, err := c.DescribeWorkflowExecution(t.Context(), id, "")
	if err != nil {
		t.Fatal(err)
	}
	if list := found.GetPendingActivities(); len(list) == 1 {
		return list[0]
	}
	return &workflow.PendingActivityInfo{}
}

func TestAPendingActivityCanBePausedUnpausedAndReset(t *testing.T) {
	t.Parallel()
	onEach(t, pauseUnpauseReset)
}

func pauseUnpauseReset(t *testing.T, kind engine.StoreKind) {
	c := temporaltest.Dial(t, sharedOn(t, kind))
	up := make(chan struct{})
	workFor(t, c, "pause", up)
	run, err := c.ExecuteWorkflow(t.Context(), client.StartWorkflowOptions{ID: "pause", TaskQueue: "pause"}, "DeliverEvent")
	if err != nil {
		t.Fatal(err)
	}
	await(t, "first failure", func() bool { return pending(t, c, "pause").GetAttempt() == 2 })
	execution := &common.WorkflowExecution{WorkflowId: "pause"}
	service := c.WorkflowService()

	if _, err := service.PauseActivity(t.Context(), &workflowservice.PauseActivityRequest{
		Namespace: "default", Execution: execution, Activity: &workflowservice.PauseActivityRequest_Id{Id: "ep_1"},
	}); err != nil {
		t.Fatal(err)
	}
	if !pending(t, c, "pause").GetPaused() {
		t.Error("it is not paused")
	}
	if _, err := service.UnpauseActivity(t.Context(), &workflowservice.UnpauseActivityRequest{
		Namespace: "default", Execution: execution, Activity: &workflowservice.UnpauseActivityRequest_Id{Id: "ep_1"},
	}); err != nil {
		t.Fatal(err)
	}
	await(t, "attempt after unpause", func() bool { return pending(t, c, "pause").GetAttempt() == 3 })
	close(up)
	if _, err := service.ResetActivity(t.Context(), &workflowservice.ResetActivityRequest{
		Namespace: "default", Execution: execution, Activity: &workflowservice.ResetActivityRequest_Id{Id: "ep_1"},
	}); err != nil {
		t.Fatal(err)
	}
	if err := run.Get(t.Context(), nil); err != nil {
		t.Error(err)
	}
}

func TestWorkflowsStartEagerly(t *testing.T) {
	t.Parallel()
	c := temporaltest.Dial(t, shared(t))
	got, err := c.WorkflowService().StartWorkflowExecution(t.Context(), &workflowservice.StartWorkflowExecutionRequest{
		Namespace: "default", WorkflowId: "eager", WorkflowType: &common.WorkflowType{Name: "DeliverEvent"},
		TaskQueue: &taskqueue.TaskQueue{Name: "nobody-listens"}, RequestId: "1", RequestEagerExecution: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	if got.GetEagerWorkflowTask() == nil {
		t.Error("no workflow task came with the answer")
	}
}

func TestAWorkflowIDOverTheColumnsWidthIsRefused(t *testing.T) {
	t.Parallel()
	c := temporaltest.Dial(t, shared(t))
	id := make([]byte, 256)
	for i := range id {
		id[i] = 'x'
	}
	_, err := c.ExecuteWorkflow(t.Context(), client.StartWorkflowOptions{ID: string(id), TaskQueue: "nobody-listens"}, "DeliverEvent")
	if err == nil {
		t.Error("it was started")
	}
}
