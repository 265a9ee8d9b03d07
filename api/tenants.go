package api

import (
	"context"
	"fmt"

	"github.com/postrider/postrider/webhook"
)

// tenantView is a tenant as it is shown.
type tenantView struct {
	ID        string `json:"id" example:"acme"`
	Name      string `json:"name" example:"Acme Ltd"`
	CreatedAt string `json:"created_at" format:"date-time"`
}

func viewTenant(t webhook.Tenant) tenantView { return tenantView{t.ID, t.Name, timestamp(t.CreatedAt)} }

// TenantPath names a tenant.
type TenantPath struct {
	ID string `path:"id" doc:"The tenant's ID." example:"acme"`
}

type tenantBody struct {
	Name *string `json:"name,omitempty" nullable:"true" maxLength:"256" doc:"A name for people." example:"Acme Ltd"`
}

func (*tenantBody) bodyIsOptional() {}

type putTenantInput struct {
	TenantPath
	body[tenantBody]
}

func (s *server) putTenant(ctx context.Context, in *putTenantInput) (*putOutput[tenantView], error) {
	var faults []webhook.FieldError
	if !webhook.ValidTenant(in.ID) {
		faults = append(faults, webhook.FieldError{Field: "id", Detail: tenantRule})
	}
	faults = append(faults, checkLength("name", in.in.Name, maxName)...)
	if err := in.invalid(faults...); err != nil {
		return nil, err
	}
	stored, created, err := s.Store.PutTenant(ctx, webhook.Tenant{ID: in.ID, Name: given(in.in.Name), CreatedAt: s.Now()})
	if err != nil {
		return nil, fmt.Errorf("put tenant %s: %w", in.ID, err)
	}
	return &putOutput[tenantView]{putStatus(created), viewTenant(stored)}, nil
}

type tenantOutput struct{ Body tenantView }

func (s *server) getTenant(ctx context.Context, in *TenantPath) (*tenantOutput, error) {
	id, err := requestOf(ctx).caller.tenantFor(in.ID)
	if err != nil {
		return nil, err
	}
	tenant, err := s.Store.Tenant(ctx, id)
	if err != nil {
		return nil, fmt.Errorf("find tenant %s: %w", id, err)
	}
	return &tenantOutput{viewTenant(tenant)}, nil
}

func (s *server) listTenants(ctx context.Context, in *PageInput) (*listOutput[tenantView], error) {
	page, err := s.Store.ListTenants(ctx, in.query())
	if err != nil {
		return nil, fmt.Errorf("list tenants: %w", err)
	}
	return viewPage(page, viewTenant), nil
}
