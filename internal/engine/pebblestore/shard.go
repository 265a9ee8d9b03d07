package pebblestore

import (
	"context"
	"fmt"

	"go.temporal.io/api/serviceerror"
	"go.temporal.io/server/common/persistence"

	"github.com/postrider/postrider/internal/engine/pebblestore/keys"
)

// Shards divide workflows among history's hosts. A shard's owner raises its range ID; who writes with an older one has
// lost the shard.
//
//	key    kindShard, shard ID
//	value  range ID, blob
func shardKey(shard int32) []byte { return keys.AppendInt32(newKey(kindShard), shard) }

type shardStore struct {
	store
	clusterName string
}

func (s *shardStore) GetClusterName() string { return s.clusterName }

func (s *shardStore) GetOrCreateShard(
	_ context.Context, r *persistence.InternalGetOrCreateShardRequest,
) (*persistence.InternalGetOrCreateShardResponse, error) {
	response := new(persistence.InternalGetOrCreateShardResponse)
	err := s.update("GetOrCreateShard", s.db.locks.shard(r.ShardID), func(b *batch) error {
		value, found, err := s.db.Get(shardKey(r.ShardID))
		if err != nil {
			return err
		}
		if found {
			_, response.ShardInfo, err = readVersionedBlob("shard", value)
			return err
		}
		if r.CreateShardInfo == nil {
			return serviceerror.NewNotFoundf("GetOrCreateShard: ShardID %v not found", r.ShardID)
		}
		rangeID, info, err := r.CreateShardInfo()
		if err != nil {
			return fmt.Errorf("encode shard %v: %w", r.ShardID, err)
		}
		b.set(shardKey(r.ShardID), versionedBlob(rangeID, info))
		s.db.shards.set(r.ShardID, rangeID)
		response.ShardInfo = info
		return nil
	})
	if err != nil {
		return nil, err
	}
	return response, nil
}

func (s *shardStore) UpdateShard(_ context.Context, r *persistence.InternalUpdateShardRequest) error {
	return s.update("UpdateShard", s.db.locks.shard(r.ShardID), func(b *batch) error {
		if err := s.db.expectRange(r.ShardID, r.PreviousRangeID); err != nil {
			return err
		}
		b.set(shardKey(r.ShardID), versionedBlob(r.RangeID, r.ShardInfo))
		s.db.shards.set(r.ShardID, r.RangeID)
		return nil
	})
}

// AssertShardOwnership does nothing, as in Temporal's SQL store: every write asserts it.
func (s *shardStore) AssertShardOwnership(context.Context, *persistence.AssertShardOwnershipRequest) error {
	return nil
}

// updateShard is a transaction of the shard's owner.
func (s *store) updateShard(operation string, shard int32, rangeID int64, fill func(*batch) error) error {
	return s.update(operation, s.db.locks.shard(shard), func(b *batch) error {
		if err := s.db.expectRange(shard, rangeID); err != nil {
			return err
		}
		return fill(b)
	})
}

// expectRange must be called under the shard's lock.
func (db *DB) expectRange(shard int32, want int64) error {
	got, found, err := db.rangeID(shard)
	switch {
	case err != nil:
		return err
	case !found:
		return serviceerror.NewUnavailablef("Failed to lock shard with ID %v that does not exist.", shard)
	case got != want:
		return &persistence.ShardOwnershipLostError{
			ShardID: shard,
			Msg:     fmt.Sprintf("Failed to lock shard. Previous range ID: %v; new range ID: %v", want, got),
		}
	}
	return nil
}

func (db *DB) rangeID(shard int32) (id int64, found bool, err error) {
	if id, known := db.shards.get(shard); known {
		return id, true, nil
	}
	value, found, err := db.Get(shardKey(shard))
	if err != nil || !found {
		return 0, found, err
	}
	if id, _, err = readVersionedBlob("shard", value); err != nil {
		return 0, false, err
	}
	db.shards.set(shard, id)
	return id, true, nil
}
