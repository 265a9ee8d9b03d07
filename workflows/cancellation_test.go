package workflows_test

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"

	commonpb "go.temporal.io/api/common/v1"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/converter"
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
	activities []*ordered           // by the number that their header carries
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

const numberHeader = "number"

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

func (c *cancellation) order() (*ordered, *commonpb.Payload) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.activities = append(c.activities, &ordered{})
	payload, err := converter.GetDefaultDataConverter().ToPayload(strconv.Itoa(len(c.activities) - 1))
	if err != nil {
		panic(err)
	}
	return c.activities[len(c.activities)-1], payload
}

func (c *cancellation) find(ctx context.Context) *ordered {
	payload := interceptor.Header(ctx)[numberHeader]
	if payload == nil {
		return nil // a local activity
	}
	var text string
	if err := converter.GetDefaultDataConverter().FromPayload(payload, &text); err != nil {
		panic(err)
	}
	n, err := strconv.Atoi(text)
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
	if !workflow.GetActivityOptions(ctx).WaitForCancellation {
		panic(activityType + " does not wait for cancellation")
	}
	order, number := o.c.order()
	interceptor.WorkflowHeader(ctx)[numberHeader] = number
	inner, cancel := workflow.NewDisconnectedContext(ctx)
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
