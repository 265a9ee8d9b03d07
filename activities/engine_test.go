package activities_test

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/interceptor"
	sdklog "go.temporal.io/sdk/log"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"
	sdkworker "go.temporal.io/sdk/worker"

	"github.com/postrider/postrider/activities"
	"github.com/postrider/postrider/internal/testkit/rows"
	"github.com/postrider/postrider/webhook"
)

// engine is what Temporal knows of one Deliver activity, and does to it. The test environment of
// activities can't set the attempt number, so an interceptor does; nothing of Deliver is left out.
type engine struct {
	*rows.Rows
	clock  time.Time
	policy webhook.Policy
	now    known
	before []known // at each invocation, oldest first: what a file that is restored may hold
}

// known is the part that a power failure can set back.
type known struct {
	t      int       // the attempt that comes next
	max    int       // MaximumAttempts
	due    time.Time // when
	closed bool
	failed bool // it was closed by a failure
}

const key = 1

// newEngine is an engine whose activity has been scheduled for the delivery.
func newEngine(d webhook.Delivery, answers ...rows.Answer) *engine {
	e := &engine{clock: start(), policy: d.Policy}
	e.Rows = rows.New(rows.Config{Now: func() time.Time { return e.clock }})
	e.Put(d, answers...)
	e.schedule()
	return e
}

// schedule is the workflow that asks for the activity, as its options say.
func (e *engine) schedule() {
	d := e.Row("ep_1")
	left := d.Budget - d.Attempts
	if d.Attempts > d.Reported {
		left++
	}
	e.now = known{t: 1, max: max(1, left), due: e.clock}
}

// answer is how an invocation ended.
type answer struct {
	result activities.DeliverResult
	err    *temporal.ApplicationError // nil: it completed
	died   bool                       // the worker did
}

// invoke lets the activity run at the time that it is due, or now if that is later.
func (e *engine) invoke() answer {
	e.before = append(e.before, e.now)
	if e.now.due.After(e.clock) {
		e.clock = e.now.due
	}
	a := e.call()
	switch {
	case a.died:
		e.next(time.Duration(e.policy.Timeout) + 10*time.Second + e.policy.Interval(e.now.t))
	case a.err == nil || a.err.NonRetryable():
		e.now.closed, e.now.failed = true, a.err != nil
	case a.err.NextRetryDelay() > 0:
		e.next(a.err.NextRetryDelay())
	default:
		e.next(e.policy.Interval(e.now.t))
	}
	return a
}

func (e *engine) next(delay time.Duration) {
	if e.now.t >= e.now.max {
		e.now.closed, e.now.failed = true, true
		return
	}
	e.now.t, e.now.due = e.now.t+1, e.clock.Add(delay)
}

// reset and unpause are those of the Temporal UI.
func (e *engine) reset()   { e.now.t, e.now.due = 1, e.clock }
func (e *engine) unpause() { e.now.due = e.clock }

// fallBack restores what the engine knew before its latest n invocations.
func (e *engine) fallBack(n int) {
	at := len(e.before) - n
	e.now, e.before = e.before[at], e.before[:at]
}

// call invokes Deliver as attempt e.now.t.
func (e *engine) call() answer {
	var suite testsuite.WorkflowTestSuite
	suite.SetLogger(sdklog.NewStructuredLogger(slog.New(slog.DiscardHandler)))
	env := suite.NewTestActivityEnvironment()
	env.SetWorkerOptions(sdkworker.Options{Interceptors: []interceptor.WorkerInterceptor{&attemptNumber{t: e.now.t}}})
	a := activities.New(e.Rows, func() time.Time { return e.clock })
	env.RegisterActivityWithOptions(a.Deliver, activity.RegisterOptions{Name: activities.DeliverName})
	value, err := env.ExecuteActivity(activities.DeliverName, activities.DeliverParams{UID: 1, EndpointKey: key, EndpointID: "ep_1"})
	var got answer
	var panicked *temporal.PanicError
	switch {
	case err == nil:
		err = value.Get(&got.result)
	case errors.As(err, &panicked):
		got.died, err = true, nil
	case errors.As(err, &got.err):
		err = nil
	}
	if err != nil {
		panic(err)
	}
	return got
}

type attemptNumber struct {
	interceptor.WorkerInterceptorBase
	t int
}

func (n *attemptNumber) InterceptActivity(_ context.Context, next interceptor.ActivityInboundInterceptor) interceptor.ActivityInboundInterceptor {
	return &numberedInbound{ActivityInboundInterceptorBase: interceptor.ActivityInboundInterceptorBase{Next: next}, t: n.t}
}

type numberedInbound struct {
	interceptor.ActivityInboundInterceptorBase
	t int
}

func (i *numberedInbound) Init(next interceptor.ActivityOutboundInterceptor) error {
	return i.Next.Init(&numberedOutbound{ActivityOutboundInterceptorBase: interceptor.ActivityOutboundInterceptorBase{Next: next}, t: i.t})
}

type numberedOutbound struct {
	interceptor.ActivityOutboundInterceptorBase
	t int
}

func (o *numberedOutbound) GetInfo(ctx context.Context) activity.Info {
	info := o.Next.GetInfo(ctx)
	info.Attempt = int32(o.t)
	return info
}
