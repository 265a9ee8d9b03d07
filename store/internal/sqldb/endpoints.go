package sqldb

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/postrider/postrider/store"
	"github.com/postrider/postrider/store/internal/cursor"
	"github.com/postrider/postrider/webhook"
)

const endpointColumns = `p.key, p.id, p.tenant, p.url, p.description, p.event_types, p.headers, p.policy, p.state,
 p.disabled_reason, p.secrets, p.created_at, p.updated_at`

// endpointAlive is the condition of the partial index endpoints_by_tenant.
const endpointAlive = `p.state <> 'deleted'`

func scanEndpoint(scan func(into ...any) error) (webhook.Endpoint, error) {
	var (
		e       webhook.Endpoint
		secrets []secretRow
	)
	err := scan(&e.Key, &e.ID, &e.Tenant, &e.URL, &e.Description, jsonInto{&e.EventTypes}, jsonInto{&e.Headers}, jsonInto{&e.Policy},
		&e.State, &e.DisabledReason, jsonInto{&secrets}, timeInto{&e.CreatedAt}, timeInto{&e.UpdatedAt})
	if err != nil {
		return webhook.Endpoint{}, err
	}
	e.Secrets = decodeSecrets(secrets)
	return e, nil
}

func readEndpoints(ctx context.Context, q Querier, query string, args []any) ([]webhook.Endpoint, error) {
	var found []webhook.Endpoint
	err := Read(ctx, q, query, args, func(rows *sql.Rows) error {
		e, err := scanEndpoint(rows.Scan)
		found = append(found, e)
		return err
	})
	return found, err
}

// CreateEndpoint implements store.Endpoints.
func (s *Store) CreateEndpoint(ctx context.Context, e webhook.Endpoint) (webhook.Endpoint, error) {
	var stored webhook.Endpoint
	err := s.backend.Write(ctx, func(tx Querier) error {
		if err := s.bumpTenant(ctx, tx, e.Tenant, e.CreatedAt); err != nil {
			return err
		}
		n, err := affected(ctx, tx, `INSERT INTO endpoints (id, tenant, url, description, event_types, headers, policy, state,
			disabled_reason, secrets, created_at, updated_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
			ON CONFLICT (id) DO NOTHING`,
			e.ID, e.Tenant, Text(e.URL), Text(e.Description), encodeJSON(e.EventTypes), HeadersJSON(e.Headers), e.Policy.String(),
			string(e.State), Text(e.DisabledReason), encodeSecrets(e.Secrets), Micros(e.CreatedAt), Micros(e.UpdatedAt))
		if err != nil {
			return err
		}
		if n == 0 {
			return webhook.Errorf(webhook.Conflict, "endpoint_exists", "there is an endpoint %s already", e.ID)
		}
		stored, err = s.endpoint(ctx, tx, e.Tenant, e.ID)
		return err
	})
	if err != nil {
		return webhook.Endpoint{}, fmt.Errorf("create endpoint %s: %w", e.ID, err)
	}
	return stored, nil
}

// bumpTenant tells that the tenant's endpoints have changed, making the tenant if need be.
func (s *Store) bumpTenant(ctx context.Context, tx Querier, tenant string, now time.Time) error {
	_, err := tx.ExecContext(ctx, `INSERT INTO tenants (id, name, endpoints_version, created_at) VALUES ($1, '', 1, $2)
		ON CONFLICT (id) DO UPDATE SET endpoints_version = tenants.endpoints_version + 1`, tenant, Micros(now))
	return err
}

// Endpoint implements store.Endpoints.
func (s *Store) Endpoint(ctx context.Context, tenant, id string) (webhook.Endpoint, error) {
	e, err := s.endpoint(ctx, s.backend.Reader(), tenant, id)
	if err != nil {
		return e, fmt.Errorf("load endpoint %s: %w", id, err)
	}
	return e, nil
}

// AnyEndpoint implements store.Endpoints.
func (s *Store) AnyEndpoint(ctx context.Context, tenant, id string) (webhook.Endpoint, error) {
	e, err := s.anyEndpoint(ctx, s.backend.Reader(), tenant, id)
	if err != nil {
		return e, fmt.Errorf("load endpoint %s: %w", id, err)
	}
	return e, nil
}

func (s *Store) endpoint(ctx context.Context, q Querier, tenant, id string) (webhook.Endpoint, error) {
	e, err := s.anyEndpoint(ctx, q, tenant, id)
	if err == nil && e.State == webhook.EndpointDeleted {
		return webhook.Endpoint{}, notFound(sql.ErrNoRows, "endpoint")
	}
	return e, err
}

func (s *Store) anyEndpoint(ctx context.Context, q Querier, tenant, id string) (webhook.Endpoint, error) {
	e, err := scanEndpoint(q.QueryRowContext(ctx, `SELECT `+endpointColumns+` FROM endpoints p WHERE p.id = $1`, id).Scan)
	if err == nil && tenant != "" && e.Tenant != tenant {
		err = sql.ErrNoRows
	}
	if err != nil {
		return webhook.Endpoint{}, notFound(err, "endpoint")
	}
	return e, nil
}

// EndpointByKey implements store.Endpoints.
func (s *Store) EndpointByKey(ctx context.Context, key int64) (webhook.Endpoint, error) {
	e, err := scanEndpoint(s.backend.Reader().QueryRowContext(ctx, `SELECT `+endpointColumns+` FROM endpoints p WHERE p.key = $1`, key).Scan)
	if err != nil {
		return e, fmt.Errorf("load endpoint %d: %w", key, notFound(err, "endpoint"))
	}
	return e, nil
}

// UpdateEndpoint implements store.Endpoints. UpdatedAt is what change makes it; if change leaves
// it, the database's clock sets it.
func (s *Store) UpdateEndpoint(ctx context.Context, tenant, id string, change func(*webhook.Endpoint) error) (webhook.Endpoint, error) {
	e, err := s.changeEndpoint(ctx, tenant, id, change)
	if err != nil {
		return e, fmt.Errorf("update endpoint %s: %w", id, err)
	}
	return e, nil
}

// DeleteEndpoint implements store.Endpoints.
func (s *Store) DeleteEndpoint(ctx context.Context, tenant, id string, now time.Time) (webhook.Endpoint, error) {
	e, err := s.changeEndpoint(ctx, tenant, id, func(e *webhook.Endpoint) error {
		e.State, e.Secrets, e.Headers, e.UpdatedAt = webhook.EndpointDeleted, nil, nil, now
		return nil
	})
	if err != nil {
		return e, fmt.Errorf("delete endpoint %s: %w", id, err)
	}
	return e, nil
}

func (s *Store) changeEndpoint(ctx context.Context, tenant, id string, change func(*webhook.Endpoint) error) (webhook.Endpoint, error) {
	var stored webhook.Endpoint
	err := s.backend.Write(ctx, func(tx Querier) error {
		found, err := s.endpoint(ctx, tx, tenant, id)
		if err != nil {
			return err
		}
		// The tenant's row is the lock: all changes to a tenant's endpoints take it first.
		if err := s.bumpTenant(ctx, tx, found.Tenant, found.CreatedAt); err != nil {
			return err
		}
		e, err := s.endpoint(ctx, tx, tenant, id)
		if err != nil {
			return err
		}
		if err := change(&e); err != nil {
			return err
		}
		if err := s.writeEndpoint(ctx, tx, e, !e.UpdatedAt.Equal(found.UpdatedAt)); err != nil {
			return err
		}
		stored, err = scanEndpoint(tx.QueryRowContext(ctx, `SELECT `+endpointColumns+` FROM endpoints p WHERE p.key = $1`, found.Key).Scan)
		return err
	})
	if err != nil {
		return webhook.Endpoint{}, err
	}
	return stored, nil
}

func (s *Store) writeEndpoint(ctx context.Context, tx Querier, e webhook.Endpoint, stamped bool) error {
	updatedAt := s.dialect.Now
	args := []any{
		Text(e.URL), Text(e.Description), encodeJSON(e.EventTypes), HeadersJSON(e.Headers), e.Policy.String(),
		string(e.State), Text(e.DisabledReason), encodeSecrets(e.Secrets), e.Key,
	}
	if stamped {
		updatedAt = "$10"
		args = append(args, Micros(e.UpdatedAt))
	}
	_, err := tx.ExecContext(ctx, `UPDATE endpoints SET url = $1, description = $2, event_types = $3, headers = $4, policy = $5,
		state = $6, disabled_reason = $7, secrets = $8, updated_at = `+updatedAt+` WHERE key = $9`, args...)
	return err
}

// ListEndpoints implements store.Endpoints.
func (s *Store) ListEndpoints(ctx context.Context, q store.EndpointQuery) (store.Page[webhook.Endpoint], error) {
	page, err := listPage("endpoints", q.PageQuery, func(c *cursor.Cursor, limit int) ([]webhook.Endpoint, error) {
		query, args := endpointPage(q, c, limit)
		return readEndpoints(ctx, s.backend.Lister(), query, args)
	}, func(e webhook.Endpoint) cursor.Position { return cursor.Position{Key: e.Key} })
	if err != nil {
		return page, fmt.Errorf("list endpoints: %w", err)
	}
	return page, nil
}

func endpointPage(q store.EndpointQuery, c *cursor.Cursor, limit int) (string, []any) {
	sel := selection{from: "endpoints p"}
	sel.add(endpointAlive)
	if q.Tenant != "" {
		sel.add("p.tenant = ?", q.Tenant)
	}
	if q.State != "" {
		sel.add("p.state = ?", string(q.State))
	}
	return sel.page(endpointColumns, order{
		columns: []string{"p.key"},
		values:  func(p cursor.Position) []any { return []any{p.Key} },
	}, c, limit)
}

// TenantEndpoints implements store.Endpoints.
func (s *Store) TenantEndpoints(ctx context.Context, tenant string) (int64, []webhook.Endpoint, error) {
	var (
		version   int64
		endpoints []webhook.Endpoint
	)
	err := s.backend.Snapshot(ctx, func(q Querier) (err error) {
		versions, err := readKeys(ctx, q, `SELECT endpoints_version FROM tenants WHERE id = $1`, tenant)
		if err != nil || len(versions) == 0 {
			return err
		}
		version = versions[0]
		endpoints, err = readEndpoints(ctx, q, `SELECT `+endpointColumns+` FROM endpoints p
			WHERE p.tenant = $1 AND `+endpointAlive+` ORDER BY p.key`, []any{tenant})
		return err
	})
	if err != nil {
		return 0, nil, fmt.Errorf("load endpoints of tenant %s: %w", tenant, err)
	}
	return version, endpoints, nil
}

// EndpointsChanged implements store.Endpoints.
func (s *Store) EndpointsChanged(ctx context.Context, since time.Time) ([]int64, error) {
	keys, err := readKeys(ctx, s.backend.Reader(), `SELECT key FROM endpoints WHERE updated_at >= $1 ORDER BY updated_at, key`, Micros(since))
	if err != nil {
		return nil, fmt.Errorf("list changed endpoints: %w", err)
	}
	return keys, nil
}

// EndpointStats implements store.Endpoints. Its counts are of moments that follow each other.
func (s *Store) EndpointStats(ctx context.Context, key int64, since time.Time) (store.EndpointStats, error) {
	stats := store.EndpointStats{Deliveries: map[webhook.DeliveryState]int64{}, Attempts: map[webhook.Outcome]int64{}}
	q := s.backend.Lister()
	err := count(ctx, q, stats.Deliveries, `SELECT state, count(*) FROM deliveries WHERE endpoint_key = $1 GROUP BY state`, key)
	if err == nil {
		err = count(ctx, q, stats.Attempts, `SELECT outcome, count(*) FROM attempts WHERE endpoint_key = $1 AND started_at >= $2
			GROUP BY outcome`, key, Micros(since))
	}
	if err == nil {
		err = q.QueryRowContext(ctx, `SELECT coalesce(max(started_at), 0) FROM attempts WHERE endpoint_key = $1`, key).
			Scan(timeInto{&stats.LastAttemptAt})
	}
	if err != nil {
		return store.EndpointStats{}, fmt.Errorf("count deliveries of endpoint %d: %w", key, err)
	}
	return stats, nil
}

// count reads rows of a word and a number, and adds up those of one word.
func count[K ~string](ctx context.Context, q Querier, into map[K]int64, query string, args ...any) error {
	clear(into)
	return Read(ctx, q, query, args, func(rows *sql.Rows) error {
		var (
			word string
			n    int64
		)
		err := rows.Scan(&word, &n)
		into[K(word)] += n
		return err
	})
}
