package workflows_test

import (
	"fmt"
	"log/slog"
	"reflect"
	"testing"
	"time"

	"go.temporal.io/sdk/interceptor"
	sdklog "go.temporal.io/sdk/log"
	"go.temporal.io/sdk/testsuite"
	sdkworker "go.temporal.io/sdk/worker"

	"github.com/postrider/postrider/activities"
	"github.com/postrider/postrider/internal/testkit/rows"
	"github.com/postrider/postrider/webhook"
	"github.com/postrider/postrider/worker"
	"github.com/postrider/postrider/workflows"
)

// start is when every workflow of these tests starts.
func start() time.Time { return time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC) }

// plain is a policy without jitter: retries are due 10, 20, 40, 60, 60, … seconds after each other.
func plain(attempts int) webhook.Policy {
	return webhook.Policy{
		InitialInterval: webhook.Duration(10 * time.Second), BackoffCoefficient: 2, MaximumInterval: webhook.Duration(time.Minute),
		MaximumAttempts: attempts, Timeout: webhook.Duration(15 * time.Second),
	}
}

// world is one event with its workflow, rows and receivers.
type world struct {
	*rows.Rows
	t            *testing.T
	env          *testsuite.TestWorkflowEnvironment
	cancellation *cancellation
	in           workflows.DeliverEventInput
}

func newWorld(t *testing.T, random func() float64) *world {
	t.Helper()
	var suite testsuite.WorkflowTestSuite
	suite.SetLogger(sdklog.NewStructuredLogger(slog.New(slog.DiscardHandler)))
	w := &world{t: t, env: suite.NewTestWorkflowEnvironment(), cancellation: newCancellation()}
	w.env.SetStartTime(start())
	w.env.SetTestTimeout(time.Minute) // real time without any progress
	w.env.SetWorkerOptions(sdkworker.Options{
		Interceptors: []interceptor.WorkerInterceptor{w.cancellation}, DeadlockDetectionTimeout: 10 * time.Second,
	})
	w.Rows = rows.New(rows.Config{Now: w.now, Random: random, Outcome: func(endpointID string) {
		w.signal(workflows.SignalOutcome, workflows.OutcomeSignal{EndpointID: endpointID})
	}})
	worker.Register(w.env, activities.New(w.Rows, w.now))
	w.in = workflows.DeliverEventInput{V: 1, UID: 1, Tenant: webhook.DefaultTenant, EventID: "evt_1", EventType: "invoice.paid", Generation: 1}
	return w
}

func (w *world) now() time.Time { return w.env.Now().UTC() }

// endpoint adds an endpoint to the event. IDs are ep_1, ep_2, ….
func (w *world) endpoint(policy webhook.Policy, answers ...rows.Answer) {
	n := len(w.in.Endpoints) + 1
	id := fmt.Sprintf("ep_%d", n)
	w.Add(id, int64(n), policy, answers...)
	w.in.Endpoints = append(w.in.Endpoints, workflows.EndpointInput{ID: id, Key: int64(n), Policy: w.policy(policy)})
}

func (w *world) policy(policy webhook.Policy) int {
	for i, p := range w.in.Policies {
		if reflect.DeepEqual(p, policy) {
			return i
		}
	}
	w.in.Policies = append(w.in.Policies, policy)
	return len(w.in.Policies) - 1
}

func (w *world) signal(name string, payload any) { w.env.SignalWorkflow(name, payload) }

// at calls f when so much time has passed. f may not block.
func (w *world) at(after time.Duration, f func(*world)) {
	w.env.RegisterDelayedCallback(func() { f(w) }, after)
}

// status asks the workflow's query.
func (w *world) status() workflows.DeliverEventResult {
	w.t.Helper()
	answer, err := w.env.QueryWorkflow(workflows.QueryStatus)
	if err != nil {
		w.t.Fatal(err)
	}
	var result workflows.DeliverEventResult
	if err := answer.Get(&result); err != nil {
		w.t.Fatal(err)
	}
	return result
}

// run runs the workflow to its end.
func (w *world) run() ending {
	w.t.Helper()
	w.env.ExecuteWorkflow(workflows.DeliverEventName, w.in)
	if !w.env.IsWorkflowCompleted() {
		w.t.Fatal("the workflow has not ended")
	}
	return endingOf(w.t, w.env)
}

// times are when the receiver got requests, after the start.
func (w *world) times(endpointID string) []time.Duration {
	var times []time.Duration
	for _, made := range w.Made(endpointID) {
		times = append(times, made.At.Sub(start()))
	}
	return times
}

// seconds makes durations.
func seconds(all ...float64) []time.Duration {
	var durations []time.Duration
	for _, s := range all {
		durations = append(durations, time.Duration(s*float64(time.Second)))
	}
	return durations
}
