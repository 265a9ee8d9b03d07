package pebblestore

import (
	"bytes"
	"context"
	"math"

	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/server/common/persistence"

	"github.com/postrider/postrider/internal/engine/pebblestore/keys"
)

// A task waits in one of its queue's subqueues, in the order of IDs or, in fair queues, of passes and then IDs.
//
//	key    kindTask, namespace ID, name, type, subqueue, task ID
//	       kindFairTask, namespace ID, name, type, subqueue, pass, task ID
//	value  blob
func (s *taskStore) subqueue(namespaceID, name string, t enums.TaskQueueType, subqueue int) []byte {
	return keys.AppendInt32(taskQueueKey(s.form.tasks, namespaceID, name, t), int32(subqueue))
}

func (s *taskStore) level(subqueue []byte, pass, id int64) []byte {
	k := bytes.Clone(subqueue)
	if s.form.fair {
		k = keys.AppendInt64(k, pass)
	}
	return keys.AppendInt64(k, id)
}

func (s *taskStore) CreateTasks(
	_ context.Context, r *persistence.InternalCreateTasksRequest,
) (*persistence.CreateTasksResponse, error) {
	queue := s.queueKey(r.NamespaceID, r.TaskQueue, r.TaskType)
	err := s.updateQueue("CreateTasks", queue, func(b *batch) error {
		if err := s.expectOwner(queue, r.RangeID); err != nil {
			return err
		}
		for _, task := range r.Tasks {
			subqueue := s.subqueue(r.NamespaceID, r.TaskQueue, r.TaskType, task.Subqueue)
			b.set(s.level(subqueue, task.TaskPass, task.TaskId), blobValue(task.Task))
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &persistence.CreateTasksResponse{UpdatedMetadata: false}, nil
}

func (s *taskStore) GetTasks(
	_ context.Context, r *persistence.GetTasksRequest,
) (*persistence.InternalGetTasksResponse, error) {
	if err := s.checkGet(r); err != nil {
		return nil, err
	}
	subqueue := s.subqueue(r.NamespaceID, r.TaskQueue, r.TaskType, r.Subqueue)
	lower := s.level(subqueue, r.InclusiveMinPass, r.InclusiveMinTaskID)
	upper := keys.End(subqueue)
	if !s.form.fair {
		upper = s.level(subqueue, 0, r.ExclusiveMaxTaskID)
	}
	if token := r.NextPageToken; len(token) > 0 {
		if len(token) != len(lower)-len(subqueue) {
			return nil, badToken()
		}
		lower = keys.After(append(bytes.Clone(subqueue), token...))
	}
	response := new(persistence.InternalGetTasksResponse)
	err := s.db.scan(lower, upper, func(key, value []byte) (bool, error) {
		task, err := readBlob("task", bytes.Clone(value))
		if err != nil {
			return false, err
		}
		response.Tasks = append(response.Tasks, task)
		if len(response.Tasks) < r.PageSize {
			return true, nil
		}
		if id, _, _ := keys.CutInt64(key[len(key)-8:]); s.form.fair || id+1 < r.ExclusiveMaxTaskID {
			response.NextPageToken = pageToken(subqueue, key)
		}
		return false, nil
	})
	if err != nil {
		return nil, failed("GetTasks", err)
	}
	return response, nil
}

func (s *taskStore) checkGet(r *persistence.GetTasksRequest) error {
	switch {
	case !s.form.fair && r.InclusiveMinPass != 0:
		return serviceerror.NewInternal("invalid GetTasks request on queue: InclusiveMinPass is not supported")
	case s.form.fair && r.InclusiveMinPass < 1:
		return serviceerror.NewInternal("invalid GetTasks request on fair queue: InclusiveMinPass must be >= 1")
	case s.form.fair && r.ExclusiveMaxTaskID != math.MaxInt64:
		return serviceerror.NewInternal("invalid GetTasks request on fair queue: ExclusiveMaxTaskID is not supported")
	}
	return nil
}

// CompleteTasksLessThan deletes up to r.Limit tasks and tells how many.
func (s *taskStore) CompleteTasksLessThan(
	_ context.Context, r *persistence.CompleteTasksLessThanRequest,
) (deleted int, err error) {
	switch {
	case !s.form.fair && (r.ExclusiveMaxPass != 0 || r.ConditionRangeID != 0):
		return 0, serviceerror.NewInternal("invalid CompleteTasksLessThan request on queue")
	case s.form.fair && r.ExclusiveMaxPass < 1:
		return 0, serviceerror.NewInternal("invalid CompleteTasksLessThan request on fair queue")
	case r.Limit <= 0:
		return 0, serviceerror.NewUnavailable("CompleteTasksLessThan: missing limit")
	}
	queue := s.queueKey(r.NamespaceID, r.TaskQueueName, r.TaskType)
	subqueue := s.subqueue(r.NamespaceID, r.TaskQueueName, r.TaskType, r.Subqueue)
	err = s.updateQueue("CompleteTasksLessThan", queue, func(b *batch) error {
		if r.ConditionRangeID != 0 {
			if err := s.expectOwner(queue, r.ConditionRangeID); err != nil {
				return err
			}
		}
		deleted, err = b.clearSome(subqueue, s.level(subqueue, r.ExclusiveMaxPass, r.ExclusiveMaxTaskID), r.Limit)
		return err
	})
	if err != nil {
		return 0, err
	}
	return deleted, nil
}
