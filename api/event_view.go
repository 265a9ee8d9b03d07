package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/postrider/postrider/store"
	"github.com/postrider/postrider/webhook"
)

// eventView is an event as it is shown.
type eventView struct {
	ID          string  `json:"id" example:"evt_01jd0y3m8zq5v6w7x8y9z0a1b2"`
	Type        string  `json:"type" example:"invoice.paid"`
	Tenant      string  `json:"tenant" example:"default"`
	State       string  `json:"state" enum:"accepted,delivering,delivered,partial,exhausted,expired,cancelled,unrouted" example:"delivering"`
	WorkflowID  string  `json:"workflow_id" doc:"The ID of its workflow in Temporal." example:"evt_01jd0y3m8zq5v6w7x8y9z0a1b2"`
	Size        int     `json:"size" doc:"The length of its data in bytes." example:"182"`
	CreatedAt   string  `json:"created_at" format:"date-time" example:"2026-11-25T09:30:00.000Z"`
	CompletedAt *string `json:"completed_at" format:"date-time" doc:"When its last delivery ended; null while one is open."`

	Data       json.RawMessage `json:"data,omitempty" doc:"What was posted, the same JSON value: spaces may differ from the bytes that were posted and signed. With include=data; a list has it of its first events, up to 16 MiB."`
	Deliveries *[]deliveryView `json:"deliveries,omitempty" doc:"With include=deliveries: what became of it at each endpoint."`
	Workflow   *workflowView   `json:"workflow,omitempty" doc:"With include=workflow: Temporal's own view."`
}

func viewEvent(e webhook.Event) eventView {
	return eventView{
		ID: e.ID, Type: e.Type, Tenant: e.Tenant, State: string(e.State), WorkflowID: e.WorkflowID(), Size: e.Size,
		CreatedAt: timestamp(e.CreatedAt), CompletedAt: optionalTime(e.CompletedAt),
	}
}

// workflowView is Temporal's own view of an event's workflow.
type workflowView struct {
	Status    string         `json:"status" doc:"As Temporal has it (Running, Completed, Failed, Canceled, Terminated, …), or not_found, or unknown when Temporal cannot be asked." example:"Running"`
	RunID     *string        `json:"run_id"`
	StartedAt *string        `json:"started_at" format:"date-time"`
	ClosedAt  *string        `json:"closed_at" format:"date-time"`
	Pending   []activityView `json:"pending_activities" nullable:"false"`
	Error     string         `json:"error,omitempty" doc:"Why the status is not_found or unknown."`
}

// activityView is an activity that Temporal has not seen the end of.
type activityView struct {
	ID            string  `json:"id"`
	Type          string  `json:"type" example:"Deliver"`
	EndpointID    *string `json:"endpoint_id"`
	State         string  `json:"state" example:"Scheduled"`
	Attempt       int     `json:"attempt" doc:"The attempt under way or, in back-off, the next one." example:"2"`
	MaxAttempts   int     `json:"maximum_attempts" doc:"0: no limit."`
	LastFailure   *string `json:"last_failure"`
	LastStartedAt *string `json:"last_started_at" format:"date-time"`
	NextAttemptAt *string `json:"next_attempt_at" format:"date-time"`
}

// engineTimeout is how long an answer waits for Temporal.
const engineTimeout = 3 * time.Second

// viewWorkflow asks Temporal. That it is away is part of the answer, not an error.
func (s *server) viewWorkflow(ctx context.Context, id string) *workflowView {
	view := &workflowView{Status: "unknown", Pending: []activityView{}, Error: "Temporal is away"}
	if s.Engine == nil {
		return view
	}
	ctx, cancel := context.WithTimeout(ctx, engineTimeout)
	defer cancel()
	w, err := s.Engine.Workflow(ctx, id)
	if errors.Is(err, webhook.NotFound) {
		view.Status, view.Error = "not_found", "there is no such workflow in Temporal, not yet or not any more"
		return view
	}
	if err != nil {
		return view
	}
	view.Status, view.Error = w.Status, ""
	view.RunID, view.StartedAt, view.ClosedAt = optional(w.RunID), optionalTime(w.StartedAt), optionalTime(w.ClosedAt)
	for _, a := range w.Pending {
		view.Pending = append(view.Pending, activityView{
			ID: a.ActivityID, Type: a.Type, EndpointID: optional(a.EndpointID), State: a.State, Attempt: a.Attempt, MaxAttempts: a.MaxAttempts,
			LastFailure: optional(a.LastFailure), LastStartedAt: optionalTime(a.LastStartedAt), NextAttemptAt: optionalTime(a.NextAttemptAt),
		})
	}
	return view
}

// include says what else to show of an event.
type include []string

func (i include) has(part string) bool { return slices.Contains(i, part) }

func (i include) without(part string) include {
	return slices.DeleteFunc(slices.Clone(i), func(other string) bool { return other == part })
}

// viewEventWith shows an event and what is to be included.
func (s *server) viewEventWith(ctx context.Context, e webhook.Event, parts include) (eventView, error) {
	view := viewEvent(e)
	if parts.has("data") {
		data, err := s.Store.EventData(ctx, e.UID)
		if err != nil && !errors.Is(err, webhook.NotFound) { // expunged data is just not there
			return view, fmt.Errorf("read data of event %s: %w", e.ID, err)
		}
		view.Data = data
	}
	if parts.has("deliveries") {
		deliveries, err := s.allDeliveries(ctx, e)
		if err != nil {
			return view, err
		}
		view.Deliveries = &deliveries
	}
	if parts.has("workflow") {
		view.Workflow = s.viewWorkflow(ctx, e.WorkflowID())
	}
	return view, nil
}

// allDeliveries shows all deliveries of an event.
func (s *server) allDeliveries(ctx context.Context, e webhook.Event) ([]deliveryView, error) {
	views := []deliveryView{}
	query := store.DeliveryQuery{PageQuery: store.PageQuery{Limit: store.MaxLimit}, Tenant: e.Tenant, EventUID: e.UID}
	for {
		page, err := s.Store.ListDeliveries(ctx, query)
		if err != nil {
			return nil, fmt.Errorf("list deliveries of event %s: %w", e.ID, err)
		}
		for _, d := range page.Data {
			views = append(views, viewDelivery(d))
		}
		if query.Cursor = page.NextCursor; query.Cursor == "" {
			return views, nil
		}
	}
}
