package inprocess

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"go.temporal.io/api/workflowservice/v1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
)

func newHops() *Hops { return New(slog.New(slog.DiscardHandler)) }

func answer(context.Context, any) (any, error) {
	return &workflowservice.StartWorkflowExecutionResponse{RunId: "run"}, nil
}

func call(ctx context.Context, h *Hops, chain grpc.UnaryHandler) (*workflowservice.StartWorkflowExecutionResponse, bool, error) {
	var response workflowservice.StartWorkflowExecutionResponse
	done, err := h.call(ctx, chain, nil, start("w"), &response)
	return &response, done, err
}

func TestACallIsAnsweredUntilTheHopsAreClosed(t *testing.T) {
	t.Parallel()
	h := newHops()
	if response, done, err := call(t.Context(), h, answer); !done || err != nil || response.GetRunId() != "run" {
		t.Errorf("got %v, %t, %v", response, done, err)
	}
	h.Close()
	if _, done, err := call(t.Context(), h, answer); done || err != nil {
		t.Errorf("closed: %t, %v", done, err)
	}
	h.Close()
}

func TestCloseWaitsForACallThatIsRunning(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := newHops()
		answered := make(chan error, 1)
		go func() {
			_, _, err := call(t.Context(), h, func(ctx context.Context, r any) (any, error) {
				<-time.After(drain / 2)
				return answer(ctx, r)
			})
			answered <- err
		}()
		synctest.Wait()
		h.Close()
		select {
		case err := <-answered:
			if err != nil {
				t.Error(err)
			}
		default:
			t.Error("the call was left running")
		}
	})
}

func TestCloseCancelsACallThatTakesLong(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := newHops()
		answered := make(chan error, 1)
		go func() {
			_, _, err := call(t.Context(), h, func(ctx context.Context, _ any) (any, error) {
				<-ctx.Done()
				return nil, ctx.Err()
			})
			answered <- err
		}()
		synctest.Wait()
		begun := time.Now()
		h.Close()
		if got := time.Since(begun); got != drain {
			t.Errorf("it took %s", got)
		}
		synctest.Wait()
		if code := status.Code(<-answered); code != codes.Unavailable {
			t.Errorf("the call failed as %s", code)
		}
	})
}

func TestAnAnswerReplacesWhatWasInTheReplyAndIsNotShared(t *testing.T) {
	t.Parallel()
	answered := &workflowservice.StartWorkflowExecutionResponse{EagerWorkflowTask: &workflowservice.PollWorkflowTaskQueueResponse{TaskToken: []byte("token")}}
	reply := workflowservice.StartWorkflowExecutionResponse{RunId: "old"}
	_, err := newHops().call(t.Context(), func(context.Context, any) (any, error) { return answered, nil }, nil, start("w"), &reply)
	if err != nil || !proto.Equal(&reply, answered) {
		t.Fatalf("got %v, %v", &reply, err)
	}
	clear(answered.GetEagerWorkflowTask().GetTaskToken())
	if got := string(reply.GetEagerWorkflowTask().GetTaskToken()); got != "token" {
		t.Errorf("the reply became %q", got)
	}
}

func TestAHandlerWithoutAnAnswerIsAnInternalError(t *testing.T) {
	t.Parallel()
	_, done, err := call(t.Context(), newHops(), func(context.Context, any) (any, error) { return nil, nil }) //nolint:nilnil // that is the case
	if !done || status.Code(err) != codes.Internal {
		t.Errorf("got %t, %v", done, err)
	}
}

func TestAPassIsRenewedByOneCallAndEnds(t *testing.T) {
	t.Parallel()
	var ps passes
	s, issued := subject{namespace: here}, time.Now()
	first := &pass{issued: issued}
	find := func(age time.Duration) (*pass, bool) { return ps.find(s, issued.Add(age)) }

	if p, renew := find(0); p != nil || renew {
		t.Error("a pass before there is one")
	}
	ps.issue(s, first)
	if p, renew := find(renewAfter - 1); p != first || renew {
		t.Error("a young pass is not good")
	}
	if p, renew := find(renewAfter); p != first || !renew {
		t.Error("a pass is not renewed")
	}
	if p, renew := find(renewAfter); p != first || renew {
		t.Error("a pass is renewed twice")
	}
	if p, _ := find(validFor); p != nil {
		t.Error("an old pass is good")
	}
	second := &pass{issued: issued.Add(renewAfter)}
	ps.issue(s, second)
	ps.drop(s, first)
	if p, _ := find(renewAfter); p != second {
		t.Error("the end of a pass ended its successor")
	}
	ps.drop(s, second)
	if p, _ := find(renewAfter); p != nil {
		t.Error("a pass outlives its end")
	}
}

func TestOnlyTheSameSubjectMayUseAPass(t *testing.T) {
	t.Parallel()
	var ps passes
	now := time.Now()
	ps.issue(subject{respond: true, namespace: "a", owner: "1"}, &pass{issued: now})
	for _, s := range []subject{{namespace: "a"}, {respond: true, namespace: "b", owner: "1"}, {respond: true, namespace: "a", owner: "2"}, {}} {
		if p, _ := ps.find(s, now); p != nil {
			t.Errorf("%+v has a pass", s)
		}
	}
}

func TestARenewalThatIsRefusedEndsThePass(t *testing.T) {
	t.Parallel()
	h := newHops()
	s, _ := subjectOf(start("w"))
	h.passes.issue(s, &pass{chain: answer, issued: time.Now().Add(-renewAfter)})
	refused := errors.New("refused")
	invoke := func(context.Context, string, any, any, *grpc.ClientConn, ...grpc.CallOption) error { return refused }
	for range 2 {
		err := h.callFrontend(t.Context(), "", start("w"), &workflowservice.StartWorkflowExecutionResponse{}, nil, invoke)
		if !errors.Is(err, refused) {
			t.Errorf("got %v", err)
		}
	}
	if got := h.Stats().Frontend; got != (Count{OverGRPC: 2}) {
		t.Errorf("%+v", got)
	}
}
