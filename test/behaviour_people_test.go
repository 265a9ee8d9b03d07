//go:build e2e

package e2e

import (
	"net/http"
	"testing"
	"time"

	"go.temporal.io/api/common/v1"
	"go.temporal.io/api/workflowservice/v1"

	"github.com/postrider/postrider/internal/client"
	"github.com/postrider/postrider/webhook"
)

// Behaviour of what people do to deliveries: through the API, by signals, and in Temporal's UI.

func cancelSignal(t *testing.T, s suite) {
	endpoint, eventType := s.endpoint("down", slow())
	id := s.post(client.NewEvent{Type: eventType, Data: []byte(`{}`)}).ID
	s.awaitBackOff(id, 1)
	if err := s.temporal.SignalWorkflow(t.Context(), id, "", "cancel", map[string]string{"endpoint_id": endpoint.ID}); err != nil {
		t.Fatal(err)
	}
	s.awaitState(id, webhook.EventCancelled)
	s.awaitRun(id, "Canceled")
}

func retrySignal(t *testing.T, s suite) {
	endpoint, eventType := s.endpoint("once", slow())
	id := s.post(client.NewEvent{Type: eventType, Data: []byte(`{}`)}).ID
	s.awaitBackOff(id, 1)
	if err := s.temporal.SignalWorkflow(t.Context(), id, "", "retry", struct{}{}); err != nil {
		t.Fatal(err)
	}
	event := s.awaitState(id, webhook.EventDelivered)
	s.awaitRun(id, "Completed")
	if n := len(s.requests(endpoint, id)); n != 2 || event.Deliveries[0].Attempts != 2 {
		t.Errorf("%d requests, %d attempts, want 2", n, event.Deliveries[0].Attempts)
	}
}

func temporalCancel(t *testing.T, s suite) {
	_, eventType := s.endpoint("down", slow())
	id := s.post(client.NewEvent{Type: eventType, Data: []byte(`{}`)}).ID
	s.awaitBackOff(id, 1)
	if err := s.temporal.CancelWorkflow(t.Context(), id, ""); err != nil {
		t.Fatal(err)
	}
	s.awaitState(id, webhook.EventCancelled)
	s.awaitRun(id, "Canceled")
}

func apiCancel(t *testing.T, s suite) {
	_, eventType := s.endpoint("down", slow())
	id := s.post(client.NewEvent{Type: eventType, Data: []byte(`{}`)}).ID
	s.awaitBackOff(id, 1)
	if _, err := s.api.Cancel(t.Context(), "", id, client.Wish{}); err != nil {
		t.Fatal(err)
	}
	s.awaitState(id, webhook.EventCancelled)
	s.awaitRun(id, "Canceled")
	_, err := s.api.Cancel(t.Context(), "", id, client.Wish{})
	wantProblem(t, err, http.StatusConflict, "nothing_to_cancel")
}

func apiRetry(t *testing.T, s suite) {
	endpoint, eventType := s.endpoint("once", slow())
	id := s.post(client.NewEvent{Type: eventType, Data: []byte(`{}`)}).ID
	s.awaitBackOff(id, 1)
	if _, err := s.api.Retry(t.Context(), "", id, client.Wish{}); err != nil {
		t.Fatal(err)
	}
	s.awaitState(id, webhook.EventDelivered)
	s.awaitRun(id, "Completed")
	if n := len(s.requests(endpoint, id)); n != 2 {
		t.Errorf("%d requests, want 2", n)
	}
	_, err := s.api.Retry(t.Context(), "", id, client.Wish{})
	wantProblem(t, err, http.StatusConflict, "nothing_to_retry")
}

func retryClosed(t *testing.T, s suite) {
	endpoint, eventType := s.endpoint("once", quick(1))
	id := s.post(client.NewEvent{Type: eventType, Data: []byte(`{}`)}).ID
	s.awaitState(id, webhook.EventExhausted)
	first := s.awaitRun(id, "Failed").Workflow.RunID
	if _, err := s.api.Retry(t.Context(), "", id, client.Wish{}); err != nil {
		t.Fatal(err)
	}
	event := s.awaitState(id, webhook.EventDelivered)
	second := s.awaitRun(id, "Completed").Workflow.RunID
	if first == second {
		t.Error("it is the same run")
	}
	if n := len(s.requests(endpoint, id)); n != 2 || event.Deliveries[0].Attempts != 2 {
		t.Errorf("%d requests, %d attempts: the count goes on, want 2", n, event.Deliveries[0].Attempts)
	}
}

func gone(t *testing.T, s suite) {
	endpoint, eventType := s.endpoint("gone", quick(5))
	id := s.post(client.NewEvent{Type: eventType, Data: []byte(`{}`)}).ID
	s.awaitEvent(id, "held", func(e client.Event) bool { return e.Deliveries[0].State == webhook.DeliveryHeld })
	answer, err := s.api.Endpoint(t.Context(), "", endpoint.ID)
	if err != nil || answer.Value.State != webhook.EndpointDisabled {
		t.Fatalf("endpoint %s, %v", answer.JSON, err)
	}
	if _, err := s.api.ResumeEndpoint(t.Context(), "", endpoint.ID); err != nil {
		t.Fatal(err)
	}
	s.awaitState(id, webhook.EventDelivered)
	s.awaitRun(id, "Completed")
}

func paused(t *testing.T, s suite) {
	endpoint, eventType := s.endpoint("ok", nil)
	if _, err := s.api.PauseEndpoint(t.Context(), "", endpoint.ID); err != nil {
		t.Fatal(err)
	}
	id := s.post(client.NewEvent{Type: eventType, Data: []byte(`{}`)}).ID
	event := s.awaitRun(id, "Running")
	if event.Deliveries[0].State != webhook.DeliveryHeld || len(s.requests(endpoint, id)) != 0 {
		t.Fatalf("not held: %+v", event.Deliveries[0])
	}
	if _, err := s.api.ResumeEndpoint(t.Context(), "", endpoint.ID); err != nil {
		t.Fatal(err)
	}
	s.awaitState(id, webhook.EventDelivered)
	s.awaitRun(id, "Completed")
}

func deleted(t *testing.T, s suite) {
	endpoint, eventType := s.endpoint("down", slow())
	id := s.post(client.NewEvent{Type: eventType, Data: []byte(`{}`)}).ID
	s.awaitBackOff(id, 1)
	if _, err := s.api.DeleteEndpoint(t.Context(), "", endpoint.ID); err != nil {
		t.Fatal(err)
	}
	event := s.awaitState(id, webhook.EventCancelled)
	if event.Deliveries[0].Reason != webhook.ReasonEndpointDeleted {
		t.Errorf("reason %q", event.Deliveries[0].Reason)
	}
	s.awaitRun(id, "Canceled")
}

func reset(t *testing.T, s suite) {
	endpoint, eventType := s.endpoint("once", slow())
	id := s.post(client.NewEvent{Type: eventType, Data: []byte(`{}`)}).ID
	s.awaitBackOff(id, 1)
	_, err := s.temporal.WorkflowService().ResetActivity(t.Context(), &workflowservice.ResetActivityRequest{
		Namespace: "default", Execution: &common.WorkflowExecution{WorkflowId: id},
		Activity: &workflowservice.ResetActivityRequest_Id{Id: endpoint.ID},
	})
	if err != nil {
		t.Fatal(err)
	}
	event := s.awaitState(id, webhook.EventDelivered)
	s.awaitRun(id, "Completed")
	if n := len(s.requests(endpoint, id)); n != 2 || event.Deliveries[0].Attempts != 2 {
		t.Errorf("%d requests, %d attempts, want 2", n, event.Deliveries[0].Attempts)
	}
}

func pauseActivity(t *testing.T, s suite) {
	endpoint, eventType := s.endpoint("flaky", map[string]any{"initial_interval": "1s", "backoff_coefficient": 1, "jitter": 0})
	id := s.post(client.NewEvent{Type: eventType, Data: []byte(`{}`)}).ID
	s.awaitBackOff(id, 1)
	execution := &common.WorkflowExecution{WorkflowId: id}
	_, err := s.temporal.WorkflowService().PauseActivity(t.Context(), &workflowservice.PauseActivityRequest{
		Namespace: "default", Execution: execution, Activity: &workflowservice.PauseActivityRequest_Id{Id: endpoint.ID},
	})
	if err != nil {
		t.Fatal(err)
	}
	before := len(s.requests(endpoint, id))
	never(t, 1500*time.Millisecond, "a request while paused", func() bool { return len(s.requests(endpoint, id)) > before })
	_, err = s.temporal.WorkflowService().UnpauseActivity(t.Context(), &workflowservice.UnpauseActivityRequest{
		Namespace: "default", Execution: execution, Activity: &workflowservice.UnpauseActivityRequest_Id{Id: endpoint.ID},
	})
	if err != nil {
		t.Fatal(err)
	}
	s.awaitState(id, webhook.EventDelivered)
	s.awaitRun(id, "Completed")
	if n := len(s.requests(endpoint, id)); n != 3 {
		t.Errorf("%d requests, want 3", n)
	}
}
