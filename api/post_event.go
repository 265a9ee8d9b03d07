package api

import (
	"context"
	"maps"
	"net/http"
	"slices"

	"github.com/gin-gonic/gin"

	"github.com/postrider/postrider/internal/telemetry"
	"github.com/postrider/postrider/store"
	"github.com/postrider/postrider/webhook"
)

const idempotencyHeader = "Idempotency-Key"

// acceptedView is the answer to a posted event.
type acceptedView struct {
	ID          string   `json:"id" example:"evt_01jd0y3m8zq5v6w7x8y9z0a1b2"`
	Type        string   `json:"type" example:"invoice.paid"`
	Tenant      string   `json:"tenant" example:"default"`
	State       string   `json:"state" enum:"accepted,delivering,delivered,partial,exhausted,expired,cancelled,unrouted" doc:"Of a duplicate: the first event's state now." example:"accepted"`
	Duplicate   bool     `json:"duplicate" doc:"The same event had been accepted before; nothing was done." example:"false"`
	WorkflowID  string   `json:"workflow_id" doc:"The ID of its workflow in Temporal." example:"evt_01jd0y3m8zq5v6w7x8y9z0a1b2"`
	EndpointIDs []string `json:"endpoint_ids" nullable:"false" doc:"The endpoints that it is delivered to." example:"[\"ep_01jd0y2c5k7m9p1r3t5v7x9z0b\"]"`
	CreatedAt   string   `json:"created_at" format:"date-time" example:"2026-11-25T09:30:00.000Z"`
}

// postEvent takes one event in. Every event passes here, so it is plain Gin.
func (s *server) postEvent(c *gin.Context) {
	ctx := c.Request.Context()
	event, err := s.readEvent(c.Request)
	if err != nil {
		s.fail(c, err)
		return
	}
	view, err := s.accept(ctx, event)
	if err != nil {
		s.fail(c, err)
		return
	}
	writeJSON(c.Writer, http.StatusAccepted, jsonMedia, view)
}

// readEvent is the event that the request posts.
func (s *server) readEvent(r *http.Request) (webhook.Event, error) {
	text, _, err := readBody(r, s.MaxBodyBytes, jsonMedia)
	if err != nil {
		return webhook.Event{}, err
	}
	if err := checkJSON(text); err != nil {
		return webhook.Event{}, err
	}
	event, faults := parseEvent(text)
	faults = append(faults, queryFaults(r)...)
	if key := r.Header.Get(idempotencyHeader); key != "" {
		switch {
		case !webhook.ValidEventID(key):
			faults = append(faults, webhook.FieldError{Field: idempotencyHeader, Detail: eventIDRule})
		case event.ID == "":
			event.ID = key
		case event.ID != key:
			faults = append(faults, webhook.FieldError{Field: idempotencyHeader, Detail: "must be the same as id where both are given"})
		}
	}
	if err := webhook.InvalidFields(faults); err != nil {
		return webhook.Event{}, err
	}
	return complete(r.Context(), event)
}

// queryFaults are whatever stands in the query of a request that takes no parameters: what was meant for the event, such as its
// tenant, must not be passed over.
func queryFaults(r *http.Request) (faults []webhook.FieldError) {
	if r.URL.RawQuery == "" {
		return nil
	}
	for _, name := range slices.Sorted(maps.Keys(r.URL.Query())) {
		faults = append(faults, webhook.FieldError{Field: name, Detail: "is no parameter of the query here; an event has its members in the body"})
	}
	return faults
}

// complete fills in what the caller may leave out. Forbidden if the tenant is none of his.
func complete(ctx context.Context, e webhook.Event) (webhook.Event, error) {
	tenant, err := requestOf(ctx).caller.tenantFor(e.Tenant)
	if err != nil {
		return e, err
	}
	e.Tenant, e.TraceParent = tenant, telemetry.TraceParent(ctx)
	if e.ID == "" {
		e.ID = webhook.NewID(webhook.EventIDPrefix)
	}
	return e, nil
}

// accept takes one complete event in.
func (s *server) accept(ctx context.Context, e webhook.Event) (acceptedView, error) {
	results, err := s.Intake.Accept(ctx, []webhook.Event{e})
	if known, ok := webhook.AsError(err); ok && known.Code == codeStoreUnavailable {
		told := *known
		told.Detail += "; if you post the event again, give it the id " + e.ID + ", for it may be there"
		return acceptedView{}, &told
	}
	if err != nil {
		return acceptedView{}, err
	}
	return viewAccepted(e, results[0])
}

// viewAccepted shows what became of a posted event. Conflict if the ID is another event's.
func viewAccepted(e webhook.Event, a store.Accepted) (acceptedView, error) {
	switch a.Status {
	case store.AcceptedConflict:
		return acceptedView{}, webhook.Errorf(webhook.Conflict, "event_exists",
			"there is another event with the id %s; its type or data differ", e.ID)
	case store.AcceptedStale:
		return acceptedView{}, retryLater("endpoints_changing", "the tenant's endpoints are being changed; try again", nil)
	}
	view := acceptedView{
		ID: e.ID, Type: e.Type, Tenant: e.Tenant, State: string(a.Event.State), Duplicate: a.Status == store.AcceptedDuplicate,
		WorkflowID: e.WorkflowID(), EndpointIDs: a.EndpointIDs, CreatedAt: timestamp(a.Event.CreatedAt),
	}
	if view.EndpointIDs == nil {
		view.EndpointIDs = []string{}
	}
	return view, nil
}
