package pebblestore

import (
	"sync"

	enumsspb "go.temporal.io/server/api/enums/v1"
	"go.temporal.io/server/common/persistence"
	"go.temporal.io/server/common/persistence/serialization"
	"go.temporal.io/server/service/history/tasks"
)

// youngTimeouts is how many runs a generation of timeouts remembers.
const youngTimeouts = 4096

// timeouts remembers the keys of the tasks that watch over the first workflow task of young runs. Most runs close before
// theirs is due; deleted with the closing, it need not be read, and the run not be loaded, only to find it closed.
// What is forgotten, by a restart or because there are too many, is done in vain, as it would be without timeouts.
type timeouts struct {
	mu         sync.Mutex
	young, old map[string][][]byte // by run ID
}

// remember finds the timeouts among the tasks of a new run.
func (t *timeouts) remember(s serialization.Serializer, shard int32, run *persistence.InternalWorkflowSnapshot) {
	var found [][]byte
	for _, task := range run.Tasks[tasks.CategoryTimer] {
		info, err := s.TimerTaskInfoFromBlob(task.Blob)
		if err == nil && info.GetTaskType() == enumsspb.TASK_TYPE_WORKFLOW_TASK_TIMEOUT {
			found = append(found, taskKey(shard, tasks.CategoryTimer, task.Key))
		}
	}
	if len(found) == 0 {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.young == nil || len(t.young) >= youngTimeouts {
		t.young, t.old = map[string][][]byte{}, t.young
	}
	t.young[run.ExecutionState.RunId] = found
}

// take returns the timeouts of a run and forgets them.
func (t *timeouts) take(runID string) [][]byte {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, generation := range []map[string][][]byte{t.young, t.old} {
		if found, ok := generation[runID]; ok {
			delete(generation, runID)
			return found
		}
	}
	return nil
}
