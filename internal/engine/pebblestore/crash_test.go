package pebblestore_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
	"go.temporal.io/api/common/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/server/common/persistence"

	"github.com/postrider/postrider/internal/engine/pebblestore"
)

func isNotFound(err error) bool {
	var notFound *serviceerror.NotFound
	return errors.As(err, &notFound)
}

// own makes the shard and returns its range ID.
func own(t testing.TB, f *pebblestore.Factory, shard int32) int64 {
	t.Helper()
	const rangeID = 7
	_, err := made(t, f.NewShardStore).GetOrCreateShard(context.Background(), &persistence.InternalGetOrCreateShardRequest{
		ShardID: shard, CreateShardInfo: func() (int64, *common.DataBlob, error) { return rangeID, text("shard"), nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	return rangeID
}

// progress is how far a run is: what was asked for and what was acknowledged.
type progress struct {
	run
	asked, acknowledged atomic.Int64
}

// drive takes the run to that version. It calls asked before each change.
func (p *progress) drive(ctx context.Context, s persistence.ExecutionStore, rangeID, to int64, asked func(version int64)) error {
	for version := p.acknowledged.Load() + 1; version <= to; version++ {
		p.asked.Store(version)
		asked(version)
		var err error
		if version == 1 {
			_, err = s.CreateWorkflowExecution(ctx, p.create(rangeID))
		} else {
			err = s.UpdateWorkflowExecution(ctx, p.update(rangeID, version))
		}
		if err != nil {
			return fmt.Errorf("%s to %d: %w", p.workflowID, version, err)
		}
		p.acknowledged.Store(version)
	}
	return nil
}

// A crash, be it of the process or of the machine, keeps what was synced and any part of what was not. Whatever that part
// is, each acknowledged change must be there, and each change wholly or not at all.
func TestACrashLosesNothingAcknowledgedAndTearsNothingApart(t *testing.T) {
	t.Parallel()
	const shards, runs, crashes = 2, 12, 20
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	fs := vfs.NewCrashableMem()
	all := make([]*progress, runs)
	for i := range all {
		all[i] = &progress{run: newRun(int32(i%shards), i)}
	}
	for range 3 { // generations: each lives on what the last crash of the one before left
		db, err := pebblestore.Open("db", pebblestore.Options{FS: fs, MemTable: 64 << 10})
		if err != nil {
			t.Fatal(err)
		}
		var crashed *vfs.MemFS
		for range crashes {
			crashed = crashHalfway(t, db, fs, all, random)
		}
		if err := db.Close(); err != nil {
			t.Error(err)
		}
		fs = crashed
		checkAfterCrash(t, fs.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: 100, RNG: random}), all, nil, nil,
			func(p *progress, version int64) {
				p.asked.Store(version)
				p.acknowledged.Store(version)
			})
	}
}

// crashHalfway takes all runs four versions on, and in the middle of that a picture of what a crash would leave.
func crashHalfway(t *testing.T, db *pebblestore.DB, fs *vfs.MemFS, all []*progress, random *rand.Rand) *vfs.MemFS {
	t.Helper()
	f := factory(db)
	s := made(t, f.NewExecutionStore)
	rangeID := own(t, f, 0)
	own(t, f, 1)
	victim := all[random.IntN(len(all))]
	atVersion := victim.acknowledged.Load() + 1 + random.Int64N(4)
	halfway := make(chan struct{})
	var wg sync.WaitGroup
	for _, p := range all {
		to := p.acknowledged.Load() + 4
		wg.Go(func() {
			err := p.drive(t.Context(), s, rangeID, to, func(version int64) {
				if p == victim && version == atVersion {
					close(halfway)
				}
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	<-halfway
	atLeast := snapshot(all, acknowledged)
	crashed := fs.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: random.IntN(101), RNG: random})
	atMost := snapshot(all, asked)
	wg.Wait()
	checkAfterCrash(t, crashed.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: 100, RNG: random}), all, atLeast, atMost, nil)
	return crashed
}

func acknowledged(p *progress) int64 { return p.acknowledged.Load() }
func asked(p *progress) int64        { return p.asked.Load() }

func snapshot(all []*progress, of func(*progress) int64) []int64 {
	versions := make([]int64, len(all))
	for i, p := range all {
		versions[i] = of(p)
	}
	return versions
}

// checkAfterCrash opens what a crash left and expects of each run at least and at most that version.
func checkAfterCrash(
	t *testing.T, fs vfs.FS, all []*progress, atLeast, atMost []int64, found func(p *progress, version int64),
) {
	t.Helper()
	db, err := pebblestore.Open("db", pebblestore.Options{FS: fs})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	s := made(t, factory(db).NewExecutionStore)
	for i, p := range all {
		version, err := p.check(t.Context(), s)
		if err != nil {
			t.Fatal(err)
		}
		if atLeast != nil && (version < atLeast[i] || version > atMost[i]) {
			t.Fatalf("%s is at version %d, but %d was acknowledged and %d asked for", p.workflowID, version, atLeast[i], atMost[i])
		}
		if found != nil {
			found(p, version)
		}
	}
}

func TestABatchLargerThanTheMemoryForItSurvivesACrash(t *testing.T) {
	t.Parallel()
	fs := vfs.NewCrashableMem()
	db, err := pebblestore.Open("db", pebblestore.Options{FS: fs, MemTable: 64 << 10})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	const n, size = 300, 1000
	b := db.Batch()
	for i := range n {
		if err := b.Set([]byte{0x41, byte(i >> 8), byte(i)}, make([]byte, size), nil); err != nil {
			t.Fatal(err)
		}
	}
	if err := db.Commit(b); err != nil {
		t.Fatal(err)
	}
	if err := commitOne(db, n); err != nil {
		t.Fatal(err)
	}
	crashed, err := pebblestore.Open("db", pebblestore.Options{FS: fs.CrashClone(vfs.CrashCloneCfg{})})
	if err != nil {
		t.Fatal(err)
	}
	defer crashed.Close()
	for i := range n + 1 {
		if value, found, err := crashed.Get([]byte{0x41, byte(i >> 8), byte(i)}); len(value) != size || !found || err != nil {
			t.Fatalf("value %d has %d bytes, %v", i, len(value), err)
		}
	}
}

func TestWhatWasNotWaitedForIsThereOnceALaterCommitIs(t *testing.T) {
	t.Parallel()
	fs := vfs.NewCrashableMem()
	db, err := pebblestore.Open("db", pebblestore.Options{FS: fs})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for i, commit := range []func(*pebble.Batch) error{db.CommitNoWait, db.CommitNoWait, db.Commit} {
		b := db.Batch()
		if err := b.Set([]byte{0x41, byte(i)}, []byte("x"), nil); err != nil {
			t.Fatal(err)
		}
		if err := commit(b); err != nil {
			t.Fatal(err)
		}
	}
	crashed, err := pebblestore.Open("db", pebblestore.Options{FS: fs.CrashClone(vfs.CrashCloneCfg{})})
	if err != nil {
		t.Fatal(err)
	}
	defer crashed.Close()
	it, err := crashed.Iter([]byte{0x41}, []byte{0x42})
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for ok := it.First(); ok; ok = it.Next() {
		n++
	}
	if err := it.Close(); err != nil || n != 3 {
		t.Errorf("%d of 3 are there, %v", n, err)
	}
}
