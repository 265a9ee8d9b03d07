package api

import (
	"context"
	"fmt"

	"github.com/postrider/postrider/store"
	"github.com/postrider/postrider/webhook"
)

// TenantParam names the tenant of something that is known by its ID.
type TenantParam struct {
	Tenant string `query:"tenant" doc:"Whose it is. Default: the key's tenant; for admin keys the tenant called default."`
}

// TenantFilter names the tenant to list.
type TenantFilter struct {
	Tenant string `query:"tenant" doc:"Only what is this tenant's. Default: the key's tenant; for admin keys all tenants."`
}

// deliveryView is a delivery as it is shown.
type deliveryView struct {
	EventID        string  `json:"event_id" example:"evt_01jd0y3m8zq5v6w7x8y9z0a1b2"`
	EventType      string  `json:"event_type" example:"invoice.paid"`
	EndpointID     string  `json:"endpoint_id" example:"ep_01jd0y2c5k7m9p1r3t5v7x9z0b"`
	Tenant         string  `json:"tenant" example:"default"`
	State          string  `json:"state" enum:"pending,retrying,held,delivered,exhausted,cancelled,expired" example:"retrying"`
	WaitingFor     *string `json:"waiting_for" doc:"What keeps it from being sent now: turn, in_flight_cap, breaker, endpoint_paused, endpoint_disabled, paused_in_temporal, store. Null: nothing, or its next attempt is not due."`
	Wish           *string `json:"wish" doc:"What was asked for and has not been done yet: cancel or retry."`
	Reason         *string `json:"reason" doc:"Why it ended, if by something other than being delivered, such as out_of_attempts."`
	Attempts       int     `json:"attempts" doc:"Attempts made." example:"1"`
	MaxAttempts    int     `json:"maximum_attempts" doc:"The attempt with this number is the last." example:"15"`
	NextAttemptAt  *string `json:"next_attempt_at" format:"date-time" doc:"When the next attempt is due; null when there is none to come." example:"2026-11-25T09:30:05.120Z"`
	LastStatus     *int    `json:"last_status" doc:"HTTP status of the last attempt; null: none yet, or no answer." example:"503"`
	LastErrorClass *string `json:"last_error_class" doc:"Why the last attempt failed, in a word that can be counted." example:"http_status"`
	LastError      *string `json:"last_error" doc:"Why the last attempt failed." example:"HTTP 503"`
	CreatedAt      string  `json:"created_at" format:"date-time" example:"2026-11-25T09:30:00.000Z"`
	UpdatedAt      string  `json:"updated_at" format:"date-time" example:"2026-11-25T09:30:00.120Z"`
	CompletedAt    *string `json:"completed_at" format:"date-time"`
}

func viewDelivery(d webhook.Delivery) deliveryView {
	view := deliveryView{
		EventID: d.EventID, EventType: d.EventType, EndpointID: d.EndpointID, Tenant: d.Tenant, State: string(d.State),
		WaitingFor: optional(d.WaitingFor), Wish: optional(d.Wish), Reason: optional(d.Reason),
		Attempts: d.Attempts, MaxAttempts: d.Budget, LastStatus: optionalStatus(d.LastStatus),
		LastErrorClass: optional(d.LastErrorClass), LastError: optional(d.LastError),
		CreatedAt: timestamp(d.CreatedAt), UpdatedAt: timestamp(d.UpdatedAt), CompletedAt: optionalTime(d.CompletedAt),
	}
	if d.State.Open() {
		view.NextAttemptAt = optionalTime(d.DueAt)
	}
	return view
}

func optionalStatus(status int) *int {
	if status == 0 {
		return nil
	}
	return &status
}

// PartsInput filters what belongs to an event and an endpoint.
type PartsInput struct {
	TenantFilter
	EventID    string `query:"event_id" doc:"Of this event only. For admin keys without tenant: of the tenant called default."`
	EndpointID string `query:"endpoint_id" doc:"To this endpoint only."`
}

type listDeliveriesInput struct {
	PageInput
	CreatedInput
	PartsInput
	State string `query:"state" enum:"pending,retrying,held,delivered,exhausted,cancelled,expired" doc:"In this state only."`
}

func (s *server) listDeliveries(ctx context.Context, in *listDeliveriesInput) (*listOutput[deliveryView], error) {
	query := store.DeliveryQuery{PageQuery: in.query(), State: webhook.DeliveryState(in.State), CreatedAt: in.within()}
	var err error
	if query.Tenant, query.EventUID, query.EndpointKey, err = s.filterParts(ctx, in.PartsInput); err != nil {
		return nil, err
	}
	page, err := s.Store.ListDeliveries(ctx, query)
	if err != nil {
		return nil, fmt.Errorf("list deliveries: %w", err)
	}
	return viewPage(page, viewDelivery), nil
}

// filterEndpoint turns what the caller named into what the store filters by.
func (s *server) filterEndpoint(ctx context.Context, named, endpointID string) (tenant string, endpointKey int64, err error) {
	if endpointID == "" {
		tenant, err = requestOf(ctx).caller.tenantFilter(named)
		return tenant, 0, err
	}
	endpoint, err := s.findAnyEndpoint(ctx, named, endpointID)
	return endpoint.Tenant, endpoint.Key, err
}

// filterParts turns what the caller named into what the store filters by.
func (s *server) filterParts(ctx context.Context, in PartsInput) (tenant string, eventUID, endpointKey int64, err error) {
	if tenant, endpointKey, err = s.filterEndpoint(ctx, in.Tenant, in.EndpointID); err != nil || in.EventID == "" {
		return tenant, 0, endpointKey, err
	}
	event, err := s.findEvent(ctx, tenant, in.EventID)
	return event.Tenant, event.UID, endpointKey, err
}
