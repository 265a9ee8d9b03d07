package dispatch

import (
	"context"
	"errors"
	"fmt"

	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/api/workflow/v1"
	"go.temporal.io/api/workflowservice/v1"
	sdkclient "go.temporal.io/sdk/client"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/temporal"

	"github.com/postrider/postrider/activities"
	"github.com/postrider/postrider/webhook"
	"github.com/postrider/postrider/workflows"
)

// Temporal is the Engine behind a Temporal client.
type Temporal struct {
	client    sdkclient.Client
	taskQueue string
}

// NewTemporal uses the client for workflows on the given task queue. For eager starts it must be
// the very client that the worker of that queue was made from.
func NewTemporal(client sdkclient.Client, taskQueue string) *Temporal {
	return &Temporal{client: client, taskQueue: taskQueue}
}

// Memo fields of a workflow, by which a start that comes twice is told from an ID used anew.
const (
	memoUID        = "postrider_uid"
	memoGeneration = "postrider_generation"
)

var (
	attributeTenant    = temporal.NewSearchAttributeKeyKeyword(workflows.AttributeTenant)    //nolint:gochecknoglobals // a constant, but for the constructor
	attributeEventType = temporal.NewSearchAttributeKeyKeyword(workflows.AttributeEventType) //nolint:gochecknoglobals // the same
)

// Start starts an event's workflow; see Engine.
func (t *Temporal) Start(ctx context.Context, in workflows.DeliverEventInput, again bool) error {
	err := t.execute(ctx, in, again)
	if _, ok := errors.AsType[*serviceerror.WorkflowExecutionAlreadyStarted](err); !ok {
		return engineError("start the workflow", err)
	}
	id := webhook.WorkflowID(in.Tenant, in.EventID)
	known, err := t.describe(ctx, id)
	switch {
	case err != nil:
		return err
	case known.uid == in.UID && (known.generation >= in.Generation || !again):
		return errStarted
	case known.status == enums.WORKFLOW_EXECUTION_STATUS_RUNNING:
		return &webhook.Error{Kind: webhook.Conflict, Detail: "an earlier run of the workflow has not closed yet"}
	case again:
		return errStarted
	default: // the event ID was used before, and that event is no longer kept
		return t.Start(ctx, in, true)
	}
}

func (t *Temporal) execute(ctx context.Context, in workflows.DeliverEventInput, again bool) error {
	reuse := enums.WORKFLOW_ID_REUSE_POLICY_REJECT_DUPLICATE
	if again {
		reuse = enums.WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE
	}
	_, err := t.client.ExecuteWorkflow(ctx, sdkclient.StartWorkflowOptions{
		ID:                                       webhook.WorkflowID(in.Tenant, in.EventID),
		TaskQueue:                                t.taskQueue,
		EnableEagerStart:                         true,
		WorkflowIDReusePolicy:                    reuse,
		WorkflowIDConflictPolicy:                 enums.WORKFLOW_ID_CONFLICT_POLICY_FAIL,
		WorkflowExecutionErrorWhenAlreadyStarted: true,
		TypedSearchAttributes: temporal.NewSearchAttributes(
			attributeTenant.ValueSet(in.Tenant), attributeEventType.ValueSet(in.EventType)),
		Memo: map[string]any{memoUID: in.UID, memoGeneration: in.Generation},
	}, workflows.DeliverEventName, in)
	return err
}

// Signal signals an open run; see Engine.
func (t *Temporal) Signal(ctx context.Context, workflowID, signal string, payload any) error {
	err := t.client.SignalWorkflow(ctx, workflowID, "", signal, payload)
	if _, ok := errors.AsType[*serviceerror.NotFound](err); ok {
		return errNoWorkflow
	}
	return engineError("signal the workflow", err)
}

// Workflow is Temporal's view of an event's workflow, for people. NotFound, Unavailable.
func (t *Temporal) Workflow(ctx context.Context, workflowID string) (webhook.WorkflowView, error) {
	d, err := t.describe(ctx, workflowID)
	if errors.Is(err, errNoWorkflow) {
		return webhook.WorkflowView{}, webhook.Errorf(webhook.NotFound, "workflow_not_found", "there is no workflow %s yet, or no longer", workflowID)
	}
	return d.view, err
}

// Describe describes an event's workflow; see Engine.
func (t *Temporal) Describe(ctx context.Context, workflowID string) (Description, error) {
	d, err := t.describe(ctx, workflowID)
	if err != nil {
		return Description{}, err
	}
	description := Description{WorkflowView: d.view, UID: d.uid, Generation: d.generation, Failed: d.taskFailing}
	if d.status != enums.WORKFLOW_EXECUTION_STATUS_RUNNING && d.status != enums.WORKFLOW_EXECUTION_STATUS_TERMINATED {
		description.Result, err = t.result(ctx, workflowID, d.view.RunID)
	}
	return description, err
}

// Running lists events whose workflow runs; see Engine.
func (t *Temporal) Running(ctx context.Context, page []byte) (uids []int64, next []byte, err error) {
	response, err := t.client.ListWorkflow(ctx, &workflowservice.ListWorkflowExecutionsRequest{
		Query:    fmt.Sprintf("WorkflowType = '%s' AND TaskQueue = '%s' AND ExecutionStatus = 'Running'", workflows.DeliverEventName, t.taskQueue),
		PageSize: 1000, NextPageToken: page,
	})
	if err != nil {
		return nil, nil, engineError("list the running workflows", err)
	}
	for _, info := range response.GetExecutions() {
		if uid := uidOf(info); uid != 0 {
			uids = append(uids, uid)
		}
	}
	return uids, response.GetNextPageToken(), nil
}

// uidOf is the event that a workflow was started for; 0: unknown.
func uidOf(info *workflow.WorkflowExecutionInfo) (uid int64) {
	_ = converter.GetDefaultDataConverter().FromPayload(info.GetMemo().GetFields()[memoUID], &uid)
	return uid
}

// result is what a closed run ended with, if it says so.
func (t *Temporal) result(ctx context.Context, workflowID, runID string) (*workflows.DeliverEventResult, error) {
	var result workflows.DeliverEventResult
	err := t.client.GetWorkflow(ctx, workflowID, runID).Get(ctx, &result)
	var failed *temporal.ApplicationError
	var cancelled *temporal.CanceledError
	switch {
	case err == nil:
		return &result, nil
	case errors.As(err, &failed) && failed.HasDetails():
		err = failed.Details(&result)
	case errors.As(err, &cancelled) && cancelled.HasDetails():
		err = cancelled.Details(&result)
	case ctx.Err() == nil:
		return nil, nil //nolint:nilnil // closed without a result, such as by a time-out
	}
	if err != nil {
		return nil, engineError("read the workflow's result", err)
	}
	return &result, nil
}

// statePaused is the state of an activity that a person paused in Temporal.
const statePaused = "Paused"

// described is what DescribeWorkflowExecution says.
type described struct {
	view        webhook.WorkflowView
	status      enums.WorkflowExecutionStatus
	uid         int64
	generation  int
	taskFailing bool
}

func (t *Temporal) describe(ctx context.Context, workflowID string) (described, error) {
	response, err := t.client.DescribeWorkflowExecution(ctx, workflowID, "")
	if _, ok := errors.AsType[*serviceerror.NotFound](err); ok {
		return described{}, errNoWorkflow
	}
	if err != nil {
		return described{}, engineError("describe the workflow", err)
	}
	return describedAs(response), nil
}

func describedAs(r *workflowservice.DescribeWorkflowExecutionResponse) described {
	info := r.GetWorkflowExecutionInfo()
	d := described{status: info.GetStatus(), uid: uidOf(info)}
	d.view = webhook.WorkflowView{
		RunID: info.GetExecution().GetRunId(), Status: info.GetStatus().String(), StartedAt: info.GetStartTime().AsTime(),
	}
	if info.GetCloseTime() != nil {
		d.view.ClosedAt = info.GetCloseTime().AsTime()
	}
	_ = converter.GetDefaultDataConverter().FromPayload(info.GetMemo().GetFields()[memoGeneration], &d.generation)
	d.taskFailing = r.GetPendingWorkflowTask().GetAttempt() > 2
	for _, p := range r.GetPendingActivities() {
		a := webhook.PendingActivity{
			ActivityID:  p.GetActivityId(),
			Type:        p.GetActivityType().GetName(),
			State:       p.GetState().String(),
			Attempt:     int(p.GetAttempt()),
			MaxAttempts: int(p.GetMaximumAttempts()),
			LastFailure: p.GetLastFailure().GetMessage(),
		}
		if at := p.GetLastStartedTime(); at != nil {
			a.LastStartedAt = at.AsTime()
		}
		if at := p.GetNextAttemptScheduleTime(); at != nil {
			a.NextAttemptAt = at.AsTime()
		}
		if p.GetPaused() {
			a.State = statePaused
		}
		if a.Type == activities.DeliverName {
			a.EndpointID = a.ActivityID
		}
		d.view.Pending = append(d.view.Pending, a)
	}
	return d
}

// engineError gives an error of Temporal's the kind that the lane tells apart.
func engineError(doing string, err error) error {
	if err == nil {
		return nil
	}
	var exhausted *serviceerror.ResourceExhausted
	var invalid *serviceerror.InvalidArgument
	switch {
	case errors.As(err, &exhausted):
		return &webhook.Error{Kind: webhook.RateLimited, Detail: doing, Cause: err}
	case errors.As(err, &invalid):
		return fmt.Errorf("%s: %w", doing, err)
	default:
		return &webhook.Error{Kind: webhook.Unavailable, Detail: doing, Cause: err}
	}
}
