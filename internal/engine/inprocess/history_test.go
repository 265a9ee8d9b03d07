package inprocess

import (
	"context"
	"errors"
	"testing"
	"time"

	"go.temporal.io/api/serviceerror"
	"go.temporal.io/server/api/historyservice/v1"
	"go.temporal.io/server/common/dynamicconfig"
	"go.temporal.io/server/common/headers"
	"go.temporal.io/server/common/log"
	"go.temporal.io/server/common/metrics"
	serviceerrors "go.temporal.io/server/common/serviceerror"
	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"
)

// fakeHistory is a history service.
type fakeHistory struct {
	historyservice.UnimplementedHistoryServiceServer
	start func(context.Context) error
}

func (f fakeHistory) StartWorkflowExecution(ctx context.Context, _ *historyservice.StartWorkflowExecutionRequest) (*historyservice.StartWorkflowExecutionResponse, error) {
	return &historyservice.StartWorkflowExecutionResponse{RunId: "in process"}, f.start(ctx)
}

// realClient stands for Temporal's client of history, over gRPC.
type realClient struct {
	historyservice.HistoryServiceClient
	stopped bool
}

func (c *realClient) Stop() { c.stopped = true }
func (*realClient) StartWorkflowExecution(context.Context, *historyservice.StartWorkflowExecutionRequest, ...grpc.CallOption) (*historyservice.StartWorkflowExecutionResponse, error) {
	return &historyservice.StartWorkflowExecutionResponse{RunId: "over gRPC"}, nil
}

func clientOf(h *Hops, start func(context.Context) error) *historyClient {
	h.history.Store(newChains(metrics.NoopMetricsHandler, dynamicconfig.NewNoopCollection(), log.NewNoopLogger()).history(fakeHistory{start: start}))
	return &historyClient{&realClient{}, h, time.Minute}
}

func startHistory(ctx context.Context, c *historyClient) (string, error) {
	response, err := c.StartWorkflowExecution(ctx, &historyservice.StartWorkflowExecutionRequest{NamespaceId: "n", StartRequest: start("w")})
	return response.GetRunId(), err
}

func TestHistoryIsCalledInThisProcess(t *testing.T) {
	t.Parallel()
	h := newHops()
	c := clientOf(h, func(ctx context.Context) error {
		if got := headers.GetCallerInfo(ctx); got != headers.NewCallerInfo(here, headers.CallerTypeAPI, "StartWorkflowExecution") {
			t.Errorf("called by %+v", got)
		}
		if metadata.ValueFromIncomingContext(ctx, "authorization") != nil {
			t.Error("history sees what only the frontend should")
		}
		if deadline, ok := ctx.Deadline(); !ok || time.Until(deadline) > time.Minute {
			t.Errorf("the deadline is %v, %t", deadline, ok)
		}
		return nil
	})
	ctx := metadata.NewIncomingContext(t.Context(), metadata.Pairs("authorization", "x"))
	ctx = headers.SetCallerInfo(ctx, headers.NewCallerInfo(here, headers.CallerTypeAPI, "StartWorkflowExecution"))
	if got, err := startHistory(ctx, c); err != nil || got != "in process" {
		t.Errorf("got %q, %v", got, err)
	}
	if got := h.Stats().History; got != (Count{InProcess: 1}) {
		t.Errorf("%+v", got)
	}
}

func TestHistorysErrorsAreOfTemporalsKinds(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name  string
		start func(context.Context) error
		is    func(error) bool
	}{
		{"a panic is internal", func(context.Context) error { panic("on purpose") }, is[*serviceerror.Internal]},
		{"one of the API's", func(context.Context) error {
			return serviceerror.NewWorkflowExecutionAlreadyStarted("m", "request", "run")
		}, is[*serviceerror.WorkflowExecutionAlreadyStarted]},
		{"one of the server's own", func(context.Context) error { return serviceerrors.NewStickyWorkerUnavailable() }, is[*serviceerrors.StickyWorkerUnavailable]},
		{"a context's", func(context.Context) error { return context.DeadlineExceeded }, is[*serviceerror.DeadlineExceeded]},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			if _, err := startHistory(t.Context(), clientOf(newHops(), tc.start)); !tc.is(err) {
				t.Errorf("got %T %v", err, err)
			}
		})
	}
}

func is[T error](err error) bool {
	var target T
	return errors.As(err, &target)
}

func TestHistoryIsAskedAgainWhenItWasBusy(t *testing.T) {
	t.Parallel()
	asked := 0
	c := clientOf(newHops(), func(context.Context) error {
		if asked++; asked == 1 {
			return serviceerror.NewUnavailable("for a moment")
		}
		return nil
	})
	if got, err := startHistory(t.Context(), c); err != nil || got != "in process" || asked != 2 {
		t.Errorf("got %q, %v after %d", got, err, asked)
	}
}

func TestTheRealClientIsAskedWhenHistoryIsNotHere(t *testing.T) {
	t.Parallel()
	ok := func(context.Context) error { return nil }
	elsewhere := clientOf(newHops(), func(context.Context) error { return serviceerrors.NewShardOwnershipLost("there", "here") })
	closed := clientOf(newHops(), ok)
	closed.hops.Close()
	late, cancel := context.WithCancel(t.Context())
	cancel()
	for _, tc := range []struct {
		name string
		ctx  context.Context
		c    *historyClient
	}{
		{"not caught", t.Context(), &historyClient{&realClient{}, newHops(), time.Minute}},
		{"closed", t.Context(), closed},
		{"a shard that is elsewhere", t.Context(), elsewhere},
		{"a caller that has left", late, clientOf(newHops(), ok)},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			if got, err := startHistory(tc.ctx, tc.c); err != nil || got != "over gRPC" {
				t.Errorf("got %q, %v", got, err)
			}
			if got := tc.c.hops.Stats().History; got != (Count{OverGRPC: 1}) {
				t.Errorf("%+v", got)
			}
		})
	}
}

func TestStopReachesTheRealClient(t *testing.T) {
	t.Parallel()
	var c realClient
	(&historyClient{&c, newHops(), time.Minute}).Stop()
	if !c.stopped {
		t.Error("its connections stay open")
	}
}
