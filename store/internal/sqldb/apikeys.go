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

const apiKeyColumns = `k.key, k.id, k.tenant, k.name, k.prefix, k.hash, k.created_at, k.last_used_at, k.revoked_at`

// apiKeyRow is an API key with its row key, which orders keys made together.
type apiKeyRow struct {
	webhook.APIKey
	key int64
}

func apiKeyInto(k *apiKeyRow) []any {
	return []any{
		&k.key, &k.ID, &k.Tenant, &k.Name, &k.Prefix,
		hashInto{&k.Hash},
		timeInto{&k.CreatedAt},
		timeInto{&k.LastUsedAt},
		timeInto{&k.RevokedAt},
	}
}

// CreateAPIKey implements store.Catalogue.
func (s *Store) CreateAPIKey(ctx context.Context, k webhook.APIKey) error {
	err := s.backend.Write(ctx, func(tx Querier) error {
		n, err := affected(ctx, tx, `INSERT INTO api_keys (id, tenant, name, prefix, hash, created_at, last_used_at, revoked_at)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT DO NOTHING`,
			k.ID, k.Tenant, Text(k.Name), k.Prefix, k.Hash[:], Micros(k.CreatedAt), Micros(k.LastUsedAt), Micros(k.RevokedAt))
		if err == nil && n == 0 {
			return webhook.Errorf(webhook.Conflict, "key_exists", "this key is there already")
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("create API key %s: %w", k.ID, err)
	}
	return nil
}

// APIKeyByHash implements store.Catalogue.
func (s *Store) APIKeyByHash(ctx context.Context, hash [32]byte) (webhook.APIKey, error) {
	var k apiKeyRow
	err := s.backend.Reader().QueryRowContext(ctx, `SELECT `+apiKeyColumns+` FROM api_keys k WHERE k.hash = $1 AND k.revoked_at = 0`, hash[:]).
		Scan(apiKeyInto(&k)...)
	if err != nil {
		return webhook.APIKey{}, fmt.Errorf("load API key: %w", notFound(err, "API key"))
	}
	return k.APIKey, nil
}

// ListAPIKeys implements store.Catalogue.
func (s *Store) ListAPIKeys(ctx context.Context, tenant string, q store.PageQuery) (store.Page[webhook.APIKey], error) {
	found, err := listPage("api_keys", q, func(c *cursor.Cursor, limit int) ([]apiKeyRow, error) {
		query, args := apiKeyPage(tenant, c, limit)
		var keys []apiKeyRow
		err := Read(ctx, s.backend.Lister(), query, args, func(rows *sql.Rows) error {
			var k apiKeyRow
			err := rows.Scan(apiKeyInto(&k)...)
			keys = append(keys, k)
			return err
		})
		return keys, err
	}, func(k apiKeyRow) cursor.Position { return cursor.Position{Key: k.key} })
	if err != nil {
		return store.Page[webhook.APIKey]{}, fmt.Errorf("list API keys: %w", err)
	}
	page := store.Page[webhook.APIKey]{NextCursor: found.NextCursor, PrevCursor: found.PrevCursor}
	for _, k := range found.Data {
		page.Data = append(page.Data, k.APIKey)
	}
	return page, nil
}

func apiKeyPage(tenant string, c *cursor.Cursor, limit int) (string, []any) {
	sel := selection{from: "api_keys k"}
	if tenant != "" {
		sel.add("k.tenant = ?", tenant)
	}
	return sel.page(apiKeyColumns, order{
		columns:    []string{"k.key"},
		values:     func(p cursor.Position) []any { return []any{p.Key} },
		descending: true,
	}, c, limit)
}

// APIKeyUsed implements store.Catalogue.
func (s *Store) APIKeyUsed(ctx context.Context, id string, at time.Time) error {
	err := s.backend.Write(ctx, func(tx Querier) error {
		_, err := tx.ExecContext(ctx, `UPDATE api_keys SET last_used_at = $1 WHERE id = $2 AND last_used_at < $1`, Micros(at), id)
		return err
	})
	if err != nil {
		return fmt.Errorf("note the use of API key %s: %w", id, err)
	}
	return nil
}

// RevokeAPIKey implements store.Catalogue. A key that was revoked stays revoked as of then.
func (s *Store) RevokeAPIKey(ctx context.Context, tenant, id string, now time.Time) error {
	err := s.backend.Write(ctx, func(tx Querier) error {
		n, err := affected(ctx, tx, `UPDATE api_keys SET revoked_at = CASE WHEN revoked_at = 0 THEN $1 ELSE revoked_at END
			WHERE id = $2 AND (tenant = $3 OR $3 = '')`, Micros(now), id, tenant)
		if err == nil && n == 0 {
			return missing("API key")
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("revoke API key %s: %w", id, err)
	}
	return nil
}
