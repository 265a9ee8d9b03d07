package client

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"time"

	"github.com/postrider/postrider/webhook"
)

// NewEndpoint is an endpoint to register. What is left out the API chooses.
type NewEndpoint struct {
	URL         string            `json:"url"`
	EventTypes  []string          `json:"event_types"`
	Description string            `json:"description,omitempty"`
	Headers     map[string]string `json:"headers,omitempty"`
	Tenant      string            `json:"tenant,omitempty"`
	Secret      string            `json:"secret,omitempty"`
	Policy      map[string]any    `json:"policy,omitempty"` // any part of it, as the API names them
}

// Endpoint is a URL that a tenant registered. Secret is there in the answer to its creation only.
type Endpoint struct {
	ID             string                `json:"id"`
	Tenant         string                `json:"tenant"`
	URL            string                `json:"url"`
	Description    string                `json:"description"`
	EventTypes     []string              `json:"event_types"`
	Headers        map[string]string     `json:"headers"`
	Policy         webhook.Policy        `json:"policy"`
	State          webhook.EndpointState `json:"state"`
	DisabledReason string                `json:"disabled_reason"`
	CreatedAt      time.Time             `json:"created_at"`
	UpdatedAt      time.Time             `json:"updated_at"`
	Secret         string                `json:"secret"`
}

// CreateEndpoint registers an endpoint.
func (c *Client) CreateEndpoint(ctx context.Context, e NewEndpoint) (Answer[Endpoint], error) {
	body, err := json.Marshal(e)
	if err != nil {
		return Answer[Endpoint]{}, err
	}
	return call[Endpoint](ctx, c, http.MethodPost, "/v1/endpoints", nil, body)
}

// Endpoints lists endpoints. Filters are those of GET /v1/endpoints.
func (c *Client) Endpoints(ctx context.Context, filters url.Values) (Answer[Page[Endpoint]], error) {
	return call[Page[Endpoint]](ctx, c, http.MethodGet, "/v1/endpoints", filters, nil)
}

// Endpoint is one endpoint. With a tenant it must be that tenant's.
func (c *Client) Endpoint(ctx context.Context, tenant, id string) (Answer[Endpoint], error) {
	return call[Endpoint](ctx, c, http.MethodGet, endpointPath(id, ""), ofTenant(tenant), nil)
}

// DeleteEndpoint deletes an endpoint and cancels its open deliveries.
func (c *Client) DeleteEndpoint(ctx context.Context, tenant, id string) (Answer[struct{}], error) {
	return call[struct{}](ctx, c, http.MethodDelete, endpointPath(id, ""), ofTenant(tenant), nil)
}

// PauseEndpoint holds an endpoint's deliveries.
func (c *Client) PauseEndpoint(ctx context.Context, tenant, id string) (Answer[Endpoint], error) {
	return call[Endpoint](ctx, c, http.MethodPost, endpointPath(id, "/pause"), ofTenant(tenant), nil)
}

// ResumeEndpoint sends what was held, to an endpoint that was paused or disabled.
func (c *Client) ResumeEndpoint(ctx context.Context, tenant, id string) (Answer[Endpoint], error) {
	return call[Endpoint](ctx, c, http.MethodPost, endpointPath(id, "/resume"), ofTenant(tenant), nil)
}

// RecoverEndpoint retries a page of the deliveries that an endpoint did not take.
func (c *Client) RecoverEndpoint(ctx context.Context, id string, filters url.Values) (Answer[Page[Delivery]], error) {
	return call[Page[Delivery]](ctx, c, http.MethodPost, endpointPath(id, "/recover"), filters, nil)
}

// TestEndpoint sends an event of type postrider.test to this endpoint only.
func (c *Client) TestEndpoint(ctx context.Context, tenant, id string) (Answer[Accepted], error) {
	return call[Accepted](ctx, c, http.MethodPost, endpointPath(id, "/test"), ofTenant(tenant), nil)
}

// Secret is what requests to an endpoint are signed with.
type Secret struct {
	Secret string `json:"secret"` // the newest
}

// EndpointSecret shows an endpoint's secret.
func (c *Client) EndpointSecret(ctx context.Context, tenant, id string) (Answer[Secret], error) {
	return call[Secret](ctx, c, http.MethodGet, endpointPath(id, "/secret"), ofTenant(tenant), nil)
}

func endpointPath(id, rest string) string { return "/v1/endpoints/" + url.PathEscape(id) + rest }
