package pebblestore_test

import (
	"slices"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	enumsspb "go.temporal.io/server/api/enums/v1"
	persistencespb "go.temporal.io/server/api/persistence/v1"
	"go.temporal.io/server/common/persistence"
	"go.temporal.io/server/common/persistence/serialization"
	"go.temporal.io/server/service/history/tasks"

	"github.com/postrider/postrider/internal/engine/pebblestore"
)

func timer(t *testing.T, kind enumsspb.TaskType, id int64) persistence.InternalHistoryTask {
	t.Helper()
	blob, err := serialization.NewSerializer().TimerTaskInfoToBlob(&persistencespb.TimerTaskInfo{TaskType: kind, TaskId: id})
	if err != nil {
		t.Fatal(err)
	}
	return persistence.InternalHistoryTask{Key: tasks.NewKey(fireTime(id), id), Blob: blob}
}

func TestAWorkflowTasksTimeoutGoesWhenTheRunCloses(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		state enumsspb.WorkflowExecutionState
		left  []int64
	}{
		"closed":  {enumsspb.WORKFLOW_EXECUTION_STATE_COMPLETED, []int64{2, 3}},
		"running": {enumsspb.WORKFLOW_EXECUTION_STATE_RUNNING, []int64{1, 2, 3}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db, err := pebblestore.Open("db", pebblestore.Options{FS: vfs.NewMem()})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = db.Close() })
			f := factory(db)
			s, rangeID, r := made(t, f.NewExecutionStore), own(t, f, 0), newRun(0, 0)

			create := r.create(rangeID)
			create.NewWorkflowSnapshot.Tasks = map[tasks.Category][]persistence.InternalHistoryTask{tasks.CategoryTimer: {
				timer(t, enumsspb.TASK_TYPE_WORKFLOW_TASK_TIMEOUT, 1),
				timer(t, enumsspb.TASK_TYPE_WORKFLOW_EXECUTION_TIMEOUT, 2), // of all runs of the workflow
			}}
			if _, err := s.CreateWorkflowExecution(t.Context(), create); err != nil {
				t.Fatal(err)
			}
			update := r.update(rangeID, 2)
			update.UpdateWorkflowMutation.ExecutionState.State = test.state
			update.UpdateWorkflowMutation.Tasks = map[tasks.Category][]persistence.InternalHistoryTask{tasks.CategoryTimer: {
				timer(t, enumsspb.TASK_TYPE_DELETE_HISTORY_EVENT, 3),
			}}
			if err := s.UpdateWorkflowExecution(t.Context(), update); err != nil {
				t.Fatal(err)
			}

			found, err := s.GetHistoryTasks(t.Context(), &persistence.GetHistoryTasksRequest{
				TaskCategory: tasks.CategoryTimer, BatchSize: 10,
				InclusiveMinTaskKey: tasks.MinimumKey, ExclusiveMaxTaskKey: tasks.MaximumKey,
			})
			if err != nil {
				t.Fatal(err)
			}
			var left []int64
			for _, task := range found.Tasks {
				left = append(left, task.Key.TaskID)
			}
			if !slices.Equal(left, test.left) {
				t.Errorf("timers %v are left, not %v", left, test.left)
			}
		})
	}
}
