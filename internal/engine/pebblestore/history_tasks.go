package pebblestore

import (
	"bytes"
	"context"

	"go.temporal.io/api/serviceerror"
	"go.temporal.io/server/common/persistence"
	"go.temporal.io/server/service/history/tasks"

	"github.com/postrider/postrider/internal/engine/pebblestore/keys"
)

// History's tasks are what remains to be done after a change of an execution: at once, in the order of their IDs, or
// at a time.
//
//	key    kindHistoryTask, shard ID, category, [time], task ID      the time in categories of scheduled tasks
//	value  blob
func taskPrefix(shard int32, c tasks.Category) []byte {
	return keys.AppendInt32(keys.AppendInt32(newKey(kindHistoryTask), shard), int32(c.ID()))
}

func taskKey(shard int32, c tasks.Category, at tasks.Key) []byte {
	k := taskPrefix(shard, c)
	if c.Type() == tasks.CategoryTypeScheduled {
		k = keys.AppendTime(k, at.FireTime)
	}
	return keys.AppendInt64(k, at.TaskID)
}

// taskBound is the end of a range of tasks. Of scheduled tasks only the time counts.
func taskBound(shard int32, c tasks.Category, at tasks.Key) []byte {
	if c.Type() == tasks.CategoryTypeScheduled {
		return keys.AppendTime(taskPrefix(shard, c), at.FireTime)
	}
	return taskKey(shard, c, at)
}

func checkCategory(c tasks.Category) error {
	if t := c.Type(); t != tasks.CategoryTypeImmediate && t != tasks.CategoryTypeScheduled {
		return serviceerror.NewInternalf("Unknown task category type: %v", c)
	}
	return nil
}

func (b *batch) setTasks(shard int32, all map[tasks.Category][]persistence.InternalHistoryTask) error {
	for category, list := range all {
		if err := checkCategory(category); err != nil {
			return err
		}
		for _, task := range list {
			b.set(taskKey(shard, category, task.Key), blobValue(task.Blob))
		}
	}
	return nil
}

func (s *executionStore) AddHistoryTasks(_ context.Context, r *persistence.InternalAddHistoryTasksRequest) error {
	return s.updateShard("AddHistoryTasks", r.ShardID, r.RangeID, func(b *batch) error {
		return b.setTasks(r.ShardID, r.Tasks)
	})
}

func (s *executionStore) GetHistoryTasks(
	_ context.Context, r *persistence.GetHistoryTasksRequest,
) (*persistence.InternalGetHistoryTasksResponse, error) {
	if err := checkCategory(r.TaskCategory); err != nil {
		return nil, err
	}
	list := taskList{
		prefix:    taskPrefix(r.ShardID, r.TaskCategory),
		lower:     taskBound(r.ShardID, r.TaskCategory, r.InclusiveMinTaskKey),
		upper:     taskBound(r.ShardID, r.TaskCategory, r.ExclusiveMaxTaskKey),
		scheduled: r.TaskCategory.Type() == tasks.CategoryTypeScheduled,
	}
	response, err := list.read(s.db, r.BatchSize, r.NextPageToken)
	return response, failed("GetHistoryTasks", err)
}

// CompleteHistoryTask deletes a task. A best-effort one, which saves others from reading the task in vain, waits for no
// disk.
func (s *executionStore) CompleteHistoryTask(_ context.Context, r *persistence.CompleteHistoryTaskRequest) error {
	if err := checkCategory(r.TaskCategory); err != nil {
		return err
	}
	if r.BestEffort {
		b := &batch{Batch: s.db.Batch(), db: s.db}
		b.remove(taskKey(r.ShardID, r.TaskCategory, r.TaskKey))
		return failed("CompleteHistoryTask", s.db.CommitNoWait(b.Batch))
	}
	return s.update("CompleteHistoryTask", noLock{}, func(b *batch) error {
		b.remove(taskKey(r.ShardID, r.TaskCategory, r.TaskKey))
		return nil
	})
}

func (s *executionStore) RangeCompleteHistoryTasks(_ context.Context, r *persistence.RangeCompleteHistoryTasksRequest) error {
	if err := checkCategory(r.TaskCategory); err != nil {
		return err
	}
	return s.update("RangeCompleteHistoryTasks", noLock{}, func(b *batch) error {
		b.clear(taskBound(r.ShardID, r.TaskCategory, r.InclusiveMinTaskKey), taskBound(r.ShardID, r.TaskCategory, r.ExclusiveMaxTaskKey))
		return nil
	})
}

// taskList is a range of tasks of one category, or of replication tasks that could not be done.
type taskList struct {
	prefix       []byte
	lower, upper []byte
	scheduled    bool
}

// read is a page of at most n tasks.
func (l taskList) read(db *DB, n int, token []byte) (*persistence.InternalGetHistoryTasksResponse, error) {
	from, err := l.from(token)
	if err != nil {
		return nil, err
	}
	response := &persistence.InternalGetHistoryTasksResponse{Tasks: []persistence.InternalHistoryTask{}}
	err = db.scan(from, l.upper, func(key, value []byte) (bool, error) {
		task, err := l.task(key[len(l.prefix):], bytes.Clone(value))
		if err != nil {
			return false, err
		}
		response.Tasks = append(response.Tasks, task)
		if len(response.Tasks) < n {
			return true, nil
		}
		// Immediate tasks have no next page when there is no ID left.
		if next := l.after(task.Key); l.scheduled || bytes.Compare(next, l.upper) < 0 {
			response.NextPageToken = pageToken(l.prefix, key)
		}
		return false, nil
	})
	return response, err
}

func (l taskList) after(k tasks.Key) []byte {
	return keys.AppendInt64(bytes.Clone(l.prefix), k.TaskID+1)
}

func (l taskList) from(token []byte) ([]byte, error) {
	switch {
	case len(token) == 0:
		return l.lower, nil
	case len(token) != l.positionLength():
		return nil, badToken()
	}
	return pageStart(l.prefix, token)
}

func (l taskList) positionLength() int {
	if l.scheduled {
		return 16
	}
	return 8
}

func (l taskList) task(position, value []byte) (task persistence.InternalHistoryTask, err error) {
	if len(position) != l.positionLength() {
		return task, corrupt("history task")
	}
	task.Key.FireTime = tasks.DefaultFireTime
	if l.scheduled {
		task.Key.FireTime, position, _ = keys.CutTime(position)
	}
	task.Key.TaskID, _, _ = keys.CutInt64(position)
	task.Blob, err = readBlob("history task", value)
	return task, err
}
