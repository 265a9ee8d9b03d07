package workflows_test

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"

	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/interceptor"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"
)

// cancellation gives the test environment what it lacks of Temporal's: WaitForCancellation. (It does
// honour NextRetryDelay.) Left alone it answers a cancelled activity at once, whatever is under way,
// and goes on making its retries. In Temporal an activity that is cancelled
//
//   - in back-off ends at once, as cancelled, and is not invoked again;
//   - in flight ends with what its attempt comes to: success, or that failure without a retry.
type cancellation struct {
	interceptor.WorkerInterceptorBase

	mu         sync.Mutex
	activities []*ordered           // by the number that their ID carries
	asked      int                  // requests to cancel an activity in flight that await has not seen
	more       *sync.Cond           // asked has grown
	returning  func(invocation int) // called when an activity is done and Temporal does not know yet
	returned   int
}

// ordered is an activity that a workflow has asked for.
type ordered struct {
	inFlight  bool
	cancelled bool
}

const numberMark = "#" // between an activity's ID and its number

func newCancellation() *cancellation {
	c := &cancellation{}
	c.more = sync.NewCond(&c.mu)
	return c
}

// await returns when the workflow has asked for an activity in flight to be cancelled.
func (c *cancellation) await() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for c.asked == 0 {
		c.more.Wait()
	}
	c.asked--
}

// order notes an activity, and is its number too.
func (c *cancellation) order() (*ordered, int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.activities = append(c.activities, &ordered{})
	return c.activities[len(c.activities)-1], len(c.activities) - 1
}

func (c *cancellation) find(ctx context.Context) *ordered {
	_, number, numbered := strings.Cut(activity.GetInfo(ctx).ActivityID, numberMark)
	if !numbered {
		return nil // a local activity
	}
	n, err := strconv.Atoi(number)
	if err != nil {
		panic(err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.activities[n]
}

// cancel reports whether the activity ends at once.
func (c *cancellation) cancel(o *ordered) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	o.cancelled = true
	if o.inFlight {
		c.asked++
		c.more.Broadcast()
	}
	return !o.inFlight
}

func (c *cancellation) begin(o *ordered) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	o.inFlight = !o.cancelled
	return o.inFlight
}

func (c *cancellation) isReturning() {
	c.mu.Lock()
	c.returned++
	n, returning := c.returned, c.returning
	c.mu.Unlock()
	if returning != nil {
		returning(n)
	}
}

func (c *cancellation) end(o *ordered) (cancelled bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	o.inFlight = false
	return o.cancelled
}

func (c *cancellation) InterceptWorkflow(_ workflow.Context, next interceptor.WorkflowInboundInterceptor) interceptor.WorkflowInboundInterceptor {
	return &workflowInbound{WorkflowInboundInterceptorBase: interceptor.WorkflowInboundInterceptorBase{Next: next}, c: c}
}

type workflowInbound struct {
	interceptor.WorkflowInboundInterceptorBase
	c *cancellation
}

func (i *workflowInbound) Init(next interceptor.WorkflowOutboundInterceptor) error {
	return i.Next.Init(&workflowOutbound{WorkflowOutboundInterceptorBase: interceptor.WorkflowOutboundInterceptorBase{Next: next}, c: i.c})
}

type workflowOutbound struct {
	interceptor.WorkflowOutboundInterceptorBase
	c *cancellation
}

func (o *workflowOutbound) ExecuteActivity(ctx workflow.Context, activityType string, args ...any) workflow.Future {
	options := workflow.GetActivityOptions(ctx)
	if !options.WaitForCancellation {
		panic(activityType + " does not wait for cancellation")
	}
	order, number := o.c.order()
	// The test environment would take the result of one that was cancelled for that of the next with its ID.
	options.ActivityID += numberMark + strconv.Itoa(number)
	inner, cancel := workflow.NewDisconnectedContext(workflow.WithActivityOptions(ctx, options))
	future := o.Next.ExecuteActivity(inner, activityType, args...)
	workflow.Go(ctx, func(ctx workflow.Context) {
		ctx.Done().Receive(ctx, nil)
		if !future.IsReady() && o.c.cancel(order) {
			cancel()
		}
	})
	return future
}

func (c *cancellation) InterceptActivity(_ context.Context, next interceptor.ActivityInboundInterceptor) interceptor.ActivityInboundInterceptor {
	return &activityInbound{ActivityInboundInterceptorBase: interceptor.ActivityInboundInterceptorBase{Next: next}, c: c}
}

type activityInbound struct {
	interceptor.ActivityInboundInterceptorBase
	c *cancellation
}

func (i *activityInbound) ExecuteActivity(ctx context.Context, in *interceptor.ExecuteActivityInput) (any, error) {
	order := i.c.find(ctx)
	if order == nil {
		return i.Next.ExecuteActivity(ctx, in)
	}
	if !i.c.begin(order) {
		return nil, activity.ErrResultPending // cancelled in back-off: it does not exist
	}
	result, err := i.survive(ctx, in)
	i.c.isReturning()
	if i.c.end(order) && err != nil {
		err = withoutRetry(err)
	}
	return result, err
}

// survive makes a worker's death, which tests play by a panic, what Temporal makes of it: a failure
// that uses up an attempt.
func (i *activityInbound) survive(ctx context.Context, in *interceptor.ExecuteActivityInput) (result any, err error) {
	defer func() {
		if death := recover(); death != nil {
			err = fmt.Errorf("start-to-close time-out: %v", death)
		}
	}()
	return i.Next.ExecuteActivity(ctx, in)
}

func withoutRetry(err error) error {
	var failed *temporal.ApplicationError
	if !errors.As(err, &failed) {
		return temporal.NewNonRetryableApplicationError(err.Error(), "", err)
	}
	return temporal.NewNonRetryableApplicationError(failed.Message(), failed.Type(), failed.Unwrap())
}
