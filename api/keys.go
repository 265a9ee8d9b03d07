package api

import (
	"context"
	"fmt"

	"github.com/postrider/postrider/webhook"
)

// KeyView is an API key as it is shown: never the key itself.
type KeyView struct {
	ID         string  `json:"id" example:"key_01jd0y1a2b3c4d5e6f7g8h9j0k"`
	Name       string  `json:"name" example:"billing service"`
	Tenant     *string `json:"tenant" doc:"The tenant that it is for; null: an admin key." example:"acme"`
	Prefix     string  `json:"prefix" doc:"How the key begins." example:"pr_Xk2v9Qd"`
	CreatedAt  string  `json:"created_at" format:"date-time"`
	LastUsedAt *string `json:"last_used_at" format:"date-time" doc:"To the minute."`
	RevokedAt  *string `json:"revoked_at" format:"date-time"`
}

// newKeyView is a key just made.
type newKeyView struct {
	KeyView
	Key string `json:"key" doc:"The key itself. It is shown this once." example:"pr_Xk2v9Qd7w3Zl1m5N8bT4cY6hJ0gRfAeSuDiOpKqLxVzM"`
}

func viewKey(k webhook.APIKey) KeyView {
	return KeyView{
		ID: k.ID, Name: k.Name, Tenant: optional(k.Tenant), Prefix: k.Prefix, CreatedAt: timestamp(k.CreatedAt),
		LastUsedAt: optionalTime(k.LastUsedAt), RevokedAt: optionalTime(k.RevokedAt),
	}
}

type keyBody struct {
	Name   *string `json:"name,omitempty" required:"true" minLength:"1" maxLength:"256" doc:"What it is for." example:"billing service"`
	Tenant *string `json:"tenant,omitempty" pattern:"^[a-z0-9_-]{1,64}$" doc:"The tenant that it is for. Without one it is an admin key." example:"acme"`
}

type createKeyInput struct{ body[keyBody] }

type newKeyOutput struct{ Body newKeyView }

func (s *server) createKey(ctx context.Context, in *createKeyInput) (*newKeyOutput, error) {
	faults := append(checkLength("name", in.in.Name, maxName), checkTenant(in.in.Tenant)...)
	if given(in.in.Name) == "" {
		faults = append(faults, webhook.FieldError{Field: "name", Detail: "is needed"})
	}
	if err := in.invalid(faults...); err != nil {
		return nil, err
	}
	text, key := NewAPIKey(given(in.in.Tenant), given(in.in.Name), s.Now())
	if err := s.Store.CreateAPIKey(ctx, key); err != nil {
		return nil, fmt.Errorf("create key: %w", err)
	}
	return &newKeyOutput{newKeyView{viewKey(key), text}}, nil
}

type listKeysInput struct {
	PageInput
	Tenant string `query:"tenant" doc:"Only keys for this tenant. Default: all keys, admin keys included."`
}

func (s *server) listKeys(ctx context.Context, in *listKeysInput) (*listOutput[KeyView], error) {
	tenant, err := requestOf(ctx).caller.tenantFilter(in.Tenant)
	if err != nil {
		return nil, err
	}
	page, err := s.Store.ListAPIKeys(ctx, tenant, in.query())
	if err != nil {
		return nil, fmt.Errorf("list keys: %w", err)
	}
	return viewPage(page, viewKey), nil
}

type keyPath struct {
	ID string `path:"id" doc:"The key's ID; not the key."`
}

func (s *server) revokeKey(ctx context.Context, in *keyPath) (*struct{}, error) {
	if !webhook.ValidEventID(in.ID) { // the same characters
		return nil, notFound("key")
	}
	if err := s.Store.RevokeAPIKey(ctx, "", in.ID, s.Now()); err != nil {
		return nil, fmt.Errorf("revoke key %s: %w", in.ID, err)
	}
	s.keys.forget()
	return nil, nil // 204 has no body
}
