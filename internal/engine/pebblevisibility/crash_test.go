package pebblevisibility_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/google/uuid"
	"go.temporal.io/server/common/persistence/visibility/store"

	"github.com/postrider/postrider/internal/engine/pebblestore"
	"github.com/postrider/postrider/internal/engine/pebblevisibility"
)

// After a crash there is everything from before some commit that was waited for, and perhaps some of what came later;
// and what there is agrees with itself.
func TestACrashLosesNothingThatWasCommittedAndLeavesCountsThatAgreeWithRecords(t *testing.T) {
	t.Parallel()
	for seed := range uint64(12) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			t.Parallel()
			random := rand.New(rand.NewPCG(seed, 0))
			fs := vfs.NewCrashableMem()
			db := open(t, "engine", pebblestore.Options{FS: fs, MemTable: 256 << 10})
			s := onPebble(t, db)
			var durable, written []string
			for i := range 400 {
				id := fmt.Sprint("wf-", i)
				written = append(written, id)
				deliver(t, s, id, random)
				if random.IntN(40) == 0 {
					commit(t, db)
					durable = slices.Clone(written)
				}
			}
			crashed := fs.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: random.IntN(101), RNG: random})
			again := open(t, "engine", pebblestore.Options{FS: crashed})
			if err := pebblevisibility.Check(again); err != nil {
				t.Fatal(err)
			}
			found := listed(t, onPebble(t, again), "")
			for _, id := range durable {
				if !slices.Contains(found, id) {
					t.Errorf("%s was committed and is lost", id)
				}
			}
			for _, id := range found {
				if !slices.Contains(written, id) {
					t.Errorf("%s was never written", id)
				}
			}
		})
	}
}

// deliver writes a workflow that starts and closes.
func deliver(t *testing.T, s store.VisibilityStore, id string, random *rand.Rand) {
	t.Helper()
	runID := uuid.NewString()
	of := func(r *run) {
		r.RunID, r.WorkflowTypeName = runID, fmt.Sprint("type-", random.IntN(3))
		r.closed = noon().Add(time.Duration(random.IntN(1000)) * time.Millisecond)
		r.set(map[string]any{"Keyword01": fmt.Sprint("tenant-", random.IntN(5)), "Keyword02": "invoice.paid"})
	}
	aRun(id, 1, of).start(t, s)
	aRun(id, 2, of).close(t, s)
	if random.IntN(4) == 0 {
		other := aRun(id+"-gone", 1, func(r *run) { r.RunID = uuid.NewString() })
		other.start(t, s)
		other.delete(t, s)
	}
}

// commit writes something else, with which all of before becomes durable.
func commit(t *testing.T, db *pebblestore.DB) {
	t.Helper()
	b := db.Batch()
	if err := b.Set([]byte{0x3f, 0xff}, nil, nil); err != nil {
		t.Fatal(err)
	}
	if err := db.Commit(b); err != nil {
		t.Fatal(err)
	}
}
