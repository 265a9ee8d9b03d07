package api

import (
	"context"
	"fmt"
	"net/http"
	"unicode/utf8"

	"github.com/postrider/postrider/webhook"
)

// maxName is how many characters a name may have.
const maxName = 256

// eventTypeView is a documented event type.
type eventTypeView struct {
	Name        string `json:"name" example:"invoice.paid"`
	Tenant      string `json:"tenant" example:"default"`
	Description string `json:"description" example:"An invoice was paid in full."`
	CreatedAt   string `json:"created_at" format:"date-time"`
	UpdatedAt   string `json:"updated_at" format:"date-time"`
}

func viewEventType(t webhook.EventType) eventTypeView {
	return eventTypeView{t.Name, t.Tenant, t.Description, timestamp(t.CreatedAt), timestamp(t.UpdatedAt)}
}

// putOutput answers 201 where something was made, else 200.
type putOutput[V any] struct {
	Status int
	Body   V
}

func putStatus(created bool) int {
	if created {
		return http.StatusCreated
	}
	return http.StatusOK
}

// EventTypePath names an event type.
type EventTypePath struct {
	Name string `path:"name" doc:"The event type." example:"invoice.paid"`
	TenantParam
}

type eventTypeBody struct {
	Description *string `json:"description,omitempty" nullable:"true" maxLength:"1024" example:"An invoice was paid in full."`
}

type putEventTypeInput struct {
	EventTypePath
	body[eventTypeBody]
}

func (s *server) putEventType(ctx context.Context, in *putEventTypeInput) (*putOutput[eventTypeView], error) {
	var faults []webhook.FieldError
	if !webhook.ValidEventType(in.Name) {
		faults = append(faults, webhook.FieldError{Field: "name", Detail: eventTypeRule})
	}
	faults = append(faults, checkLength("description", in.in.Description, maxDescription)...)
	if err := in.invalid(faults...); err != nil {
		return nil, err
	}
	tenant, err := requestOf(ctx).caller.tenantFor(in.Tenant)
	if err != nil {
		return nil, err
	}
	now := s.Now()
	stored, created, err := s.Store.PutEventType(ctx, webhook.EventType{
		Tenant: tenant, Name: in.Name, Description: given(in.in.Description), CreatedAt: now, UpdatedAt: now,
	})
	if err != nil {
		return nil, fmt.Errorf("put event type %s: %w", in.Name, err)
	}
	return &putOutput[eventTypeView]{putStatus(created), viewEventType(stored)}, nil
}

type eventTypeOutput struct{ Body eventTypeView }

func (s *server) getEventType(ctx context.Context, in *EventTypePath) (*eventTypeOutput, error) {
	tenant, err := requestOf(ctx).caller.tenantFor(in.Tenant)
	if err != nil {
		return nil, err
	}
	if !webhook.ValidEventType(in.Name) {
		return nil, notFound("event type")
	}
	t, err := s.Store.EventType(ctx, tenant, in.Name)
	if err != nil {
		return nil, fmt.Errorf("find event type %s: %w", in.Name, err)
	}
	return &eventTypeOutput{viewEventType(t)}, nil
}

type listEventTypesInput struct {
	PageInput
	TenantParam
}

func (s *server) listEventTypes(ctx context.Context, in *listEventTypesInput) (*listOutput[eventTypeView], error) {
	tenant, err := requestOf(ctx).caller.tenantFor(in.Tenant)
	if err != nil {
		return nil, err
	}
	page, err := s.Store.ListEventTypes(ctx, tenant, in.query())
	if err != nil {
		return nil, fmt.Errorf("list event types: %w", err)
	}
	return viewPage(page, viewEventType), nil
}

func (s *server) deleteEventType(ctx context.Context, in *EventTypePath) (*struct{}, error) {
	tenant, err := requestOf(ctx).caller.tenantFor(in.Tenant)
	if err != nil {
		return nil, err
	}
	if !webhook.ValidEventType(in.Name) {
		return nil, notFound("event type")
	}
	if err := s.Store.DeleteEventType(ctx, tenant, in.Name); err != nil {
		return nil, fmt.Errorf("delete event type %s: %w", in.Name, err)
	}
	return nil, nil // 204 has no body
}

// checkLength names a text that may be left out if it is longer than limit characters.
func checkLength(field string, text *string, limit int) []webhook.FieldError {
	if text != nil && utf8.RuneCountInString(*text) > limit {
		return []webhook.FieldError{{Field: field, Detail: fmt.Sprintf("must not be longer than %d characters", limit)}}
	}
	return nil
}
