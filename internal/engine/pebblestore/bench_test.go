package pebblestore_test

import (
	"sync/atomic"
	"testing"

	"go.temporal.io/server/common/persistence"

	"github.com/postrider/postrider/internal/engine/pebblestore"
)

// BenchmarkAWorkflow is the writes of a workflow of two steps, on the disk, fsynced, by many at once.
func BenchmarkAWorkflow(b *testing.B) {
	db, err := pebblestore.Open(b.TempDir(), pebblestore.Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer db.Close()
	f := factory(db)
	s := made(b, f.NewExecutionStore)
	rangeID := own(b, f, 0)
	var n atomic.Int64
	b.SetParallelism(8)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			r := newRun(0, int(n.Add(1)))
			if _, err := s.CreateWorkflowExecution(b.Context(), r.create(rangeID)); err != nil {
				b.Fatal(err)
			}
			if err := s.UpdateWorkflowExecution(b.Context(), r.update(rangeID, 2)); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// BenchmarkRetention is the deletion of a workflow with all that it left, among look-ups of others.
func BenchmarkRetention(b *testing.B) {
	db, err := pebblestore.Open(b.TempDir(), pebblestore.Options{NoSync: true})
	if err != nil {
		b.Fatal(err)
	}
	defer db.Close()
	f := factory(db)
	s := made(b, f.NewExecutionStore)
	rangeID := own(b, f, 0)
	for i := range b.N {
		r := newRun(0, i)
		if _, err := s.CreateWorkflowExecution(b.Context(), r.create(rangeID)); err != nil {
			b.Fatal(err)
		}
	}
	b.ResetTimer()
	for i := range b.N {
		r := newRun(0, i)
		if err := deleteRun(b.Context(), s, r); err != nil {
			b.Fatal(err)
		}
		other := newRun(0, b.N-1)
		if _, err := s.GetWorkflowExecution(b.Context(), &persistence.GetWorkflowExecutionRequest{
			ShardID: 0, NamespaceID: namespaceID, WorkflowID: other.workflowID, RunID: other.runID,
		}); err != nil && !isNotFound(err) {
			b.Fatal(err)
		}
	}
}
