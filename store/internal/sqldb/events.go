package sqldb

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/postrider/postrider/store"
	"github.com/postrider/postrider/store/internal/cursor"
	"github.com/postrider/postrider/webhook"
)

const eventColumns = `e.uid, e.tenant, e.id, e.type, e.size, e.fingerprint, e.traceparent, e.generation, e.state, e.created_at, e.completed_at`

// eventTrouble is the condition of the partial index events_by_trouble: most events
// are in none of its states.
const eventTrouble = `e.state <> 'accepted' AND e.state <> 'delivered' AND e.state <> 'unrouted'`

// eventInto is where the columns of an event go.
func eventInto(e *webhook.Event) []any {
	return []any{
		&e.UID, &e.Tenant, &e.ID, &e.Type, &e.Size,
		hashInto{(*[32]byte)(&e.Fingerprint)},
		&e.TraceParent,
		&e.Generation, &e.State,
		timeInto{&e.CreatedAt},
		timeInto{&e.CompletedAt},
	}
}

// Event implements store.Events.
func (s *Store) Event(ctx context.Context, tenant, id string) (webhook.Event, error) {
	return s.event(ctx, s.backend.Reader(), tenant, id, "")
}

func (s *Store) event(ctx context.Context, q Querier, tenant, id, lock string) (webhook.Event, error) {
	var e webhook.Event
	err := q.QueryRowContext(ctx, `SELECT `+eventColumns+` FROM events e WHERE e.tenant = $1 AND e.id = $2`+lock, tenant, id).
		Scan(eventInto(&e)...)
	if err != nil {
		return webhook.Event{}, fmt.Errorf("load event %s: %w", id, notFound(err, "event"))
	}
	return e, nil
}

// EventData implements store.Events.
func (s *Store) EventData(ctx context.Context, uid int64) ([]byte, error) {
	return eventData(ctx, s.backend.Reader(), uid)
}

func eventData(ctx context.Context, q Querier, uid int64) ([]byte, error) {
	var data []byte
	if err := q.QueryRowContext(ctx, `SELECT data FROM bodies WHERE event_uid = $1`, uid).Scan(&data); err != nil {
		return nil, fmt.Errorf("load data of event %d: %w", uid, notFound(err, "event data"))
	}
	return data, nil
}

// ListEvents implements store.Events.
func (s *Store) ListEvents(ctx context.Context, q store.EventQuery) (store.Page[webhook.Event], error) {
	page, err := listPage("events", q.PageQuery, func(c *cursor.Cursor, limit int) ([]webhook.Event, error) {
		query, args := eventPage(q, c, limit)
		var events []webhook.Event
		err := Read(ctx, s.backend.Lister(), query, args, func(rows *sql.Rows) error {
			var e webhook.Event
			if err := rows.Scan(eventInto(&e)...); err != nil {
				return err
			}
			events = append(events, e)
			return nil
		})
		return events, err
	}, func(e webhook.Event) cursor.Position {
		return cursor.Position{Time: Micros(e.CreatedAt), Key: e.UID}
	})
	if err != nil {
		return page, fmt.Errorf("list events: %w", err)
	}
	return page, nil
}

// eventPage chooses the index by what is asked for.
func eventPage(q store.EventQuery, c *cursor.Cursor, limit int) (string, []any) {
	sel := selection{from: "events e"}
	by := order{
		columns:    []string{"e.created_at", "e.uid"},
		values:     func(p cursor.Position) []any { return []any{p.Time, p.Key} },
		descending: true,
	}
	if q.EndpointKey != 0 {
		sel.from = "deliveries d CROSS JOIN events e"
		sel.add("d.endpoint_key = ?", q.EndpointKey)
		sel.add("e.uid = d.event_uid")
		by.columns = []string{"d.event_uid"}
		by.values = func(p cursor.Position) []any { return []any{p.Key} }
	}
	if q.Tenant != "" {
		sel.add("e.tenant = ?", q.Tenant)
	}
	if q.Type != "" {
		sel.add("e.type = ?", q.Type)
	}
	if q.State != "" {
		sel.add("e.state = ?", string(q.State))
		if troubled(q.State) {
			sel.add(eventTrouble)
		}
	}
	sel.within("e.created_at", q.CreatedAt)
	return sel.page(eventColumns, by, c, limit)
}

// troubled reports whether eventTrouble holds for the state.
func troubled(state webhook.EventState) bool {
	return state != webhook.EventAccepted && state != webhook.EventDelivered && state != webhook.EventUnrouted
}
