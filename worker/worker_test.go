package worker_test

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/workflow"

	"github.com/postrider/postrider/activities"
	"github.com/postrider/postrider/worker"
	"github.com/postrider/postrider/workflows"
)

// registry notes what is registered with it.
type registry struct{ workflows, activities []string }

func (r *registry) RegisterWorkflowWithOptions(_ any, o workflow.RegisterOptions) {
	r.workflows = append(r.workflows, o.Name)
}

func (r *registry) RegisterActivityWithOptions(_ any, o activity.RegisterOptions) {
	r.activities = append(r.activities, o.Name)
}

// The names are written out here: they are in stored histories and in other people's scripts.
func TestEverythingIsRegisteredUnderTheNamesInStoredHistories(t *testing.T) {
	t.Parallel()
	var got registry
	worker.Register(&got, activities.New(nil, nil))
	slices.Sort(got.activities)
	want := registry{
		workflows:  []string{"DeliverEvent", "DeliverChunk"},
		activities: []string{"Deliver", "FirstAttempts", "RecordWish", "Settle"},
	}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(registry{})); diff != "" {
		t.Error(diff)
	}
}

func TestSignalsAndQueryKeepTheirNames(t *testing.T) {
	t.Parallel()
	got := []string{workflows.SignalCancel, workflows.SignalRetry, workflows.SignalOutcome, workflows.QueryStatus}
	if diff := cmp.Diff([]string{"cancel", "retry", "outcome", "status"}, got); diff != "" {
		t.Error(diff)
	}
}

func TestATaskQueueIsItsStoresOwn(t *testing.T) {
	t.Parallel()
	if worker.TaskQueue("a") == worker.TaskQueue("b") {
		t.Error("two stores share a task queue")
	}
}
