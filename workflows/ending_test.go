package workflows_test

import (
	"errors"
	"testing"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"

	"github.com/postrider/postrider/activities"
	"github.com/postrider/postrider/workflows"
)

// The ways in which a run ends, in Temporal's words.
const (
	completed = "Completed"
	failed    = "Failed"
	canceled  = "Canceled"
)

// ending is how a run ended, and what it says of its deliveries.
type ending struct {
	how    string
	result workflows.DeliverEventResult
}

func endingOf(t *testing.T, env *testsuite.TestWorkflowEnvironment) ending {
	t.Helper()
	err := env.GetWorkflowError()
	var e ending
	var application *temporal.ApplicationError
	var cancelled *temporal.CanceledError
	switch {
	case err == nil:
		e.how = completed
		err = env.GetWorkflowResult(&e.result)
	case errors.As(err, &cancelled):
		e.how = canceled
		err = cancelled.Details(&e.result)
	case errors.As(err, &application):
		e.how = failed
		if application.Type() != workflows.NotDeliveredType || !application.NonRetryable() || !temporal.IsApplicationError(err) {
			t.Errorf("it failed with %s, non-retryable %t: %v", application.Type(), application.NonRetryable(), err)
		}
		err = application.Details(&e.result)
	}
	if err != nil {
		t.Fatal(err)
	}
	if e.result.V != activities.ResultVersion {
		t.Errorf("its result has v %d", e.result.V)
	}
	return e
}

// of is the outcome of one delivery.
func (e ending) of(t *testing.T, endpointID string) activities.EndpointOutcome {
	t.Helper()
	for _, o := range e.result.Endpoints {
		if o.EndpointID == endpointID {
			return o
		}
	}
	t.Fatalf("the result has no outcome for %s", endpointID)
	return activities.EndpointOutcome{}
}
