package pebblestore_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"go.temporal.io/server/chasm"
	"go.temporal.io/server/common/persistence"
	"go.temporal.io/server/service/history/tasks"

	"github.com/postrider/postrider/internal/engine/pebblestore"
)

// deleteRun is what Temporal does to a workflow when its retention has passed.
func deleteRun(ctx context.Context, s persistence.ExecutionStore, r run) error {
	return errors.Join(
		s.DeleteCurrentWorkflowExecution(ctx, &persistence.DeleteCurrentWorkflowExecutionRequest{
			ShardID: r.shard, NamespaceID: namespaceID, WorkflowID: r.workflowID, RunID: r.runID, ArchetypeID: chasm.WorkflowArchetypeID,
		}),
		s.DeleteWorkflowExecution(ctx, &persistence.DeleteWorkflowExecutionRequest{
			ShardID: r.shard, NamespaceID: namespaceID, WorkflowID: r.workflowID, RunID: r.runID,
		}),
		s.DeleteHistoryBranch(ctx, &persistence.InternalDeleteHistoryBranchRequest{
			ShardID: r.shard, BranchToken: r.token(), BranchInfo: r.branch(),
			BranchRanges: []persistence.InternalDeleteHistoryBranchRange{{BranchId: r.runID, BeginNodeId: 1}},
		}),
	)
}

func completeAllTasks(ctx context.Context, s persistence.ExecutionStore, shard int32) error {
	var failures []error
	for category, until := range map[tasks.Category]tasks.Key{
		tasks.CategoryTransfer: tasks.NewImmediateKey(1 << 50), tasks.CategoryTimer: tasks.MaximumKey,
	} {
		failures = append(failures, s.RangeCompleteHistoryTasks(ctx, &persistence.RangeCompleteHistoryTasksRequest{
			ShardID: shard, TaskCategory: category, InclusiveMinTaskKey: tasks.MinimumKey, ExclusiveMaxTaskKey: until,
		}))
	}
	return errors.Join(failures...)
}

func TestWhatIsDeletedGivesItsSpaceBack(t *testing.T) {
	t.Parallel()
	fs := vfs.NewMem()
	db, err := pebblestore.Open("db", pebblestore.Options{FS: fs, NoSync: true, MemTable: 1 << 20})
	if err != nil {
		t.Fatal(err)
	}
	f := factory(db)
	s := made(t, f.NewExecutionStore)
	rangeID := own(t, f, 0)
	const runs = 4000
	for i := range runs {
		request := newRun(0, i).create(rangeID)
		noise := make([]byte, 1000) // does not compress
		for j := range noise {
			noise[j] = byte(rand.Uint32())
		}
		request.NewWorkflowNewEvents[0].Node.Events.Data = noise
		if _, err := s.CreateWorkflowExecution(t.Context(), request); err != nil {
			t.Fatal(err)
		}
	}
	full := tables(t, fs)
	for i := range runs {
		if err := deleteRun(t.Context(), s, newRun(0, i)); err != nil {
			t.Fatal(err)
		}
	}
	if err := completeAllTasks(t.Context(), s, 0); err != nil {
		t.Fatal(err)
	}
	for i := range runs {
		version, err := newRun(0, i).check(t.Context(), s)
		if err != nil || version != 0 {
			t.Fatalf("run %d is at version %d, %v", i, version, err)
		}
	}
	if err := db.CompactAll(); err != nil {
		t.Fatal(err)
	}
	closing(t, db, nil)
	if left := tables(t, fs); full < 2<<20 || left > full/20 {
		t.Errorf("of %d bytes %d are left", full, left)
	}
}

// tables is the size of all tables on disk.
func tables(t *testing.T, fs vfs.FS) (bytes int64) {
	t.Helper()
	names, err := fs.List("db")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		if info, err := fs.Stat("db/" + name); err == nil && len(name) > 4 && name[len(name)-4:] == ".sst" {
			bytes += info.Size()
		}
	}
	return bytes
}

// A long history is deleted as a range; a short one node by node.
func TestHistoriesOfAllLengthsAreDeleted(t *testing.T) {
	t.Parallel()
	db := open(t)
	f := factory(db)
	s := made(t, f.NewExecutionStore)
	rangeID := own(t, f, 0)
	for i, versions := range []int64{1, 31, 32, 33, 34, 100} {
		t.Run(fmt.Sprint(versions), func(t *testing.T) {
			p := &progress{run: newRun(0, i)}
			neighbour := &progress{run: newRun(0, 1000+i)}
			for _, p := range []*progress{p, neighbour} {
				if err := p.drive(t.Context(), s, rangeID, versions, func(int64) {}); err != nil {
					t.Fatal(err)
				}
			}
			if err := deleteRun(t.Context(), s, p.run); err != nil {
				t.Fatal(err)
			}
			if err := p.checkHistory(t.Context(), s, 0); err != nil {
				t.Error(err)
			}
			if version, err := neighbour.check(t.Context(), s); version != versions || err != nil {
				t.Errorf("its neighbour is at version %d, %v", version, err)
			}
		})
	}
}
