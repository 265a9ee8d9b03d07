package inprocess

import (
	"testing"

	"go.temporal.io/api/serviceerror"
	"google.golang.org/grpc/codes"
)

func TestAServerThatHasStoppedIsUnavailable(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name  string
		close bool
	}{{"closed before", true}, {"not closed", false}} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			s, err := startServer(t.TempDir())
			if err != nil {
				t.Fatal(err)
			}
			defer s.short.Close()
			defer s.plain.Close()
			defer s.hops.Close()
			warm(t, s)
			if tc.close {
				s.hops.Close()
				if s.hops.Ready() {
					t.Error("closed hops are ready")
				}
				// All goes on, over gRPC.
				if _, err := s.short.WorkflowService().StartWorkflowExecution(t.Context(), start("late")); err != nil {
					t.Fatal(err)
				}
			}
			if err := s.server.Stop(); err != nil {
				t.Fatal(err)
			}
			for range 3 {
				_, got := s.short.WorkflowService().StartWorkflowExecution(t.Context(), start("too-late"))
				if code := serviceerror.ToStatus(got).Code(); code != codes.Unavailable {
					t.Errorf("got %s: %v", code, got)
				}
			}
			if !tc.close {
				return
			}
			_, got := s.short.WorkflowService().StartWorkflowExecution(t.Context(), start("too-late"))
			_, want := s.plain.WorkflowService().StartWorkflowExecution(t.Context(), start("too-late"))
			compareKinds(t, got, want)
		})
	}
}

func TestAServerThatWasStartedWithoutThemOpensNoHop(t *testing.T) {
	t.Parallel()
	s := shared(t)
	if err := New(s.hops.logger).Open(t.Context(), s.history); err == nil {
		t.Error("hops open at a server that does not know them")
	}
}
