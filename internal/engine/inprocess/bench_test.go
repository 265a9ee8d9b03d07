package inprocess

import (
	"context"
	"syscall"
	"testing"
	"time"

	"github.com/google/uuid"
	"go.temporal.io/api/workflowservice/v1"
	tokenspb "go.temporal.io/server/api/token/v1"
	"google.golang.org/protobuf/proto"
)

// Run with: go test -run=^$ -bench=. -benchmem -count=5 ./internal/engine/inprocess.
func BenchmarkCall(b *testing.B) {
	s := shared(b)
	warm(b, s)
	id := namespaceID(b, s, here)
	for _, c := range []struct {
		name   string
		client service
	}{{"gRPC", s.plain.WorkflowService()}, {"in-process", s.short.WorkflowService()}} {
		b.Run("to-the-frontend/"+c.name, func(b *testing.B) {
			request := withInput(start(uuid.NewString()), 1024)
			s.faults.Store(request.GetWorkflowId(), handler(func(context.Context) (*workflowservice.StartWorkflowExecutionResponse, error) {
				return &workflowservice.StartWorkflowExecutionResponse{RunId: "run", Started: true}, nil
			}))
			defer reportCPU(b)()
			for b.Loop() {
				if _, err := c.client.StartWorkflowExecution(b.Context(), request); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run("to-history-which-refuses/"+c.name, func(b *testing.B) {
			request := respond(b, &tokenspb.Task{NamespaceId: id}) // no workflow ID, which history misses
			defer reportCPU(b)()
			both := func() {
				for b.Loop() {
					if _, err := c.client.RespondWorkflowTaskCompleted(b.Context(), request); err == nil {
						b.Fatal("no error")
					}
				}
			}
			if c.name == "gRPC" {
				s.allOverGRPC(b, both)
			} else {
				both()
			}
		})
	}
}

// reportCPU adds the process's CPU time, client and server: unlike the time passed, it stands other load on the machine.
func reportCPU(b *testing.B) func() {
	b.Helper()
	used := func() time.Duration {
		var usage syscall.Rusage
		if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
			b.Fatal(err)
		}
		return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
	}
	before := used()
	return func() { b.ReportMetric(float64((used()-before).Microseconds())/float64(b.N), "cpu-µs/op") }
}

// What a request costs on its way, and what a copy of it would.
func BenchmarkSend(b *testing.B) {
	request := withInput(start(uuid.NewString()), 1024)
	b.Run("send", func(b *testing.B) {
		h := newHops()
		for b.Loop() {
			if !h.send(request, new(workflowservice.StartWorkflowExecutionRequest)) {
				b.Fatal("not sent")
			}
		}
	})
	b.Run("copy", func(b *testing.B) {
		for b.Loop() {
			_ = proto.CloneOf(request)
		}
	})
}
