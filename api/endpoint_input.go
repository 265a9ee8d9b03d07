package api

import (
	"fmt"
	"slices"
	"unicode/utf8"

	"github.com/danielgtaylor/huma/v2"

	"github.com/postrider/postrider/signing"
	"github.com/postrider/postrider/webhook"
)

// Limits of an endpoint.
const (
	maxEventTypes  = 100
	maxDescription = 1024
)

// policyBody is a retry policy, of which any part may be left out.
type policyBody struct {
	InitialInterval    *webhook.Duration `json:"initial_interval,omitempty" doc:"Time between the first attempt and the second; 100ms to 24h. Default: 5s." example:"5s"`
	BackoffCoefficient *float64          `json:"backoff_coefficient,omitempty" minimum:"1" maximum:"100" doc:"How many times longer each interval is than the one before. Default: 3." example:"3"`
	MaximumInterval    *webhook.Duration `json:"maximum_interval,omitempty" doc:"No interval is longer; up to 168h. Default: 12h." example:"12h"`
	MaximumAttempts    *int              `json:"maximum_attempts,omitempty" minimum:"1" maximum:"1000" doc:"Attempts in all, the first one included. Default: 15, about three days." example:"15"`
	Timeout            *webhook.Duration `json:"timeout,omitempty" doc:"How long the receiver may take; 1s to 1m. Default: 15s." example:"15s"`
	Jitter             *float64          `json:"jitter,omitempty" minimum:"0" maximum:"1" doc:"Intervals are longer or shorter by up to this part of themselves. Default: 0.2." example:"0.2"`
	PermanentStatuses  *[]int            `json:"permanent_statuses,omitempty" nullable:"false" doc:"4xx statuses that end a delivery at once. Default: none." example:"[]"`
}

// over is the policy p with what is given here put over it.
func (b *policyBody) over(p webhook.Policy) webhook.Policy {
	if b == nil {
		return p
	}
	put(&p.InitialInterval, b.InitialInterval)
	put(&p.BackoffCoefficient, b.BackoffCoefficient)
	put(&p.MaximumInterval, b.MaximumInterval)
	put(&p.MaximumAttempts, b.MaximumAttempts)
	put(&p.Timeout, b.Timeout)
	put(&p.Jitter, b.Jitter)
	put(&p.PermanentStatuses, b.PermanentStatuses)
	return p
}

// put sets what is given.
func put[T any](into, given *T) {
	if given != nil {
		*into = *given
	}
}

// EndpointBody is what a caller may say of an endpoint, new or there.
type EndpointBody struct {
	URL         *string            `json:"url,omitempty" doc:"Where events are posted to: https, a public host, no credentials. With --dev also http and private hosts." example:"https://example.com/webhooks"`
	EventTypes  *[]string          `json:"event_types,omitempty" nullable:"false" maxItems:"100" doc:"What it gets: * for everything, invoice.paid, or invoice.* for everything below invoice." example:"[\"invoice.*\"]"`
	Description *string            `json:"description,omitempty" nullable:"true" maxLength:"1024" example:"billing, production"`
	Headers     *map[string]string `json:"headers,omitempty" nullable:"true" doc:"Headers to send with every request." example:"{\"X-Environment\":\"production\"}"`
	Policy      *policyBody        `json:"policy,omitempty" doc:"How deliveries are retried."`
}

// createEndpointBody is a new endpoint.
type createEndpointBody struct {
	EndpointBody
	ID     *string `json:"id,omitempty" pattern:"^[A-Za-z0-9_-]{1,128}$" doc:"Its ID, unique over all tenants. To register it again, as after a time-out, makes no second one but 409 endpoint_exists. Default: a new one." example:"acme-billing"`
	Tenant *string `json:"tenant,omitempty" pattern:"^[a-z0-9_-]{1,64}$" doc:"Whose it is. Default: the key's tenant; for admin keys the tenant called default." example:"default"`
	Secret *string `json:"secret,omitempty" doc:"The signing secret: whsec_ and the base64 of 24 to 64 bytes. Default: a new one." example:"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"`
}

// TransformSchema says in the OpenAPI document what a new endpoint must have.
func (createEndpointBody) TransformSchema(_ huma.Registry, s *huma.Schema) *huma.Schema {
	s.Required = []string{"url", "event_types"}
	return s
}

// missing names what a new endpoint must have and this one has not.
func (b createEndpointBody) missing() []webhook.FieldError {
	var faults []webhook.FieldError
	if b.URL == nil {
		faults = append(faults, webhook.FieldError{Field: "url", Detail: "is needed"})
	}
	if b.EventTypes == nil {
		faults = append(faults, webhook.FieldError{Field: "event_types", Detail: "are needed; [\"*\"] is everything"})
	}
	return faults
}

// over is the endpoint e with what is given here put over it.
func (b EndpointBody) over(e webhook.Endpoint) webhook.Endpoint {
	put(&e.URL, b.URL)
	put(&e.EventTypes, b.EventTypes)
	put(&e.Description, b.Description)
	put(&e.Headers, b.Headers)
	e.Policy = b.Policy.over(e.Policy)
	return e
}

// checkEndpoint names what is wrong with what is given here; e is the endpoint that comes of it.
func (s *server) checkEndpoint(b EndpointBody, e webhook.Endpoint) []webhook.FieldError {
	var faults []webhook.FieldError
	if b.URL != nil {
		faults = append(faults, s.CheckURL(e.URL)...)
	}
	if b.EventTypes != nil {
		faults = append(faults, checkEventTypes(e.EventTypes)...)
	}
	if utf8.RuneCountInString(e.Description) > maxDescription {
		faults = append(faults, webhook.FieldError{Field: "description", Detail: fmt.Sprintf("must not be longer than %d characters", maxDescription)})
	}
	if b.Headers != nil {
		faults = append(faults, s.CheckHeaders(e.Headers)...)
	}
	if b.Policy != nil {
		faults = append(faults, e.Policy.Validate()...)
	}
	return faults
}

func checkEventTypes(patterns []string) []webhook.FieldError {
	var faults []webhook.FieldError
	if len(patterns) == 0 || len(patterns) > maxEventTypes {
		faults = append(faults, webhook.FieldError{Field: "event_types", Detail: fmt.Sprintf("must be 1 to %d", maxEventTypes)})
	}
	for i, p := range patterns {
		field := fmt.Sprintf("event_types[%d]", i)
		switch {
		case !webhook.ValidEventTypePattern(p):
			faults = append(faults, webhook.FieldError{Field: field, Detail: "must be *, an event type such as invoice.paid, or one with .* at its end"})
		case slices.Contains(patterns[:i], p):
			faults = append(faults, webhook.FieldError{Field: field, Detail: twice})
		}
	}
	return faults
}

// checkTenant names what is wrong with a tenant that may be left out.
func checkTenant(tenant *string) []webhook.FieldError {
	if tenant != nil && !webhook.ValidTenant(*tenant) {
		return []webhook.FieldError{{Field: "tenant", Detail: tenantRule}}
	}
	return nil
}

// checkSecret names what is wrong with a secret that may be left out.
func checkSecret(secret *string) []webhook.FieldError {
	if secret == nil {
		return nil
	}
	if _, err := signing.ParseSecret(*secret); err != nil {
		return []webhook.FieldError{{Field: "secret", Detail: "must be whsec_ and the standard base64 of 24 to 64 bytes"}}
	}
	return nil
}

// given is what v points to, or the zero value.
func given[T any](v *T) T {
	if v == nil {
		var zero T
		return zero
	}
	return *v
}
