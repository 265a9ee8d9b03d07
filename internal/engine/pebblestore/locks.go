package pebblestore

import (
	"hash/maphash"
	"sync"
)

// lockStripes is how many locks there are for each kind of thing; two things may share one.
const lockStripes = 256

// locks are held from the check of a condition until the write that depends on it is visible, never over an fsync.
type locks struct {
	shards     [lockStripes]sync.Mutex
	taskQueues [lockStripes]sync.Mutex
	seed       maphash.Seed
	metadata   sync.Mutex // namespaces, clusters, queues, Nexus endpoints, user data: written seldom
}

func newLocks() *locks { return &locks{seed: maphash.MakeSeed()} }

func (l *locks) shard(id int32) *sync.Mutex { return &l.shards[uint32(id)%lockStripes] }

func (l *locks) taskQueue(prefix []byte) *sync.Mutex {
	return &l.taskQueues[maphash.Bytes(l.seed, prefix)%lockStripes]
}

// rangeIDs are those of the shards that were asked for. A shard's is read and written under its lock.
type rangeIDs struct {
	mu    sync.RWMutex
	known map[int32]int64
}

func newRangeIDs() *rangeIDs { return &rangeIDs{known: map[int32]int64{}} }

func (r *rangeIDs) get(shard int32) (id int64, known bool) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	id, known = r.known[shard]
	return id, known
}

func (r *rangeIDs) set(shard int32, id int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.known[shard] = id
}
