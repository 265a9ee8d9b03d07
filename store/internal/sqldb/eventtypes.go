package sqldb

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/postrider/postrider/store"
	"github.com/postrider/postrider/store/internal/cursor"
	"github.com/postrider/postrider/webhook"
)

const eventTypeColumns = `t.tenant, t.name, t.description, t.created_at, t.updated_at`

func eventTypeInto(t *webhook.EventType) []any {
	return []any{&t.Tenant, &t.Name, &t.Description, timeInto{&t.CreatedAt}, timeInto{&t.UpdatedAt}}
}

// PutEventType implements store.Catalogue.
func (s *Store) PutEventType(ctx context.Context, t webhook.EventType) (webhook.EventType, bool, error) {
	var (
		stored  webhook.EventType
		created bool
	)
	err := s.backend.Write(ctx, func(tx Querier) error {
		n, err := affected(ctx, tx, `INSERT INTO event_types (tenant, name, description, created_at, updated_at)
			VALUES ($1, $2, $3, $4, $5) ON CONFLICT (tenant, name) DO NOTHING`,
			t.Tenant, t.Name, Text(t.Description), Micros(t.CreatedAt), Micros(t.UpdatedAt))
		if err != nil {
			return err
		}
		if created = n == 1; !created {
			_, err := tx.ExecContext(ctx, `UPDATE event_types SET description = $1, updated_at = $2 WHERE tenant = $3 AND name = $4`,
				Text(t.Description), Micros(t.UpdatedAt), t.Tenant, t.Name)
			if err != nil {
				return err
			}
		}
		stored, err = eventType(ctx, tx, t.Tenant, t.Name)
		return err
	})
	if err != nil {
		return webhook.EventType{}, false, fmt.Errorf("put event type %s: %w", t.Name, err)
	}
	return stored, created, nil
}

// EventType implements store.Catalogue.
func (s *Store) EventType(ctx context.Context, tenant, name string) (webhook.EventType, error) {
	t, err := eventType(ctx, s.backend.Reader(), tenant, name)
	if err != nil {
		return t, fmt.Errorf("load event type %s: %w", name, err)
	}
	return t, nil
}

func eventType(ctx context.Context, q Querier, tenant, name string) (webhook.EventType, error) {
	var t webhook.EventType
	err := q.QueryRowContext(ctx, `SELECT `+eventTypeColumns+` FROM event_types t WHERE t.tenant = $1 AND t.name = $2`, tenant, name).
		Scan(eventTypeInto(&t)...)
	if err != nil {
		return webhook.EventType{}, notFound(err, "event type")
	}
	return t, nil
}

// ListEventTypes implements store.Catalogue.
func (s *Store) ListEventTypes(ctx context.Context, tenant string, q store.PageQuery) (store.Page[webhook.EventType], error) {
	page, err := listPage("event_types", q, func(c *cursor.Cursor, limit int) ([]webhook.EventType, error) {
		query, args := eventTypePage(tenant, c, limit)
		var found []webhook.EventType
		err := Read(ctx, s.backend.Lister(), query, args, func(rows *sql.Rows) error {
			var t webhook.EventType
			err := rows.Scan(eventTypeInto(&t)...)
			found = append(found, t)
			return err
		})
		return found, err
	}, func(t webhook.EventType) cursor.Position { return cursor.Position{Name: t.Name} })
	if err != nil {
		return page, fmt.Errorf("list event types: %w", err)
	}
	return page, nil
}

func eventTypePage(tenant string, c *cursor.Cursor, limit int) (string, []any) {
	sel := selection{from: "event_types t"}
	sel.add("t.tenant = ?", tenant)
	return sel.page(eventTypeColumns, order{columns: []string{"t.name"}, values: byName}, c, limit)
}

// DeleteEventType implements store.Catalogue.
func (s *Store) DeleteEventType(ctx context.Context, tenant, name string) error {
	err := s.backend.Write(ctx, func(tx Querier) error {
		n, err := affected(ctx, tx, `DELETE FROM event_types WHERE tenant = $1 AND name = $2`, tenant, name)
		if err == nil && n == 0 {
			return missing("event type")
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("delete event type %s: %w", name, err)
	}
	return nil
}
