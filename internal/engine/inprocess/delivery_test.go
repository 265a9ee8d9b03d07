package inprocess

import (
	"context"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"go.temporal.io/api/command/v1"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/api/workflowservice/v1"
	sdkclient "go.temporal.io/sdk/client"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"
)

// deliver is a delivery's shape: one workflow task with a local activity.
func deliver(ctx workflow.Context, payload []byte) (int, error) {
	ctx = workflow.WithLocalActivityOptions(ctx, workflow.LocalActivityOptions{StartToCloseTimeout: time.Second})
	var size int
	err := workflow.ExecuteLocalActivity(ctx, func(context.Context, []byte) (int, error) { return len(payload), nil }, payload).Get(ctx, &size)
	return size, err
}

func startWorker(t testing.TB, c sdkclient.Client, queue string) {
	t.Helper()
	w := worker.New(c, queue, worker.Options{WorkerStopTimeout: time.Second})
	w.RegisterWorkflow(deliver)
	if err := w.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.Stop)
}

// events are the history of a delivery that c made.
func events(t *testing.T, c sdkclient.Client, queue string) []string {
	t.Helper()
	run, err := c.ExecuteWorkflow(t.Context(), sdkclient.StartWorkflowOptions{ID: uuid.NewString(), TaskQueue: queue, EnableEagerStart: true}, deliver, make([]byte, 1024))
	if err != nil {
		t.Fatal(err)
	}
	var size int
	if err := run.Get(t.Context(), &size); err != nil || size != 1024 {
		t.Fatalf("got %d, %v", size, err)
	}
	var types []string
	for all := c.GetWorkflowHistory(t.Context(), run.GetID(), run.GetRunID(), false, enums.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT); all.HasNext(); {
		event, err := all.Next()
		if err != nil {
			t.Fatal(err)
		}
		types = append(types, event.GetEventType().String())
	}
	return types
}

// Not parallel: it counts, and for the sake of allOverGRPC.
func TestADeliveryTakesBothHopsAndHasTheHistoryThatItHasOverGRPC(t *testing.T) {
	s := shared(t)
	startWorker(t, s.plain, "plain")
	startWorker(t, s.short, "short")
	var want []string
	s.allOverGRPC(t, func() { want = events(t, s.plain, "plain") })
	events(t, s.short, "short") // gets the passes
	if !s.hops.Ready() {
		t.Fatal("the hop to history is not open")
	}

	const deliveries = 50
	before, wire, handled := s.hops.Stats(), s.wire.Load(), s.handled.Load()
	for range deliveries {
		if diff := cmp.Diff(want, events(t, s.short, "short")); diff != "" {
			t.Fatalf("history over gRPC (-) and in process (+):\n%s", diff)
		}
	}
	after := s.hops.Stats()
	frontend := Count{after.Frontend.InProcess - before.Frontend.InProcess, after.Frontend.OverGRPC - before.Frontend.OverGRPC}
	history := Count{after.History.InProcess - before.History.InProcess, after.History.OverGRPC - before.History.OverGRPC}

	if got := s.handled.Load() - handled; got != 2*deliveries {
		t.Errorf("the frontend handled %d calls of %d deliveries", got, deliveries)
	}
	if got := s.wire.Load() - wire; got != frontend.OverGRPC || got > 2*deliveries/4 {
		t.Errorf("%d calls came over gRPC, %d were sent so", got, frontend.OverGRPC)
	}
	if got := frontend.InProcess + frontend.OverGRPC; got != 2*deliveries {
		t.Errorf("the client counts %d calls of %d deliveries", got, deliveries)
	}
	if want := (Count{InProcess: 2 * deliveries}); history != want {
		t.Errorf("calls of history: %+v, want %+v", history, want)
	}
	if len(want) != 6 {
		t.Errorf("the history is %v", want)
	}
}

func TestMessagesAreNotSharedWithTheServer(t *testing.T) {
	t.Parallel()
	s := shared(t)
	warm(t, s)
	var request, sent *workflowservice.StartWorkflowExecutionRequest
	var response *workflowservice.StartWorkflowExecutionResponse
	if err := shortCut(t, func(ctx context.Context) (err error) {
		request = withInput(start(uuid.NewString()), 100)
		request.RequestEagerExecution = true
		sent = proto.CloneOf(request)
		response, err = s.short.WorkflowService().StartWorkflowExecution(ctx, request)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	if !proto.Equal(request, sent) {
		t.Error("the server changed the caller's request")
	}
	clear(request.GetInput().GetPayloads()[0].GetData())
	input := response.GetEagerWorkflowTask().GetHistory().GetEvents()[0].GetWorkflowExecutionStartedEventAttributes().GetInput()
	clear(input.GetPayloads()[0].GetData())

	all := s.plain.GetWorkflowHistory(t.Context(), sent.GetWorkflowId(), response.GetRunId(), false, enums.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	event, err := all.Next()
	if err != nil {
		t.Fatal(err)
	}
	got := string(event.GetWorkflowExecutionStartedEventAttributes().GetInput().GetPayloads()[0].GetData())
	if got != strings.Repeat("x", 100) {
		t.Errorf("the server's event became %q", got)
	}
}

func TestAResponseInThisProcessCompletesTheWorkflow(t *testing.T) {
	t.Parallel()
	s := shared(t)
	warm(t, s)
	r := start(uuid.NewString())
	r.RequestEagerExecution = true
	started, err := s.short.WorkflowService().StartWorkflowExecution(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	completed := completion(started.GetEagerWorkflowTask().GetTaskToken())
	if _, err := s.short.WorkflowService().RespondWorkflowTaskCompleted(t.Context(), completed); err != nil {
		t.Fatal(err)
	}
	found, err := s.plain.DescribeWorkflowExecution(t.Context(), r.GetWorkflowId(), started.GetRunId())
	if err != nil || found.GetWorkflowExecutionInfo().GetStatus() != enums.WORKFLOW_EXECUTION_STATUS_COMPLETED {
		t.Errorf("got %v, %v", found, err)
	}
	again := shortCut(t, func(ctx context.Context) error {
		_, err := s.short.WorkflowService().RespondWorkflowTaskCompleted(ctx, completed)
		return err
	})
	_, want := s.plain.WorkflowService().RespondWorkflowTaskCompleted(t.Context(), completed)
	compare(t, again, want)
}

func completion(token []byte) *workflowservice.RespondWorkflowTaskCompletedRequest {
	return &workflowservice.RespondWorkflowTaskCompletedRequest{
		Namespace: here, TaskToken: token, Identity: "guard",
		Commands: []*command.Command{{
			CommandType: enums.COMMAND_TYPE_COMPLETE_WORKFLOW_EXECUTION,
			Attributes: &command.Command_CompleteWorkflowExecutionCommandAttributes{
				CompleteWorkflowExecutionCommandAttributes: &command.CompleteWorkflowExecutionCommandAttributes{},
			},
		}},
	}
}

func TestTheHandlerSeesTheCallersMetadataAndNoneOfItsValues(t *testing.T) {
	t.Parallel()
	s := shared(t)
	warm(t, s)
	type key struct{}
	see := func(ctx context.Context, c service) metadata.MD {
		t.Helper()
		id := uuid.NewString()
		var seen metadata.MD
		s.failWith(id, func(ctx context.Context) error {
			if ctx.Value(key{}) != nil {
				t.Error("the handler sees the caller's values")
			}
			if deadline, ok := ctx.Deadline(); !ok || time.Until(deadline) > time.Minute {
				t.Errorf("the handler's deadline is %v, %v", deadline, ok)
			}
			seen, _ = metadata.FromIncomingContext(ctx)
			return serviceerror.NewNotFound("on purpose")
		})
		ctx, cancel := context.WithTimeout(context.WithValue(ctx, key{}, 1), time.Minute)
		defer cancel()
		ctx = metadata.AppendToOutgoingContext(ctx, "temporal-principal-name", "somebody else")
		r := start(id)
		if _, err := c.StartWorkflowExecution(ctx, r); err == nil {
			t.Error("no error")
		}
		for _, k := range []string{":authority", "content-type", "user-agent", "grpc-accept-encoding", secretHeader, "temporal-resource-id"} {
			seen.Delete(k)
		}
		return seen
	}
	want := see(t.Context(), s.plain.WorkflowService())
	var got metadata.MD
	_ = shortCut(t, func(ctx context.Context) error {
		got = see(ctx, s.short.WorkflowService())
		return nil
	})
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("metadata over gRPC (-) and in process (+):\n%s", diff)
	}
	if want.Get("caller-type")[0] != "api" {
		t.Errorf("metadata over gRPC: %v", want)
	}
}

// A namespace's end is noticed when its pass ends; here, workflows of a namespace that goes out of use.
func TestWhatTemporalForbidsIsForbiddenSoon(t *testing.T) {
	t.Parallel()
	s := shared(t)
	retiring := uuid.NewString()
	if _, err := s.plain.WorkflowService().RegisterNamespace(t.Context(), &workflowservice.RegisterNamespaceRequest{
		Namespace: retiring, WorkflowExecutionRetentionPeriod: durationpb.New(24 * time.Hour),
	}); err != nil {
		t.Fatal(err)
	}
	try := func(c sdkclient.Client) (bool, error) {
		r := start(uuid.NewString())
		r.Namespace = retiring
		var wire atomic.Bool
		_, err := c.WorkflowService().StartWorkflowExecution(context.WithValue(t.Context(), wireKey{}, &wire), r)
		return wire.Load(), err
	}
	await(t, "the namespace's first shortcut", func() bool {
		wire, err := try(s.short)
		return err == nil && !wire
	})
	if _, err := s.plain.WorkflowService().DeprecateNamespace(t.Context(), &workflowservice.DeprecateNamespaceRequest{Namespace: retiring}); err != nil {
		t.Fatal(err)
	}
	await(t, "the end of the namespace", func() bool {
		_, err := try(s.plain)
		return err != nil
	})
	end := time.Now()
	await(t, "the end of the pass", func() bool {
		_, err := try(s.short)
		return err != nil
	})
	if took := time.Since(end); took > validFor {
		t.Errorf("workflows were started for %s after their namespace's end", took)
	}
	for range 3 {
		_, got := try(s.short)
		_, want := try(s.plain)
		compare(t, got, want)
	}
}
