package api

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/postrider/postrider/signing"
	"github.com/postrider/postrider/store"
	"github.com/postrider/postrider/webhook"
)

// EndpointView is an endpoint as it is shown.
type EndpointView struct {
	ID             string            `json:"id" example:"ep_01jd0y2c5k7m9p1r3t5v7x9z0b"`
	Tenant         string            `json:"tenant" example:"default"`
	URL            string            `json:"url" example:"https://example.com/webhooks"`
	Description    string            `json:"description" example:"billing, production"`
	EventTypes     []string          `json:"event_types" nullable:"false" example:"[\"invoice.*\"]"`
	Headers        map[string]string `json:"headers" example:"{\"X-Environment\":\"production\"}"`
	Policy         policyView        `json:"policy"`
	State          string            `json:"state" enum:"enabled,paused,disabled" doc:"Deliveries to an endpoint that is paused (by a person) or disabled (by its own 410 Gone) are held." example:"enabled"`
	DisabledReason *string           `json:"disabled_reason"`
	CreatedAt      string            `json:"created_at" format:"date-time" example:"2026-11-25T09:29:00.000Z"`
	UpdatedAt      string            `json:"updated_at" format:"date-time" example:"2026-11-25T09:29:00.000Z"`
}

// policyView is a retry policy as it is shown.
type policyView struct {
	InitialInterval    string  `json:"initial_interval" example:"5s"`
	BackoffCoefficient float64 `json:"backoff_coefficient" example:"3"`
	MaximumInterval    string  `json:"maximum_interval" example:"12h"`
	MaximumAttempts    int     `json:"maximum_attempts" example:"15"`
	Timeout            string  `json:"timeout" example:"15s"`
	Jitter             float64 `json:"jitter" example:"0.2"`
	PermanentStatuses  []int   `json:"permanent_statuses" nullable:"false" example:"[]"`
}

// newEndpointView is an endpoint just made, with its secret.
type newEndpointView struct {
	EndpointView
	Secret string `json:"secret" doc:"What requests are signed with. GET …/secret shows it again, nothing else does." example:"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"`
}

func viewEndpoint(e webhook.Endpoint) EndpointView {
	return EndpointView{
		ID: e.ID, Tenant: e.Tenant, URL: e.URL, Description: e.Description, EventTypes: e.EventTypes, Headers: orEmpty(e.Headers),
		Policy: viewPolicy(e.Policy), State: string(e.State), DisabledReason: optional(e.DisabledReason),
		CreatedAt: timestamp(e.CreatedAt), UpdatedAt: timestamp(e.UpdatedAt),
	}
}

func viewPolicy(p webhook.Policy) policyView {
	return policyView{
		InitialInterval: duration(p.InitialInterval), BackoffCoefficient: p.BackoffCoefficient, MaximumInterval: duration(p.MaximumInterval),
		MaximumAttempts: p.MaximumAttempts, Timeout: duration(p.Timeout), Jitter: p.Jitter, PermanentStatuses: append([]int{}, p.PermanentStatuses...),
	}
}

type endpointOutput struct{ Body EndpointView }

type newEndpointOutput struct{ Body newEndpointView }

type createEndpointInput struct {
	body[createEndpointBody]
}

func (s *server) createEndpoint(ctx context.Context, in *createEndpointInput) (*newEndpointOutput, error) {
	asked, now := in.in, s.Now()
	endpoint := asked.over(webhook.Endpoint{
		ID: webhook.NewID(webhook.EndpointIDPrefix), Policy: webhook.DefaultPolicy(), State: webhook.EndpointEnabled, CreatedAt: now, UpdatedAt: now,
	})
	faults := append(asked.missing(), s.checkEndpoint(asked.EndpointBody, endpoint)...)
	faults = append(append(faults, checkTenant(asked.Tenant)...), checkSecret(asked.Secret)...)
	if put(&endpoint.ID, asked.ID); !webhook.ValidEventID(endpoint.ID) {
		faults = append(faults, webhook.FieldError{Field: "id", Detail: eventIDRule})
	}
	if err := in.invalid(faults...); err != nil {
		return nil, err
	}
	var err error
	if endpoint.Tenant, err = requestOf(ctx).caller.tenantFor(given(asked.Tenant)); err != nil {
		return nil, err
	}
	endpoint.Secrets = []webhook.Secret{newSecret(asked.Secret, now)}
	if endpoint, err = s.Store.CreateEndpoint(ctx, endpoint); err != nil {
		return nil, fmt.Errorf("create endpoint: %w", err)
	}
	s.Intake.EndpointChanged(ctx, endpoint)
	return &newEndpointOutput{newEndpointView{viewEndpoint(endpoint), string(endpoint.Secrets[0].Value)}}, nil
}

type listEndpointsInput struct {
	PageInput
	TenantFilter
	State string `query:"state" enum:"enabled,paused,disabled" doc:"In this state only."`
}

func (s *server) listEndpoints(ctx context.Context, in *listEndpointsInput) (*listOutput[EndpointView], error) {
	tenant, err := requestOf(ctx).caller.tenantFilter(in.Tenant)
	if err != nil {
		return nil, err
	}
	page, err := s.Store.ListEndpoints(ctx, store.EndpointQuery{PageQuery: in.query(), Tenant: tenant, State: webhook.EndpointState(in.State)})
	if err != nil {
		return nil, fmt.Errorf("list endpoints: %w", err)
	}
	return viewPage(page, viewEndpoint), nil
}

// EndpointPath names an endpoint. Their IDs are unique over all tenants.
type EndpointPath struct {
	ID     string `path:"id" doc:"The endpoint's ID."`
	Tenant string `query:"tenant" doc:"Whose it is. Default: the key's tenant; for admin keys any."`
}

func (s *server) getEndpoint(ctx context.Context, in *EndpointPath) (*endpointOutput, error) {
	endpoint, err := s.findEndpoint(ctx, in.Tenant, in.ID)
	if err != nil {
		return nil, err
	}
	return &endpointOutput{viewEndpoint(endpoint)}, nil
}

// findEndpoint finds an endpoint, of the tenant that the caller named if he did.
func (s *server) findEndpoint(ctx context.Context, tenant, id string) (webhook.Endpoint, error) {
	return lookUpEndpoint(ctx, s.Store.Endpoint, tenant, id)
}

// findAnyEndpoint also finds one that was deleted, for what was sent to it.
func (s *server) findAnyEndpoint(ctx context.Context, tenant, id string) (webhook.Endpoint, error) {
	return lookUpEndpoint(ctx, s.Store.AnyEndpoint, tenant, id)
}

func lookUpEndpoint(ctx context.Context, find func(ctx context.Context, tenant, id string) (webhook.Endpoint, error), tenant, id string) (webhook.Endpoint, error) {
	tenant, err := requestOf(ctx).caller.tenantFilter(tenant)
	if err != nil {
		return webhook.Endpoint{}, err
	}
	if !webhook.ValidEventID(id) { // the same characters
		return webhook.Endpoint{}, notFound("endpoint")
	}
	endpoint, err := find(ctx, tenant, id)
	if err != nil {
		return endpoint, fmt.Errorf("find endpoint %s: %w", id, err)
	}
	return endpoint, nil
}

type updateEndpointInput struct {
	EndpointPath
	body[EndpointBody]
}

func (s *server) updateEndpoint(ctx context.Context, in *updateEndpointInput) (*endpointOutput, error) {
	return s.changeEndpoint(ctx, in.EndpointPath, func(e *webhook.Endpoint) error {
		changed := in.in.over(*e)
		if err := in.invalid(s.checkEndpoint(in.in, changed)...); err != nil {
			return err
		}
		*e = changed
		return nil
	})
}

func (s *server) pauseEndpoint(ctx context.Context, in *EndpointPath) (*endpointOutput, error) {
	return s.changeEndpoint(ctx, *in, func(e *webhook.Endpoint) error {
		e.State, e.DisabledReason = webhook.EndpointPaused, ""
		return nil
	})
}

func (s *server) resumeEndpoint(ctx context.Context, in *EndpointPath) (*endpointOutput, error) {
	return s.changeEndpoint(ctx, *in, func(e *webhook.Endpoint) error {
		e.State, e.DisabledReason = webhook.EndpointEnabled, ""
		return nil
	})
}

// changeEndpoint changes an endpoint and tells the intake.
func (s *server) changeEndpoint(ctx context.Context, path EndpointPath, change func(*webhook.Endpoint) error) (*endpointOutput, error) {
	endpoint, err := s.findEndpoint(ctx, path.Tenant, path.ID)
	if err != nil {
		return nil, err
	}
	endpoint, err = s.Store.UpdateEndpoint(ctx, endpoint.Tenant, endpoint.ID, func(e *webhook.Endpoint) error {
		e.UpdatedAt = s.Now()
		return change(e)
	})
	if err != nil {
		return nil, fmt.Errorf("change endpoint %s: %w", path.ID, err)
	}
	s.Intake.EndpointChanged(ctx, endpoint)
	return &endpointOutput{viewEndpoint(endpoint)}, nil
}

func (s *server) deleteEndpoint(ctx context.Context, in *EndpointPath) (*struct{}, error) {
	endpoint, err := s.findEndpoint(ctx, in.Tenant, in.ID)
	if err != nil {
		return nil, err
	}
	if endpoint, err = s.Store.DeleteEndpoint(ctx, endpoint.Tenant, endpoint.ID, s.Now()); err != nil {
		return nil, fmt.Errorf("delete endpoint %s: %w", in.ID, err)
	}
	s.Intake.EndpointChanged(ctx, endpoint)
	return nil, nil // 204 has no body
}

type acceptedOutput struct{ Body acceptedView }

func (s *server) testEndpoint(ctx context.Context, in *EndpointPath) (*acceptedOutput, error) {
	endpoint, err := s.findEndpoint(ctx, in.Tenant, in.ID)
	if err != nil {
		return nil, err
	}
	accepted, err := s.Intake.Test(ctx, endpoint)
	if err != nil {
		return nil, fmt.Errorf("test endpoint %s: %w", in.ID, err)
	}
	view, err := viewAccepted(accepted.Event, accepted)
	if err != nil {
		return nil, err
	}
	return &acceptedOutput{view}, nil
}

// newSecret is the given secret, or a new one.
func newSecret(given *string, now time.Time) webhook.Secret {
	value := signing.NewSecret()
	if given != nil {
		value = *given
	}
	return webhook.Secret{ID: webhook.NewID(webhook.SecretIDPrefix), Value: webhook.SecretValue(value), CreatedAt: now}
}

// duration is d without the "0m0s" that says nothing.
func duration(d webhook.Duration) string {
	text := time.Duration(d).String()
	if rest, ok := strings.CutSuffix(text, "m0s"); ok {
		text = rest + "m"
	}
	if rest, ok := strings.CutSuffix(text, "h0m"); ok {
		text = rest + "h"
	}
	return text
}
