//go:build e2e

package e2e

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"go.temporal.io/api/enums/v1"
	sdkclient "go.temporal.io/sdk/client"
	"go.temporal.io/sdk/converter"

	"github.com/postrider/postrider/internal/client"
	"github.com/postrider/postrider/internal/dispatch"
	"github.com/postrider/postrider/internal/testkit/receiver"
	"github.com/postrider/postrider/webhook"
	"github.com/postrider/postrider/workflows"
)

// quick is a policy whose retries a test can wait for; slow one whose first retry never comes in a
// test's time.
func quick(attempts int) map[string]any {
	return map[string]any{"initial_interval": "300ms", "backoff_coefficient": 2, "maximum_attempts": attempts, "jitter": 0}
}

func slow() map[string]any { return map[string]any{"initial_interval": "1h", "jitter": 0.2} }

// suite is one running postrider, its receiver and its Temporal.
type suite struct {
	*process
	receiver *receiver.Receiver
	temporal sdkclient.Client
}

// behaviour is what every postrider does, however it is run.
func behaviour() map[string]func(*testing.T, suite) {
	return map[string]func(*testing.T, suite){
		"an event arrives byte for byte, signed, and its workflow completes":         arrives,
		"a failed delivery is retried at its policy's times until it arrives":        retries,
		"a failing delivery is a pending activity that agrees with the API":          pendingAgrees,
		"an open event's workflow is listed as running":                              listedAsRunning,
		"a delivery out of attempts fails its workflow":                              exhausts,
		"Retry-After is honoured":                                                    retryAfter,
		"the signal cancel, sent through Temporal, ends a delivery":                  cancelSignal,
		"the signal retry, sent through Temporal, sends now":                         retrySignal,
		"Temporal's own cancel ends every delivery":                                  temporalCancel,
		"the query status answers":                                                   queryStatus,
		"the API cancels":                                                            apiCancel,
		"the API's retry sends now":                                                  apiRetry,
		"an exhausted event is retried in a new run":                                 retryClosed,
		"an endpoint that is gone is disabled, its delivery held and let go":         gone,
		"a paused endpoint's deliveries are held and let go":                         paused,
		"a deleted endpoint's deliveries are cancelled":                              deleted,
		"Reset in the Temporal UI sends at once":                                     reset,
		"Pause in the Temporal UI keeps a delivery from being sent until Unpause":    pauseActivity,
		"a duplicate is answered with the first event, another body with a conflict": duplicates,
		"an event that nobody subscribed to is unrouted and has a workflow":          unrouted,
		"another tenant's event has the tenant in its workflow's ID":                 otherTenant,
		"an event with many endpoints is delivered to each":                          fanOut,
	}
}

// TestBehaviour is the whole behaviour, once for each way of making first attempts.
func TestBehaviour(t *testing.T) {
	t.Parallel()
	for _, mode := range []string{"workflow", "ahead", "auto"} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			testBehaviour(t, serve(t, "--first-attempt", mode))
		})
	}
}

// testBehaviour stops the process at its end.
func testBehaviour(t *testing.T, p *process) {
	t.Helper()
	r := startReceiver(t, script)
	temporal := p.dial()
	for name, test := range behaviour() {
		t.Run(name, func(t *testing.T) {
			mine := *p
			mine.t = t
			test(t, suite{process: &mine, receiver: r, temporal: temporal})
		})
	}
	t.Run("SIGTERM ends the process with code 0", func(*testing.T) { p.stop() })
}

// script answers by the last part of the path; the first keeps tests apart.
func script(q receiver.Request) receiver.Answer {
	switch _, what, _ := strings.Cut(strings.TrimPrefix(q.Path, "/"), "/"); what {
	case "flaky":
		return receiver.Statuses(503, 503, 200)(q)
	case "once":
		return receiver.Statuses(500, 200)(q)
	case "down":
		return receiver.Answer{Status: 500}
	case "gone":
		return receiver.Statuses(410, 200)(q)
	case "later":
		return receiver.Sequence(receiver.Answer{Status: 429, RetryAfter: "2"}, receiver.Answer{})(q)
	default:
		return receiver.Answer{}
	}
}

// endpoint registers one for events of this test only, and returns it with their type.
func (s suite) endpoint(what string, policy map[string]any) (endpoint client.Endpoint, eventType string) {
	s.t.Helper()
	name := webhook.NewID("t")
	return s.process.endpoint(s.receiver, "/"+name+"/"+what, policy, name), name
}

func (s suite) requests(e client.Endpoint, id string) []receiver.Request {
	var mine []receiver.Request
	for _, q := range s.receiver.RequestsOf(id) {
		if strings.HasSuffix(e.URL, q.Path) {
			mine = append(mine, q)
		}
	}
	return mine
}

func (s suite) awaitState(id string, state webhook.EventState) client.Event {
	s.t.Helper()
	return s.awaitEvent(id, "state "+string(state), func(e client.Event) bool { return e.State == state })
}

func (s suite) awaitRun(id, status string) client.Event {
	s.t.Helper()
	return s.awaitEvent(id, "run "+status, func(e client.Event) bool { return e.Workflow != nil && e.Workflow.Status == status })
}

// awaitBackOff waits until Temporal has the delivery's next attempt.
func (s suite) awaitBackOff(id string, attempts int) (client.Event, client.Pending) {
	s.t.Helper()
	e := s.awaitEvent(id, "back-off", func(e client.Event) bool {
		return len(e.Deliveries) == 1 && e.Deliveries[0].Attempts == attempts && e.Workflow != nil &&
			len(e.Workflow.Pending) == 1 && e.Workflow.Pending[0].State == "Scheduled" && e.Workflow.Pending[0].Attempt == attempts+1
	})
	return e, e.Workflow.Pending[0]
}

func arrives(t *testing.T, s suite) {
	endpoint, eventType := s.endpoint("ok", nil)
	data := "{ \"amount\" : 1.50e2,\"note\":\"\\u00e9 \\\"x\\\"\",  \"a\":1, \"a\":2 }"
	accepted := s.post(client.NewEvent{Type: eventType, Data: []byte(data)})
	s.awaitState(accepted.ID, webhook.EventDelivered)
	s.awaitRun(accepted.ID, "Completed")
	requests := s.requests(endpoint, accepted.ID)
	if len(requests) != 1 || string(requests[0].Body) != data || requests[0].Fault != nil {
		t.Fatalf("received %+v", requests)
	}
	if accepted.WorkflowID != accepted.ID || len(accepted.EndpointIDs) != 1 || accepted.EndpointIDs[0] != endpoint.ID {
		t.Errorf("accepted as %+v", accepted)
	}
}

func retries(t *testing.T, s suite) {
	endpoint, eventType := s.endpoint("flaky", quick(5))
	id := s.post(client.NewEvent{Type: eventType, Data: []byte(`{}`)}).ID
	s.awaitState(id, webhook.EventDelivered)
	s.awaitRun(id, "Completed")
	requests := s.requests(endpoint, id)
	if len(requests) != 3 {
		t.Fatalf("%d requests, want 3", len(requests))
	}
	for i, want := range []time.Duration{300 * time.Millisecond, 600 * time.Millisecond} {
		if got := requests[i+1].ReceivedAt.Sub(requests[i].ReceivedAt); got < want-20*time.Millisecond || got > want+time.Second {
			t.Errorf("retry %d came after %v, want %v", i+1, got, want)
		}
	}
	attempts, err := s.api.Attempts(t.Context(), url.Values{"event_id": {id}})
	if err != nil || len(attempts.Value.Data) != 3 {
		t.Fatalf("attempts %s, %v", attempts.JSON, err)
	}
	if newest := attempts.Value.Data[0]; newest.Number != 3 || newest.Status != 200 || newest.Outcome != webhook.OutcomeDelivered {
		t.Errorf("newest attempt %+v", newest)
	}
}

func pendingAgrees(t *testing.T, s suite) {
	endpoint, eventType := s.endpoint("down", slow())
	id := s.post(client.NewEvent{Type: eventType, Data: []byte(`{}`)}).ID
	event, _ := s.awaitBackOff(id, 1)
	described, err := s.temporal.DescribeWorkflowExecution(t.Context(), id, "")
	if err != nil {
		t.Fatal(err)
	}
	pending := described.GetPendingActivities()[0]
	delivery := event.Deliveries[0]
	if off := pending.GetNextAttemptScheduleTime().AsTime().Sub(delivery.NextAttemptAt).Abs(); off > 50*time.Millisecond {
		t.Errorf("Temporal's next time is %v off", off)
	}
	if pending.GetAttempt() != 2 || delivery.Attempts != 1 {
		t.Errorf("Temporal is at attempt %d, the API at %d made", pending.GetAttempt(), delivery.Attempts)
	}
	if got := pending.GetLastFailure().GetMessage(); !strings.Contains(got, "HTTP 500") || delivery.LastStatus != 500 {
		t.Errorf("last failure %q, last status %d", got, delivery.LastStatus)
	}
	if pending.GetActivityId() != endpoint.ID || pending.GetActivityType().GetName() != "Deliver" {
		t.Errorf("activity %s of type %s", pending.GetActivityId(), pending.GetActivityType().GetName())
	}
}

func listedAsRunning(t *testing.T, s suite) {
	_, eventType := s.endpoint("down", slow())
	id := s.post(client.NewEvent{Type: eventType, Data: []byte(`{}`)}).ID
	s.awaitBackOff(id, 1)
	described, err := s.temporal.DescribeWorkflowExecution(t.Context(), id, "")
	if err != nil {
		t.Fatal(err)
	}
	var uid int64
	info := described.GetWorkflowExecutionInfo()
	if err := converter.GetDefaultDataConverter().FromPayload(info.GetMemo().GetFields()["postrider_uid"], &uid); err != nil {
		t.Fatal(err)
	}
	engine := dispatch.NewTemporal(s.temporal, info.GetTaskQueue())
	await(t, 10*time.Second, "its listing", func(ctx context.Context) error {
		uids, _, err := engine.Running(ctx, nil)
		if err == nil && !slices.Contains(uids, uid) {
			err = fmt.Errorf("%d is not among %v", uid, uids)
		}
		return err
	})
}

func exhausts(t *testing.T, s suite) {
	endpoint, eventType := s.endpoint("down", quick(2))
	id := s.post(client.NewEvent{Type: eventType, Data: []byte(`{}`)}).ID
	s.awaitState(id, webhook.EventExhausted)
	s.awaitRun(id, "Failed")
	if n := len(s.requests(endpoint, id)); n != 2 {
		t.Errorf("%d requests, want 2", n)
	}
	var result workflows.DeliverEventResult
	err := s.temporal.GetWorkflow(t.Context(), id, "").Get(t.Context(), &result)
	if err == nil || !strings.Contains(err.Error(), "not delivered") {
		t.Errorf("the run ended with %v", err)
	}
}

func retryAfter(t *testing.T, s suite) {
	endpoint, eventType := s.endpoint("later", quick(3))
	id := s.post(client.NewEvent{Type: eventType, Data: []byte(`{}`)}).ID
	s.awaitState(id, webhook.EventDelivered)
	requests := s.requests(endpoint, id)
	if wait := requests[1].ReceivedAt.Sub(requests[0].ReceivedAt); wait < 2*time.Second || wait > 4*time.Second {
		t.Errorf("asked again after %v, want 2 s", wait)
	}
}

func queryStatus(t *testing.T, s suite) {
	endpoint, eventType := s.endpoint("down", slow())
	id := s.post(client.NewEvent{Type: eventType, Data: []byte(`{}`)}).ID
	s.awaitBackOff(id, 1)
	answer, err := s.temporal.QueryWorkflow(t.Context(), id, "", "status")
	if err != nil {
		t.Fatal(err)
	}
	var status workflows.DeliverEventResult
	if err := answer.Get(&status); err != nil {
		t.Fatal(err)
	}
	if status.State != webhook.EventDelivering || len(status.Endpoints) != 1 || status.Endpoints[0].EndpointID != endpoint.ID {
		t.Errorf("status %+v", status)
	}
}

func duplicates(t *testing.T, s suite) {
	endpoint, eventType := s.endpoint("ok", nil)
	id := webhook.NewID("mine_")
	s.post(client.NewEvent{ID: id, Type: eventType, Data: []byte(`{"n":1}`)})
	s.awaitState(id, webhook.EventDelivered)
	again := s.post(client.NewEvent{ID: id, Type: eventType, Data: []byte(`{"n":1}`)})
	if !again.Duplicate || again.State != webhook.EventDelivered || len(again.EndpointIDs) != 1 {
		t.Errorf("the second time accepted as %+v", again)
	}
	_, err := s.api.PostEvent(t.Context(), client.NewEvent{ID: id, Type: eventType, Data: []byte(`{"n":2}`)})
	wantProblem(t, err, http.StatusConflict, "")
	if n := len(s.requests(endpoint, id)); n != 1 {
		t.Errorf("%d requests, want 1", n)
	}
}

func unrouted(t *testing.T, s suite) {
	accepted := s.post(client.NewEvent{Type: webhook.NewID("nobody"), Data: []byte(`null`)})
	if accepted.State != webhook.EventUnrouted || len(accepted.EndpointIDs) != 0 {
		t.Errorf("accepted as %+v", accepted)
	}
	s.awaitRun(accepted.ID, "Completed")
}

func otherTenant(t *testing.T, s suite) {
	tenant, path := "acme", "/acme/ok"
	answer, err := s.api.CreateEndpoint(t.Context(), client.NewEndpoint{Tenant: tenant, URL: s.receiver.URL(path), EventTypes: []string{"*"}})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.receiver.Trust(path, answer.Value.Secret); err != nil {
		t.Fatal(err)
	}
	accepted := s.post(client.NewEvent{Tenant: tenant, Type: "x", Data: []byte(`{}`)})
	if want := tenant + "/" + accepted.ID; accepted.WorkflowID != want {
		t.Errorf("workflow %s, want %s", accepted.WorkflowID, want)
	}
	await(t, 10*time.Second, "the workflow", func(ctx context.Context) error {
		d, err := s.temporal.DescribeWorkflowExecution(ctx, accepted.WorkflowID, "")
		if err == nil && d.GetWorkflowExecutionInfo().GetStatus() != enums.WORKFLOW_EXECUTION_STATUS_COMPLETED {
			err = errors.New(d.GetWorkflowExecutionInfo().GetStatus().String())
		}
		return err
	})
}

func fanOut(t *testing.T, s suite) {
	const endpoints = 40
	eventType := webhook.NewID("many")
	for i := range endpoints {
		what := "ok"
		if i%4 == 0 {
			what = "once"
		}
		s.process.endpoint(s.receiver, fmt.Sprintf("/%s-%d/%s", eventType, i, what), quick(3), eventType)
	}
	id := s.post(client.NewEvent{Type: eventType, Data: []byte(`{}`)}).ID
	s.awaitState(id, webhook.EventDelivered)
	s.awaitRun(id, "Completed")
	if n := len(s.receiver.RequestsOf(id)); n != endpoints+endpoints/4 {
		t.Errorf("%d requests, want %d", n, endpoints+endpoints/4)
	}
}

func wantProblem(t *testing.T, err error, status int, code string) {
	t.Helper()
	var problem *client.Problem
	if !errors.As(err, &problem) || problem.Status != status || code != "" && problem.Code != code {
		t.Errorf("got %v, want %d %s", err, status, code)
	}
}

// never fails if the condition comes true within the time.
func never(t *testing.T, within time.Duration, what string, happened func() bool) {
	t.Helper()
	deadline := time.NewTimer(within)
	defer deadline.Stop()
	ticker := time.NewTicker(20 * time.Millisecond)
	defer ticker.Stop()
	for {
		select {
		case <-deadline.C:
			return
		case <-ticker.C:
			if happened() {
				t.Fatal(what)
			}
		}
	}
}
