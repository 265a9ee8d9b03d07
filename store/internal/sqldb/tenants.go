package sqldb

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/postrider/postrider/store"
	"github.com/postrider/postrider/store/internal/cursor"
	"github.com/postrider/postrider/webhook"
)

const tenantColumns = `t.id, t.name, t.endpoints_version, t.created_at`

func tenantInto(t *webhook.Tenant) []any {
	return []any{&t.ID, &t.Name, &t.EndpointsVersion, timeInto{&t.CreatedAt}}
}

// PutTenant implements store.Catalogue.
func (s *Store) PutTenant(ctx context.Context, t webhook.Tenant) (webhook.Tenant, bool, error) {
	var (
		stored  webhook.Tenant
		created bool
	)
	err := s.backend.Write(ctx, func(tx Querier) error {
		n, err := affected(ctx, tx, `INSERT INTO tenants (id, name, endpoints_version, created_at) VALUES ($1, $2, 0, $3)
			ON CONFLICT (id) DO NOTHING`, t.ID, Text(t.Name), Micros(t.CreatedAt))
		if err != nil {
			return err
		}
		if created = n == 1; !created {
			if _, err := tx.ExecContext(ctx, `UPDATE tenants SET name = $1 WHERE id = $2`, Text(t.Name), t.ID); err != nil {
				return err
			}
		}
		stored, err = tenant(ctx, tx, t.ID)
		return err
	})
	if err != nil {
		return webhook.Tenant{}, false, fmt.Errorf("put tenant %s: %w", t.ID, err)
	}
	return stored, created, nil
}

// Tenant implements store.Catalogue.
func (s *Store) Tenant(ctx context.Context, id string) (webhook.Tenant, error) {
	t, err := tenant(ctx, s.backend.Reader(), id)
	if err != nil {
		return t, fmt.Errorf("load tenant %s: %w", id, err)
	}
	return t, nil
}

func tenant(ctx context.Context, q Querier, id string) (webhook.Tenant, error) {
	var t webhook.Tenant
	err := q.QueryRowContext(ctx, `SELECT `+tenantColumns+` FROM tenants t WHERE t.id = $1`, id).Scan(tenantInto(&t)...)
	if err != nil {
		return webhook.Tenant{}, notFound(err, "tenant")
	}
	return t, nil
}

// ListTenants implements store.Catalogue.
func (s *Store) ListTenants(ctx context.Context, q store.PageQuery) (store.Page[webhook.Tenant], error) {
	page, err := listPage("tenants", q, func(c *cursor.Cursor, limit int) ([]webhook.Tenant, error) {
		query, args := tenantPage(c, limit)
		var found []webhook.Tenant
		err := Read(ctx, s.backend.Lister(), query, args, func(rows *sql.Rows) error {
			var t webhook.Tenant
			err := rows.Scan(tenantInto(&t)...)
			found = append(found, t)
			return err
		})
		return found, err
	}, func(t webhook.Tenant) cursor.Position { return cursor.Position{Name: t.ID} })
	if err != nil {
		return page, fmt.Errorf("list tenants: %w", err)
	}
	return page, nil
}

func tenantPage(c *cursor.Cursor, limit int) (string, []any) {
	sel := selection{from: "tenants t"}
	return sel.page(tenantColumns, order{columns: []string{"t.id"}, values: byName}, c, limit)
}

func byName(p cursor.Position) []any { return []any{p.Name} }
