package api

import (
	"context"
	"fmt"

	"github.com/postrider/postrider/store"
	"github.com/postrider/postrider/webhook"
)

type listEventsInput struct {
	PageInput
	CreatedInput
	TenantFilter
	Type       string  `query:"type" pattern:"^[A-Za-z0-9_.-]{1,128}$" doc:"Events of this type only."`
	State      string  `query:"state" enum:"accepted,delivering,delivered,partial,exhausted,expired,cancelled,unrouted" doc:"Events in this state only."`
	EndpointID string  `query:"endpoint_id" doc:"Events for this endpoint only."`
	Include    include `query:"include" enum:"data,deliveries" nullable:"false" doc:"What else to show, separated by commas."`
}

func (s *server) listEvents(ctx context.Context, in *listEventsInput) (*listOutput[eventView], error) {
	query := store.EventQuery{
		PageQuery: in.query(), Type: in.Type, State: webhook.EventState(in.State), CreatedAt: in.within(),
	}
	var err error
	if query.Tenant, query.EndpointKey, err = s.filterEndpoint(ctx, in.Tenant, in.EndpointID); err != nil {
		return nil, err
	}
	page, err := s.Store.ListEvents(ctx, query)
	if err != nil {
		return nil, fmt.Errorf("list events: %w", err)
	}
	out := viewPage(page, viewEvent)
	parts, bytes := in.Include, 0
	for i, e := range page.Data {
		if bytes += e.Size; bytes > mostListedData {
			parts = parts.without("data")
		}
		if out.Body.Data[i], err = s.viewEventWith(ctx, e, parts); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// mostListedData is how much data of events there is on a page: it is in memory all at once.
const mostListedData = 16 << 20

// EventPath names an event.
type EventPath struct {
	ID string `path:"id" doc:"The event's ID."`
	TenantParam
}

type eventOutput struct{ Body eventView }

type getEventInput struct {
	EventPath
	Include include `query:"include" enum:"data,deliveries,workflow" nullable:"false" doc:"What else to show, separated by commas."`
}

func (s *server) getEvent(ctx context.Context, in *getEventInput) (*eventOutput, error) {
	event, err := s.findEvent(ctx, in.Tenant, in.ID)
	if err != nil {
		return nil, err
	}
	view, err := s.viewEventWith(ctx, event, in.Include)
	if err != nil {
		return nil, err
	}
	return &eventOutput{view}, nil
}

// findEvent finds an event of a tenant that the caller named, or that is his by default.
func (s *server) findEvent(ctx context.Context, tenant, id string) (webhook.Event, error) {
	tenant, err := requestOf(ctx).caller.tenantFor(tenant)
	if err != nil {
		return webhook.Event{}, err
	}
	if !webhook.ValidEventID(id) {
		return webhook.Event{}, notFound("event")
	}
	event, err := s.Store.Event(ctx, tenant, id)
	if err != nil {
		return event, fmt.Errorf("find event %s: %w", id, err)
	}
	return event, nil
}

// WishBody says which deliveries are meant.
type WishBody struct {
	EndpointIDs *[]string `json:"endpoint_ids,omitempty" nullable:"false" doc:"Only the deliveries to these endpoints. Default: all." example:"[\"ep_01jd0y2c5k7m9p1r3t5v7x9z0b\"]"`
}

func (*WishBody) bodyIsOptional() {}

type retryBody struct {
	WishBody
	Force *bool `json:"force,omitempty" doc:"Also send again what has been delivered; needs endpoint_ids." example:"false"`
}

type retryInput struct {
	EventPath
	body[retryBody]
}

func (s *server) retryEvent(ctx context.Context, in *retryInput) (*eventOutput, error) {
	force := in.in.Force != nil && *in.in.Force
	var more []webhook.FieldError
	if force && in.in.EndpointIDs == nil {
		more = append(more, webhook.FieldError{Field: "endpoint_ids", Detail: "are needed with force"})
	}
	if err := in.invalid(append(more, in.in.check()...)...); err != nil {
		return nil, err
	}
	return s.wish(ctx, in.EventPath, in.in.WishBody, store.WishRequest{Wish: webhook.WishRetry, Force: force})
}

type cancelInput struct {
	EventPath
	body[WishBody]
}

func (s *server) cancelEvent(ctx context.Context, in *cancelInput) (*eventOutput, error) {
	if err := in.invalid(in.in.check()...); err != nil {
		return nil, err
	}
	return s.wish(ctx, in.EventPath, in.in, store.WishRequest{Wish: webhook.WishCancel})
}

// check names what is wrong with the body.
func (w *WishBody) check() []webhook.FieldError {
	if w.EndpointIDs != nil && len(*w.EndpointIDs) == 0 {
		return []webhook.FieldError{{Field: "endpoint_ids", Detail: "must not be empty; leave it out to mean all"}}
	}
	return nil
}

// wish asks for something of an event's deliveries and shows those concerned.
func (s *server) wish(ctx context.Context, path EventPath, which WishBody, w store.WishRequest) (*eventOutput, error) {
	var err error
	if w.Tenant, err = requestOf(ctx).caller.tenantFor(path.Tenant); err != nil {
		return nil, err
	}
	if w.EventID, w.Now = path.ID, s.Now(); !webhook.ValidEventID(path.ID) {
		return nil, notFound("event")
	}
	if which.EndpointIDs != nil {
		w.EndpointIDs = *which.EndpointIDs
	}
	event, deliveries, err := s.Intake.Wish(ctx, w)
	if err != nil {
		return nil, fmt.Errorf("%s event %s: %w", w.Wish, w.EventID, err)
	}
	views := make([]deliveryView, len(deliveries))
	for i, d := range deliveries {
		views[i] = viewDelivery(d)
	}
	out := &eventOutput{viewEvent(event)}
	out.Body.Deliveries = &views
	return out, nil
}
