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

const attemptColumns = `a.key, a.id, a.event_uid, a.endpoint_key, e.tenant, e.id, e.type, p.id,
 a.number, a.outcome, a.status, a.error_class, a.error, a.started_at, a.duration`

// attemptRow is an attempt with its row key, which orders attempts that started together.
type attemptRow struct {
	webhook.Attempt
	key int64
}

// ListAttempts implements store.Events.
func (s *Store) ListAttempts(ctx context.Context, q store.AttemptQuery) (store.Page[webhook.Attempt], error) {
	found, err := listPage("attempts", q.PageQuery, func(c *cursor.Cursor, limit int) ([]attemptRow, error) {
		query, args := attemptPage(q, c, limit)
		var attempts []attemptRow
		err := Read(ctx, s.backend.Lister(), query, args, func(rows *sql.Rows) error {
			a, err := scanAttempt(rows, q.WithBodies)
			attempts = append(attempts, a)
			return err
		})
		return attempts, err
	}, func(a attemptRow) cursor.Position {
		return cursor.Position{Time: Micros(a.StartedAt), Key: a.key}
	})
	if err != nil {
		return store.Page[webhook.Attempt]{}, fmt.Errorf("list attempts: %w", err)
	}
	page := store.Page[webhook.Attempt]{NextCursor: found.NextCursor, PrevCursor: found.PrevCursor}
	for _, a := range found.Data {
		page.Data = append(page.Data, a.Attempt)
	}
	return page, nil
}

func scanAttempt(rows *sql.Rows, withBodies bool) (attemptRow, error) {
	var a attemptRow
	var duration int64
	into := []any{
		&a.key, &a.ID, &a.EventUID, &a.EndpointKey, &a.Tenant, &a.EventID, &a.EventType, &a.EndpointID,
		&a.Number, &a.Outcome, &a.Status, &a.ErrorClass, &a.Error,
		timeInto{&a.StartedAt},
		&duration,
	}
	if withBodies {
		into = append(into, jsonInto{&a.RequestHeaders}, jsonInto{&a.ResponseHeaders}, &a.ResponseBody)
	}
	if err := rows.Scan(into...); err != nil {
		return attemptRow{}, err
	}
	a.Duration = time.Duration(duration) * time.Microsecond
	return a, nil
}

// attemptPage chooses the index by what is asked for.
func attemptPage(q store.AttemptQuery, c *cursor.Cursor, limit int) (string, []any) {
	sel := selection{from: "attempts a CROSS JOIN events e CROSS JOIN endpoints p"}
	switch {
	case q.EventUID != 0:
		sel.add("a.event_uid = ?", q.EventUID)
		if q.EndpointKey != 0 {
			sel.add("a.endpoint_key = ?", q.EndpointKey)
		}
	case q.EndpointKey != 0:
		sel.add("a.endpoint_key = ?", q.EndpointKey)
	}
	switch {
	case q.Tenant == "":
	case q.EventUID != 0 || q.EndpointKey != 0: // leave the index by tenant alone
		sel.add("e.tenant = ?", q.Tenant)
	default:
		sel.add("a.tenant = ?", q.Tenant)
	}
	sel.add("e.uid = a.event_uid AND p.key = a.endpoint_key")
	if q.Outcome != "" {
		sel.add("a.outcome = ?", string(q.Outcome))
	}
	sel.within("a.started_at", q.StartedAt)
	columns := attemptColumns
	if q.WithBodies {
		columns += ", a.request_headers, a.response_headers, a.response_body"
	}
	return sel.page(columns, order{
		columns:    []string{"a.started_at", "a.key"},
		values:     func(p cursor.Position) []any { return []any{p.Time, p.Key} },
		descending: true,
	}, c, limit)
}
