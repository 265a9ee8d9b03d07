package pebblestore_test

import (
	"fmt"
	"math"

	"go.temporal.io/api/common/v1"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/server/common/persistence"
	"pgregory.net/rapid"
)

// drawQueue is a task queue of this check's own.
func (m *model) drawQueue(t *rapid.T) (name string, fair bool) {
	fair = rapid.Bool().Draw(t, "fair")
	return fmt.Sprintf("queue %d %s", m.shard, rapid.SampledFrom([]string{"a", "a\x00", "b"}).Draw(t, "queue")), fair
}

func (s stores) taskStore(fair bool) persistence.TaskStore {
	if fair {
		return s.fairTasks
	}
	return s.tasks
}

func (m *model) drawQueueRange(t *rapid.T) int64 {
	return usually(t, m.queueRangeID, rapid.Int64Range(2, 5), "queue's range ID")
}

const queueType = enums.TASK_QUEUE_TYPE_WORKFLOW

func (m *model) createQueue(t *rapid.T) {
	name, fair := m.drawQueue(t)
	_, _ = both(t, m, "CreateTaskQueue", func(s stores) (any, error) {
		return nil, s.taskStore(fair).CreateTaskQueue(m.ctx, &persistence.InternalCreateTaskQueueRequest{
			NamespaceID: namespaceID, TaskQueue: name, TaskType: queueType, RangeID: m.queueRangeID, TaskQueueInfo: text("created"),
		})
	})
}

func (m *model) updateQueue(t *rapid.T) {
	name, fair := m.drawQueue(t)
	previous := m.drawQueueRange(t)
	_, _ = both(t, m, "UpdateTaskQueue", func(s stores) (any, error) {
		r, err := s.taskStore(fair).UpdateTaskQueue(m.ctx, &persistence.InternalUpdateTaskQueueRequest{
			NamespaceID: namespaceID, TaskQueue: name, TaskType: queueType, RangeID: m.queueRangeID, PrevRangeID: previous,
			TaskQueueInfo: text("updated"),
		})
		return r, err
	})
	_, _ = both(t, m, "GetTaskQueue", func(s stores) (any, error) {
		return s.taskStore(fair).GetTaskQueue(m.ctx, &persistence.InternalGetTaskQueueRequest{
			NamespaceID: namespaceID, TaskQueue: name, TaskType: queueType,
		})
	})
}

func (m *model) deleteQueue(t *rapid.T) {
	if !seldom(t) {
		return
	}
	name, fair := m.drawQueue(t)
	rangeID := m.drawQueueRange(t)
	_, _ = both(t, m, "DeleteTaskQueue", func(s stores) (any, error) {
		return nil, s.taskStore(fair).DeleteTaskQueue(m.ctx, &persistence.DeleteTaskQueueRequest{
			TaskQueue: &persistence.TaskQueueKey{NamespaceID: namespaceID, TaskQueueName: name, TaskQueueType: queueType}, RangeID: rangeID,
		})
	})
}

func (m *model) createQueueTasks(t *rapid.T) {
	name, fair := m.drawQueue(t)
	r := persistence.InternalCreateTasksRequest{
		NamespaceID: namespaceID, TaskQueue: name, TaskType: queueType, RangeID: m.drawQueueRange(t), TaskQueueInfo: text("info"),
	}
	for range rapid.IntRange(1, 4).Draw(t, "tasks") {
		task := &persistence.InternalCreateTask{
			TaskId: m.id(), Task: drawBlob().Draw(t, "task"), Subqueue: rapid.IntRange(0, 1).Draw(t, "subqueue"),
		}
		if fair {
			task.TaskPass = rapid.Int64Range(1, 3).Draw(t, "pass")
		}
		r.Tasks = append(r.Tasks, task)
	}
	_, _ = both(t, m, "CreateTasks", func(s stores) (any, error) { return s.taskStore(fair).CreateTasks(m.ctx, &r) })
}

func (m *model) getQueueTasks(t *rapid.T) {
	name, fair := m.drawQueue(t)
	r := persistence.GetTasksRequest{
		NamespaceID: namespaceID, TaskQueue: name, TaskType: queueType, PageSize: rapid.IntRange(1, 4).Draw(t, "page size"),
		InclusiveMinTaskID: rapid.Int64Range(0, m.nextID).Draw(t, "from"), ExclusiveMaxTaskID: rapid.Int64Range(0, m.nextID+1).Draw(t, "to"),
		Subqueue: rapid.IntRange(0, 1).Draw(t, "subqueue"),
	}
	if fair {
		r.InclusiveMinPass, r.ExclusiveMaxTaskID = usually(t, 1, rapid.Int64Range(0, 3), "from pass"), math.MaxInt64
	}
	if fair {
		r.PageSize = 1000 // SQLite's store does not understand its own page tokens of fair queues
	}
	_, _ = both(t, m, "GetTasks", func(s stores) ([][]*common.DataBlob, error) {
		return pages(func(token []byte) ([]*common.DataBlob, []byte, error) {
			request := r
			request.NextPageToken = token
			response, err := s.taskStore(fair).GetTasks(m.ctx, &request)
			if err != nil {
				return nil, nil, err
			}
			return response.Tasks, response.NextPageToken, nil
		})
	})
}

func (m *model) completeQueueTasks(t *rapid.T) {
	name, fair := m.drawQueue(t)
	r := persistence.CompleteTasksLessThanRequest{
		NamespaceID: namespaceID, TaskQueueName: name, TaskType: queueType, Limit: rapid.IntRange(1, 50).Draw(t, "limit"),
		ExclusiveMaxTaskID: rapid.Int64Range(0, m.nextID+1).Draw(t, "to"), Subqueue: rapid.IntRange(0, 1).Draw(t, "subqueue"),
	}
	if fair {
		r.ExclusiveMaxPass = rapid.Int64Range(0, 3).Draw(t, "to pass")
		r.ConditionRangeID = usually(t, 0, rapid.Int64Range(2, 4), "condition")
	}
	_, _ = both(t, m, "CompleteTasksLessThan", func(s stores) (int, error) {
		return s.taskStore(fair).CompleteTasksLessThan(m.ctx, &r)
	})
}
