package pebblestore

import (
	"bytes"
	"context"
	"math"

	"go.temporal.io/server/common/persistence"

	"github.com/postrider/postrider/internal/engine/pebblestore/keys"
)

// Replication tasks from other clusters that could not be done wait for a person.
//
//	key    kindReplicationDLQ, shard ID, name of the other cluster, task ID
//	value  blob
func replicationDLQPrefix(shard int32, cluster string) []byte {
	return keys.AppendString(keys.AppendInt32(newKey(kindReplicationDLQ), shard), cluster)
}

func replicationDLQList(shard int32, cluster string, from, to int64) taskList {
	prefix := replicationDLQPrefix(shard, cluster)
	return taskList{
		prefix: prefix,
		lower:  keys.AppendInt64(bytes.Clone(prefix), from),
		upper:  keys.AppendInt64(bytes.Clone(prefix), to),
	}
}

// PutReplicationTaskToDLQ leaves a task alone that is there already: tasks never change.
func (s *executionStore) PutReplicationTaskToDLQ(_ context.Context, r *persistence.PutReplicationTaskToDLQRequest) error {
	task, err := s.serializer.ReplicationTaskInfoToBlob(r.TaskInfo)
	if err != nil {
		return err
	}
	key := keys.AppendInt64(replicationDLQPrefix(r.ShardID, r.SourceClusterName), r.TaskInfo.GetTaskId())
	return s.update("PutReplicationTaskToDLQ", s.db.locks.shard(r.ShardID), func(b *batch) error {
		_, found, err := s.db.Get(key)
		if err == nil && !found {
			b.set(key, blobValue(task))
		}
		return err
	})
}

func (s *executionStore) GetReplicationTasksFromDLQ(
	_ context.Context, r *persistence.GetReplicationTasksFromDLQRequest,
) (*persistence.InternalGetReplicationTasksFromDLQResponse, error) {
	list := replicationDLQList(r.ShardID, r.SourceClusterName, r.InclusiveMinTaskKey.TaskID, r.ExclusiveMaxTaskKey.TaskID)
	response, err := list.read(s.db, r.BatchSize, r.NextPageToken)
	return response, failed("GetReplicationTasksFromDLQ", err)
}

func (s *executionStore) DeleteReplicationTaskFromDLQ(
	_ context.Context, r *persistence.DeleteReplicationTaskFromDLQRequest,
) error {
	return s.update("DeleteReplicationTaskFromDLQ", s.db.locks.shard(r.ShardID), func(b *batch) error {
		b.remove(keys.AppendInt64(replicationDLQPrefix(r.ShardID, r.SourceClusterName), r.TaskKey.TaskID))
		return nil
	})
}

func (s *executionStore) RangeDeleteReplicationTaskFromDLQ(
	_ context.Context, r *persistence.RangeDeleteReplicationTaskFromDLQRequest,
) error {
	list := replicationDLQList(r.ShardID, r.SourceClusterName, r.InclusiveMinTaskKey.TaskID, r.ExclusiveMaxTaskKey.TaskID)
	return s.update("RangeDeleteReplicationTaskFromDLQ", s.db.locks.shard(r.ShardID), func(b *batch) error {
		b.clear(list.lower, list.upper)
		return nil
	})
}

func (s *executionStore) IsReplicationDLQEmpty(
	_ context.Context, r *persistence.GetReplicationTasksFromDLQRequest,
) (bool, error) {
	list := replicationDLQList(r.ShardID, r.SourceClusterName, r.InclusiveMinTaskKey.TaskID, math.MaxInt64)
	response, err := list.read(s.db, 1, nil)
	return len(response.Tasks) == 0, failed("IsReplicationDLQEmpty", err)
}
