package pebblevisibility_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/postrider/postrider/internal/engine/pebblestore"
)

// One operation is what the server writes for a workflow: its start and its close.
func BenchmarkAWorkflowStartsAndCloses(b *testing.B) {
	s := onPebble(b, open(b, b.TempDir(), pebblestore.Options{}))
	b.ReportAllocs()
	for i := range b.N {
		r := benchmarkRun(i)
		r.start(b, s)
		r.TaskID++
		r.close(b, s)
	}
}

func BenchmarkAPageOfATenantsWorkflows(b *testing.B) {
	s := onPebble(b, open(b, b.TempDir(), pebblestore.Options{}))
	for i := range 100_000 {
		benchmarkRun(i).close(b, s)
	}
	for name, q := range map[string]string{
		"all": "", "tenant": "Keyword01 = 'tenant-7'", "two equalities": "Keyword01 = 'tenant-7' AND ExecutionStatus = 'Completed'",
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for range b.N {
				if got := listPage(b, s, someNamespace, q, 100, nil); len(got.Executions) != 100 {
					b.Fatalf("got %d", len(got.Executions))
				}
			}
		})
	}
	for name, q := range map[string]string{
		"from counts": "ExecutionStatus = 'Completed'", "from entries": "Keyword02 = 'invoice.paid'", "from records": "TaskQueue = ''",
	} {
		b.Run("count of 100000 "+name, func(b *testing.B) {
			for range b.N {
				if got := count(b, s, someNamespace, q); got != "100000" {
					b.Fatalf("got %s", got)
				}
			}
		})
	}
}

func benchmarkRun(i int) run {
	return aRun(fmt.Sprint("evt_", i), 1, func(r *run) {
		r.RunID = uuid.NewString()
		r.StartTime = noon().Add(time.Duration(i) * time.Millisecond)
		r.closed = r.StartTime.Add(10 * time.Millisecond)
		r.set(map[string]any{"Keyword01": fmt.Sprint("tenant-", i%50), "Keyword02": "invoice.paid"})
	})
}

// All that ran has left traces where the running ones are listed first.
func BenchmarkThePageOfRunningOnesAfter100000Closed(b *testing.B) {
	s := onPebble(b, open(b, b.TempDir(), pebblestore.Options{}))
	for i := range 100_000 {
		r := benchmarkRun(i)
		r.start(b, s)
		r.TaskID++
		r.close(b, s)
	}
	benchmarkRun(-1).start(b, s)
	for _, q := range []string{"", "ExecutionStatus = 'Running'"} {
		b.Run("list "+q, func(b *testing.B) {
			for range b.N {
				listPage(b, s, someNamespace, q, 100, nil)
			}
		})
		b.Run("count "+q, func(b *testing.B) {
			for range b.N {
				count(b, s, someNamespace, q)
			}
		})
	}
}
