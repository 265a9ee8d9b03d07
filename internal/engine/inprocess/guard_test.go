package inprocess

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"go.temporal.io/api/common/v1"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/api/taskqueue/v1"
	"go.temporal.io/api/workflowservice/v1"
	tokenspb "go.temporal.io/server/api/token/v1"
	"go.temporal.io/server/common/persistence/serialization"
	serviceerrors "go.temporal.io/server/common/serviceerror"
	"go.temporal.io/server/common/tasktoken"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/testing/protocmp"
	"google.golang.org/protobuf/types/known/durationpb"
)

type service = workflowservice.WorkflowServiceClient

func start(id string) *workflowservice.StartWorkflowExecutionRequest {
	return &workflowservice.StartWorkflowExecutionRequest{
		Namespace: here, WorkflowId: id, WorkflowType: &common.WorkflowType{Name: "nothing"},
		TaskQueue: &taskqueue.TaskQueue{Name: "nobody-listens"}, RequestId: uuid.NewString(), Identity: "guard",
	}
}

func withInput(r *workflowservice.StartWorkflowExecutionRequest, size int) *workflowservice.StartWorkflowExecutionRequest {
	r.Input = &common.Payloads{Payloads: []*common.Payload{{Data: []byte(strings.Repeat("x", size))}}}
	return r
}

func respond(t testing.TB, token *tokenspb.Task) *workflowservice.RespondWorkflowTaskCompletedRequest {
	t.Helper()
	data, err := tasktoken.NewSerializer().Serialize(token)
	if err != nil {
		t.Fatal(err)
	}
	return &workflowservice.RespondWorkflowTaskCompletedRequest{Namespace: here, TaskToken: data, Identity: "guard"}
}

func namespaceID(t testing.TB, s *testServer, name string) string {
	t.Helper()
	found, err := s.plain.WorkflowService().DescribeNamespace(t.Context(), &workflowservice.DescribeNamespaceRequest{Namespace: name})
	if err != nil {
		t.Fatal(err)
	}
	return found.GetNamespaceInfo().GetId()
}

// noTask is the token of a task that is not there.
func noTask(t testing.TB, s *testServer) *tokenspb.Task {
	t.Helper()
	return &tokenspb.Task{NamespaceId: namespaceID(t, s, here), WorkflowId: "never-started", RunId: uuid.NewString(), ScheduledEventId: 2, Attempt: 1}
}

// warm makes the frontend issue a pass for each of the two methods.
func warm(t testing.TB, s *testServer) {
	t.Helper()
	if _, err := s.short.WorkflowService().StartWorkflowExecution(t.Context(), start(uuid.NewString())); err != nil {
		t.Fatal(err)
	}
	_, err := s.short.WorkflowService().RespondWorkflowTaskCompleted(t.Context(), respond(t, noTask(t, s)))
	if missing := (*serviceerror.NotFound)(nil); !errors.As(err, &missing) {
		t.Fatalf("a response to no task: %v", err)
	}
}

// shortCut makes a call that must be answered in this process; one that renews a pass is made again.
func shortCut(t testing.TB, call func(context.Context) error) error {
	t.Helper()
	for range 3 {
		var wire atomic.Bool
		err := call(context.WithValue(t.Context(), wireKey{}, &wire))
		if !wire.Load() {
			return err
		}
	}
	t.Fatal("the call goes over gRPC")
	return nil
}

func compare(t *testing.T, got, want error) {
	t.Helper()
	if got == nil || want == nil {
		t.Fatalf("in process: %v\nover gRPC: %v", got, want)
	}
	if reflect.TypeOf(got) != reflect.TypeOf(want) || got.Error() != want.Error() {
		t.Errorf("in process: %T %v\nover gRPC: %T %v", got, got, want, want)
	}
	if diff := cmp.Diff(serviceerror.ToStatus(want).Proto(), serviceerror.ToStatus(got).Proto(), protocmp.Transform()); diff != "" {
		t.Errorf("statuses over gRPC (-) and in process (+):\n%s", diff)
	}
}

// compareKinds leaves the messages aside. gRPC has several for a context's end, depending on which side sees it first.
func compareKinds(t *testing.T, got, want error) {
	t.Helper()
	if reflect.TypeOf(got) != reflect.TypeOf(want) || serviceerror.ToStatus(got).Code() != serviceerror.ToStatus(want).Code() {
		t.Errorf("in process: %T %v\nover gRPC: %T %v", got, got, want, want)
	}
}

// begin is a workflow that is running from before a test.
func begin(t *testing.T, s *testServer, r *workflowservice.StartWorkflowExecutionRequest) string {
	t.Helper()
	started, err := s.plain.WorkflowService().StartWorkflowExecution(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	return started.GetRunId()
}

// Not parallel, for the sake of allOverGRPC.
func TestErrorsInThisProcessAreThoseOfGRPC(t *testing.T) {
	s := shared(t)
	warm(t, s)
	running := uuid.NewString()
	run := begin(t, s, start(running))
	task := noTask(t, s)
	foreign := &tokenspb.Task{NamespaceId: namespaceID(t, s, "temporal-system"), WorkflowId: "w", RunId: uuid.NewString(), ScheduledEventId: 2}

	starting := func(change func(*workflowservice.StartWorkflowExecutionRequest)) func(context.Context, service) error {
		return func(ctx context.Context, c service) error {
			r := start("refused")
			change(r)
			_, err := c.StartWorkflowExecution(ctx, r)
			return err
		}
	}
	responding := func(change func(*workflowservice.RespondWorkflowTaskCompletedRequest)) func(context.Context, service) error {
		return func(ctx context.Context, c service) error {
			r := respond(t, task)
			change(r)
			_, err := c.RespondWorkflowTaskCompleted(ctx, r)
			return err
		}
	}
	failing := func(name string, fault func(context.Context) error) func(context.Context, service) error {
		s.failWith(name, fault)
		return func(ctx context.Context, c service) error {
			_, err := c.StartWorkflowExecution(ctx, start(name))
			return err
		}
	}
	answering := func(err error) func(context.Context, service) error {
		return failing(uuid.NewString(), func(context.Context) error { return err })
	}
	cases := []struct {
		name string
		call func(context.Context, service) error
		code codes.Code
		gRPC bool // also with hops
	}{
		{"a workflow that is running already", starting(func(r *workflowservice.StartWorkflowExecutionRequest) { r.WorkflowId = running }), codes.AlreadyExists, false},
		{"no workflow ID", starting(func(r *workflowservice.StartWorkflowExecutionRequest) { r.WorkflowId = "" }), codes.InvalidArgument, false},
		{"a long workflow ID", starting(func(r *workflowservice.StartWorkflowExecutionRequest) { r.WorkflowId = strings.Repeat("i", 2000) }), codes.InvalidArgument, false},
		{"no task queue", starting(func(r *workflowservice.StartWorkflowExecutionRequest) { r.TaskQueue = nil }), codes.InvalidArgument, false},
		{"a negative timeout", starting(func(r *workflowservice.StartWorkflowExecutionRequest) { r.WorkflowRunTimeout = durationpb.New(-1) }), codes.InvalidArgument, false},
		{"an unknown search attribute", starting(func(r *workflowservice.StartWorkflowExecutionRequest) {
			r.SearchAttributes = &common.SearchAttributes{IndexedFields: map[string]*common.Payload{"Nowhere": {Data: []byte(`"x"`)}}}
		}), codes.InvalidArgument, false},
		{"an input larger than Temporal takes", starting(func(r *workflowservice.StartWorkflowExecutionRequest) { withInput(r, 3<<20) }), codes.InvalidArgument, false},
		{"a request larger than gRPC takes", starting(func(r *workflowservice.StartWorkflowExecutionRequest) { withInput(r, 5<<20) }), codes.ResourceExhausted, true},
		{"an ID that is not UTF-8", starting(func(r *workflowservice.StartWorkflowExecutionRequest) { r.WorkflowId = "\xff" }), codes.Internal, true},
		{"an unknown namespace", starting(func(r *workflowservice.StartWorkflowExecutionRequest) { r.Namespace = "nowhere" }), codes.NotFound, true},
		{"no namespace", starting(func(r *workflowservice.StartWorkflowExecutionRequest) { r.Namespace = "" }), codes.InvalidArgument, true},

		{"a response to a workflow that is not there", responding(func(*workflowservice.RespondWorkflowTaskCompletedRequest) {}), codes.NotFound, false},
		{"a response to a task that is not there", responding(func(r *workflowservice.RespondWorkflowTaskCompletedRequest) {
			r.TaskToken = respond(t, &tokenspb.Task{NamespaceId: task.GetNamespaceId(), WorkflowId: running, RunId: run, ScheduledEventId: 2, Attempt: 1}).GetTaskToken()
		}), codes.NotFound, false},
		{"a response without a workflow ID", responding(func(r *workflowservice.RespondWorkflowTaskCompletedRequest) {
			r.TaskToken = respond(t, &tokenspb.Task{NamespaceId: task.GetNamespaceId()}).GetTaskToken()
		}), codes.InvalidArgument, false},
		{"a response from a long identity", responding(func(r *workflowservice.RespondWorkflowTaskCompletedRequest) { r.Identity = strings.Repeat("i", 2000) }), codes.InvalidArgument, false},
		{"a response with another namespace's token", responding(func(r *workflowservice.RespondWorkflowTaskCompletedRequest) {
			r.TaskToken = respond(t, foreign).GetTaskToken()
		}), codes.InvalidArgument, true},
		{"a response with a broken token", responding(func(r *workflowservice.RespondWorkflowTaskCompletedRequest) { r.TaskToken = []byte("token") }), codes.InvalidArgument, true},
		{"a response without a token", responding(func(r *workflowservice.RespondWorkflowTaskCompletedRequest) { r.TaskToken = nil }), codes.InvalidArgument, true},

		{"a panic", failing("panic", func(context.Context) error { panic("on purpose") }), codes.Internal, false},
		{"a panic with an error", failing("panic with an error", func(context.Context) error { panic(errors.New("on purpose")) }), codes.Internal, false},
		{"an error of no kind", answering(errors.New("details")), codes.Unknown, false},
		{"an internal error", answering(serviceerror.NewInternal("details")), codes.Internal, false},
		{"a wrapped error", answering(fmt.Errorf("because: %w", serviceerror.NewNotFound("it"))), codes.NotFound, false},
		{"lost data", answering(serviceerror.NewDataLoss("details")), codes.Unavailable, false},
		{"data that cannot be decoded", answering(serialization.NewDeserializationError(enums.ENCODING_TYPE_PROTO3, errors.New("details"))), codes.DataLoss, false},
		{"a shard that is elsewhere", answering(serviceerrors.NewShardOwnershipLost("a", "b")), codes.Unavailable, false},
		{"an exhausted resource", answering(serviceerror.NewResourceExhausted(enums.RESOURCE_EXHAUSTED_CAUSE_SYSTEM_OVERLOADED, "busy")), codes.ResourceExhausted, false},
		{"a version that is not supported", answering(serviceerror.NewClientVersionNotSupported("1", "2", "3")), codes.FailedPrecondition, false},
		{"a message that is too long", answering(serviceerror.NewInvalidArgument(strings.Repeat("é", 5000))), codes.InvalidArgument, false},
		{"a context's error without its end", answering(context.Canceled), codes.Canceled, false},

		{"a caller that has left", func(ctx context.Context, c service) error {
			ctx, cancel := context.WithCancel(ctx)
			cancel()
			_, err := c.StartWorkflowExecution(ctx, start("left"))
			return err
		}, codes.Canceled, true},
		{"a caller whose time is over", func(ctx context.Context, c service) error {
			ctx, cancel := context.WithDeadline(ctx, time.Now().Add(-time.Second))
			defer cancel()
			_, err := c.StartWorkflowExecution(ctx, start("late"))
			return err
		}, codes.DeadlineExceeded, true},
		{"a caller that leaves meanwhile", func(ctx context.Context, c service) error {
			ctx, cancel := context.WithCancel(ctx)
			defer cancel()
			id := uuid.NewString()
			s.failWith(id, func(ctx context.Context) error {
				cancel()
				<-ctx.Done()
				return ctx.Err()
			})
			_, err := c.StartWorkflowExecution(ctx, start(id))
			return err
		}, codes.Canceled, false},
		{"a caller whose time ends meanwhile", func(ctx context.Context, c service) error {
			ctx, cancel := context.WithTimeout(ctx, 50*time.Millisecond)
			defer cancel()
			id := uuid.NewString()
			s.failWith(id, func(ctx context.Context) error {
				<-ctx.Done()
				return ctx.Err()
			})
			_, err := c.StartWorkflowExecution(ctx, start(id))
			return err
		}, codes.DeadlineExceeded, false},
	}
	wanted := make([]error, len(cases))
	s.allOverGRPC(t, func() {
		for i, tc := range cases {
			wanted[i] = tc.call(t.Context(), s.plain.WorkflowService())
		}
	})
	for i, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			want := wanted[i]
			var got error
			if tc.gRPC {
				got = tc.call(t.Context(), s.short.WorkflowService())
			} else {
				got = shortCut(t, func(ctx context.Context) error { return tc.call(ctx, s.short.WorkflowService()) })
			}
			if tc.code == codes.Canceled || tc.code == codes.DeadlineExceeded {
				compareKinds(t, got, want)
			} else {
				compare(t, got, want)
			}
			if code := serviceerror.ToStatus(want).Code(); code != tc.code {
				t.Errorf("the code is %s: %v", code, want)
			}
		})
	}
}

func TestAStartThatIsTooLateNamesTheRunThatIsThere(t *testing.T) {
	t.Parallel()
	s := shared(t)
	warm(t, s)
	id := uuid.NewString()
	run := begin(t, s, start(id))
	err := shortCut(t, func(ctx context.Context) error {
		_, err := s.short.WorkflowService().StartWorkflowExecution(ctx, start(id))
		return err
	})
	if exists := (*serviceerror.WorkflowExecutionAlreadyStarted)(nil); !errors.As(err, &exists) || exists.RunId != run {
		t.Errorf("got %v, want that run %s is there", err, run)
	}
}
