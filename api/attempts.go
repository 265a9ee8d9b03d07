package api

import (
	"context"
	"fmt"
	"unicode/utf8"

	"github.com/postrider/postrider/store"
	"github.com/postrider/postrider/webhook"
)

// attemptView is an attempt as it is shown.
type attemptView struct {
	ID              string            `json:"id" example:"att_01jd0y3n1a2b3c4d5e6f7g8h9j"`
	EventID         string            `json:"event_id" example:"evt_01jd0y3m8zq5v6w7x8y9z0a1b2"`
	EventType       string            `json:"event_type" example:"invoice.paid"`
	EndpointID      string            `json:"endpoint_id" example:"ep_01jd0y2c5k7m9p1r3t5v7x9z0b"`
	Tenant          string            `json:"tenant" example:"default"`
	Number          int               `json:"number" doc:"1 for a delivery's first." example:"1"`
	Outcome         string            `json:"outcome" enum:"delivered,rejected,unreachable,blocked,unknown" example:"rejected"`
	Status          *int              `json:"status" doc:"HTTP status; null: no answer." example:"503"`
	ErrorClass      *string           `json:"error_class" example:"http_status"`
	Error           *string           `json:"error" example:"HTTP 503"`
	StartedAt       string            `json:"started_at" format:"date-time" example:"2026-11-25T09:30:00.004Z"`
	DurationMS      float64           `json:"duration_ms" example:"116.2"`
	RequestHeaders  map[string]string `json:"request_headers" doc:"As sent, without what is secret."`
	ResponseHeaders map[string]string `json:"response_headers"`
	ResponseBody    *string           `json:"response_body" doc:"The first 16 KiB of the answer, if it is text."`
	ResponseBytes   []byte            `json:"response_body_base64,omitempty" doc:"The first 16 KiB of the answer, if it is not text."`
}

func viewAttempt(a webhook.Attempt) attemptView {
	view := attemptView{
		ID: a.ID, EventID: a.EventID, EventType: a.EventType, EndpointID: a.EndpointID, Tenant: a.Tenant, Number: a.Number,
		Outcome: string(a.Outcome), Status: optionalStatus(a.Status), ErrorClass: optional(a.ErrorClass), Error: optional(a.Error),
		StartedAt: timestamp(a.StartedAt), DurationMS: float64(a.Duration.Microseconds()) / 1000,
		RequestHeaders: orEmpty(a.RequestHeaders), ResponseHeaders: orEmpty(a.ResponseHeaders),
	}
	if utf8.Valid(a.ResponseBody) {
		view.ResponseBody = optional(string(a.ResponseBody))
	} else {
		view.ResponseBytes = a.ResponseBody
	}
	return view
}

// orEmpty is m, never nil, so that it shows as {}.
func orEmpty(m map[string]string) map[string]string {
	if m == nil {
		return map[string]string{}
	}
	return m
}

type listAttemptsInput struct {
	PageInput
	StartedInput
	PartsInput
	Outcome string `query:"outcome" enum:"delivered,rejected,unreachable,blocked,unknown" doc:"With this outcome only."`
}

func (s *server) listAttempts(ctx context.Context, in *listAttemptsInput) (*listOutput[attemptView], error) {
	query := store.AttemptQuery{
		PageQuery: in.query(), Outcome: webhook.Outcome(in.Outcome), StartedAt: in.within(), WithBodies: true,
	}
	var err error
	if query.Tenant, query.EventUID, query.EndpointKey, err = s.filterParts(ctx, in.PartsInput); err != nil {
		return nil, err
	}
	page, err := s.Store.ListAttempts(ctx, query)
	if err != nil {
		return nil, fmt.Errorf("list attempts: %w", err)
	}
	return viewPage(page, viewAttempt), nil
}
