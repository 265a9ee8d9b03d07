package api

import (
	"context"
	"fmt"
	"time"

	"github.com/postrider/postrider/webhook"
)

// Limits of a rotation.
const (
	maxSecrets     = 10
	maxOverlap     = 7 * 24 * time.Hour
	defaultOverlap = 24 * time.Hour
)

// secretsView is the secrets of an endpoint.
type secretsView struct {
	Secret  string       `json:"secret" doc:"The newest secret." example:"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"`
	Secrets []secretView `json:"secrets" nullable:"false" doc:"All secrets that requests are signed with, newest first."`
}

// secretView is one secret of an endpoint.
type secretView struct {
	ID        string  `json:"id" example:"sec_01jd0y2c5k7m9p1r3t5v7x9z0c"`
	Secret    string  `json:"secret" example:"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"`
	CreatedAt string  `json:"created_at" format:"date-time" example:"2026-11-25T09:29:00.000Z"`
	ExpiresAt *string `json:"expires_at" format:"date-time" doc:"Null: until it is rotated away."`
}

type secretsOutput struct{ Body secretsView }

func (s *server) getSecret(ctx context.Context, in *EndpointPath) (*secretsOutput, error) {
	endpoint, err := s.findEndpoint(ctx, in.Tenant, in.ID)
	if err != nil {
		return nil, err
	}
	return viewSecrets(endpoint, s.Now()), nil
}

func viewSecrets(e webhook.Endpoint, now time.Time) *secretsOutput {
	out := &secretsOutput{secretsView{Secrets: []secretView{}}}
	for _, secret := range valid(e.Secrets, now) {
		out.Body.Secrets = append(out.Body.Secrets, secretView{
			ID: secret.ID, Secret: string(secret.Value), CreatedAt: timestamp(secret.CreatedAt), ExpiresAt: optionalTime(secret.ExpiresAt),
		})
	}
	if len(out.Body.Secrets) > 0 {
		out.Body.Secret = out.Body.Secrets[0].Secret
	}
	return out
}

// valid is the secrets that have not expired.
func valid(secrets []webhook.Secret, now time.Time) []webhook.Secret {
	var left []webhook.Secret
	for _, secret := range secrets {
		if secret.ExpiresAt.IsZero() || secret.ExpiresAt.After(now) {
			left = append(left, secret)
		}
	}
	return left
}

// rotateBody asks for a new secret.
type rotateBody struct {
	Secret  *string           `json:"secret,omitempty" doc:"The new secret. Default: one is made." example:"whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"`
	Overlap *webhook.Duration `json:"overlap,omitempty" doc:"How long requests are signed with the old one, too; 0s to 168h. Default: 24h." example:"24h"`
}

func (*rotateBody) bodyIsOptional() {}

func (b *rotateBody) check() []webhook.FieldError {
	faults := checkSecret(b.Secret)
	if overlap := b.overlap(); overlap < 0 || overlap > maxOverlap {
		faults = append(faults, webhook.FieldError{Field: "overlap", Detail: "must be between 0s and 168h"})
	}
	return faults
}

func (b *rotateBody) overlap() time.Duration {
	if b.Overlap == nil {
		return defaultOverlap
	}
	return time.Duration(*b.Overlap)
}

type rotateInput struct {
	EndpointPath
	body[rotateBody]
}

func (s *server) rotateSecret(ctx context.Context, in *rotateInput) (*secretsOutput, error) {
	if err := in.invalid(in.in.check()...); err != nil {
		return nil, err
	}
	endpoint, err := s.findEndpoint(ctx, in.Tenant, in.ID)
	if err != nil {
		return nil, err
	}
	now := s.Now()
	endpoint, err = s.Store.UpdateEndpoint(ctx, endpoint.Tenant, endpoint.ID, func(e *webhook.Endpoint) error {
		e.UpdatedAt = now
		e.Secrets, err = rotate(e.Secrets, newSecret(in.in.Secret, now), in.in.overlap(), now)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("rotate secret of endpoint %s: %w", in.ID, err)
	}
	s.Intake.EndpointChanged(ctx, endpoint)
	return viewSecrets(endpoint, now), nil
}

// rotate puts a new secret before those that are valid, which live on for the overlap at most.
func rotate(secrets []webhook.Secret, fresh webhook.Secret, overlap time.Duration, now time.Time) ([]webhook.Secret, error) {
	rotated, end := []webhook.Secret{fresh}, now.Add(overlap)
	for _, old := range valid(secrets, now) {
		if old.Value == fresh.Value {
			return nil, invalidField("secret", "is one of the endpoint's secrets already")
		}
		if old.ExpiresAt.IsZero() || old.ExpiresAt.After(end) {
			old.ExpiresAt = end
		}
		if old.ExpiresAt.After(now) {
			rotated = append(rotated, old)
		}
	}
	if len(rotated) > maxSecrets {
		return nil, webhook.Errorf(webhook.Conflict, "too_many_secrets", "the endpoint has %d valid secrets; rotate with a shorter overlap", maxSecrets)
	}
	return rotated, nil
}
