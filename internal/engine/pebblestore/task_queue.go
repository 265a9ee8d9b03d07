package pebblestore

import (
	"bytes"
	"context"
	"fmt"

	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/server/common/persistence"

	"github.com/postrider/postrider/internal/engine/pebblestore/keys"
)

// A task queue is where tasks wait for workers. Its owner in matching raises its range ID; who writes with an older one has
// lost the queue. Classic and fair queues are different queues, though their names be the same.
//
//	key    kindTaskQueue or kindFairTaskQueue, namespace ID, name, type
//	value  range ID, blob
type taskStore struct {
	store
	form taskForm
}

// taskForm is how classic and fair queues differ.
type taskForm struct {
	queues, tasks byte // kinds of record
	fair          bool
}

func classicForm() taskForm { return taskForm{queues: kindTaskQueue, tasks: kindTask} }

func fairForm() taskForm { return taskForm{queues: kindFairTaskQueue, tasks: kindFairTask, fair: true} }

func taskQueueKey(kind byte, namespaceID, name string, t enums.TaskQueueType) []byte {
	k := keys.AppendString(keys.AppendID(newKey(kind), namespaceID), name)
	return append(k, byte(t))
}

func (s *taskStore) queueKey(namespaceID, name string, t enums.TaskQueueType) []byte {
	return taskQueueKey(s.form.queues, namespaceID, name, t)
}

func (s *taskStore) updateQueue(operation string, queue []byte, fill func(*batch) error) error {
	return s.update(operation, s.db.locks.taskQueue(queue), fill)
}

func (s *taskStore) CreateTaskQueue(_ context.Context, r *persistence.InternalCreateTaskQueueRequest) error {
	key := s.queueKey(r.NamespaceID, r.TaskQueue, r.TaskType)
	return s.updateQueue("CreateTaskQueue", key, func(b *batch) error {
		_, found, err := s.db.Get(key)
		if err != nil {
			return err
		}
		if found {
			return &persistence.ConditionFailedError{Msg: fmt.Sprintf("task queue %v of type %v exists", r.TaskQueue, r.TaskType)}
		}
		b.set(key, versionedBlob(r.RangeID, r.TaskQueueInfo))
		return nil
	})
}

func (s *taskStore) GetTaskQueue(
	_ context.Context, r *persistence.InternalGetTaskQueueRequest,
) (*persistence.InternalGetTaskQueueResponse, error) {
	value, found, err := s.db.Get(s.queueKey(r.NamespaceID, r.TaskQueue, r.TaskType))
	if err != nil {
		return nil, failed("GetTaskQueue", err)
	}
	if !found {
		return nil, serviceerror.NewNotFoundf("task queue %v of type %v not found", r.TaskQueue, r.TaskType)
	}
	response := new(persistence.InternalGetTaskQueueResponse)
	response.RangeID, response.TaskQueueInfo, err = readVersionedBlob("task queue", value)
	if err != nil {
		return nil, failed("GetTaskQueue", err)
	}
	return response, nil
}

func (s *taskStore) UpdateTaskQueue(
	_ context.Context, r *persistence.InternalUpdateTaskQueueRequest,
) (*persistence.UpdateTaskQueueResponse, error) {
	key := s.queueKey(r.NamespaceID, r.TaskQueue, r.TaskType)
	err := s.updateQueue("UpdateTaskQueue", key, func(b *batch) error {
		if err := s.expectOwner(key, r.PrevRangeID); err != nil {
			return err
		}
		b.set(key, versionedBlob(r.RangeID, r.TaskQueueInfo))
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &persistence.UpdateTaskQueueResponse{}, nil
}

// expectOwner must be called under the queue's lock.
func (s *taskStore) expectOwner(key []byte, rangeID int64) error {
	var got int64
	found, err := s.db.view(key, func(value []byte) error {
		f := fieldsOf("task queue", value)
		got = f.int64()
		return f.opened()
	})
	switch {
	case err != nil:
		return err
	case !found:
		return &persistence.ConditionFailedError{Msg: "Task queue does not exists"}
	case got != rangeID:
		return &persistence.ConditionFailedError{
			Msg: fmt.Sprintf("Task queue range ID was %v when it was should have been %v", got, rangeID),
		}
	}
	return nil
}

func (s *taskStore) ListTaskQueue(
	_ context.Context, r *persistence.ListTaskQueueRequest,
) (*persistence.InternalListTaskQueueResponse, error) {
	all := newKey(s.form.queues)
	from, err := pageStart(all, r.PageToken)
	if err != nil {
		return nil, err
	}
	response := new(persistence.InternalListTaskQueueResponse)
	err = s.db.scan(from, keys.End(all), func(key, value []byte) (bool, error) {
		item := new(persistence.InternalListTaskQueueItem)
		var err error
		if item.RangeID, item.TaskQueue, err = readVersionedBlob("task queue", bytes.Clone(value)); err != nil {
			return false, err
		}
		response.Items = append(response.Items, item)
		if len(response.Items) < r.PageSize {
			return true, nil
		}
		response.NextPageToken = pageToken(all, key)
		return false, nil
	})
	if err != nil {
		return nil, failed("ListTaskQueue", err)
	}
	return response, nil
}

// DeleteTaskQueue deletes the queue's record; its tasks were deleted before.
func (s *taskStore) DeleteTaskQueue(_ context.Context, r *persistence.DeleteTaskQueueRequest) error {
	key := s.queueKey(r.TaskQueue.NamespaceID, r.TaskQueue.TaskQueueName, r.TaskQueue.TaskQueueType)
	return s.updateQueue("DeleteTaskQueue", key, func(b *batch) error {
		if err := s.expectOwner(key, r.RangeID); err != nil {
			return err
		}
		b.remove(key)
		return nil
	})
}
