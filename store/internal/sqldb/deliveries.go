package sqldb

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/postrider/postrider/store"
	"github.com/postrider/postrider/store/internal/cursor"
	"github.com/postrider/postrider/webhook"
)

const deliveryColumns = `d.event_uid, d.endpoint_key, e.tenant, e.id, e.type, p.id,
 d.state, d.waiting_for, d.wish, d.reason, d.attempts, d.reported, d.base, d.budget, d.policy_id,
 d.last_status, d.last_error_class, d.last_error, d.due_at, e.created_at, d.updated_at, d.completed_at`

// The conditions of partial indexes, written as the migrations have them: SQLite uses such an
// index only where the query says the same.
const (
	// deliveryToSend: the dispatcher has it to send.
	deliveryToSend = `d.waiting_for <> '' AND d.state <> 'held'`
	deliveryHeld   = `d.state = 'held'`
	// deliveryWithEngine: Temporal has its next attempt.
	deliveryWithEngine = `(d.state = 'pending' OR d.state = 'retrying') AND d.waiting_for = ''`
	// deliveryAside: off the straight way from accepted to delivered.
	deliveryAside = `d.state <> 'delivered' AND (d.state <> 'pending' OR d.waiting_for = '')`
)

// deliveryRow is a delivery whose policy is still to be looked up.
type deliveryRow struct {
	webhook.Delivery
	policyID int64
}

func deliveryInto(d *deliveryRow) []any {
	return []any{
		&d.EventUID, &d.EndpointKey, &d.Tenant, &d.EventID, &d.EventType, &d.EndpointID,
		&d.State, &d.WaitingFor, &d.Wish, &d.Reason, &d.Attempts, &d.Reported, &d.Base, &d.Budget, &d.policyID,
		&d.LastStatus, &d.LastErrorClass, &d.LastError,
		timeInto{&d.DueAt},
		timeInto{&d.CreatedAt},
		timeInto{&d.UpdatedAt},
		timeInto{&d.CompletedAt},
	}
}

// readDeliveries runs a query for delivery columns.
func (s *Store) readDeliveries(ctx context.Context, q Querier, query string, args ...any) ([]webhook.Delivery, error) {
	var found []deliveryRow
	err := Read(ctx, q, query, args, func(rows *sql.Rows) error {
		var d deliveryRow
		if err := rows.Scan(deliveryInto(&d)...); err != nil {
			return err
		}
		found = append(found, d)
		return nil
	})
	if err != nil {
		return nil, err
	}
	if err := s.fillPolicies(ctx, q, found); err != nil {
		return nil, err
	}
	deliveries := make([]webhook.Delivery, 0, len(found))
	for _, d := range found {
		deliveries = append(deliveries, d.Delivery)
	}
	return deliveries, nil
}

// eventDeliveries reads all deliveries of an event in the order of their endpoint keys.
func (s *Store) eventDeliveries(ctx context.Context, q Querier, uid int64) ([]webhook.Delivery, error) {
	return s.readDeliveries(ctx, q, `SELECT `+deliveryColumns+`
		FROM deliveries d CROSS JOIN events e CROSS JOIN endpoints p
		WHERE d.event_uid = $1 AND e.uid = d.event_uid AND p.key = d.endpoint_key ORDER BY d.endpoint_key`, uid)
}

// LoadDelivery implements store.Dispatch.
func (s *Store) LoadDelivery(ctx context.Context, uid, endpointKey int64) (webhook.Delivery, error) {
	found, err := s.readDeliveries(ctx, s.backend.Reader(), `SELECT `+deliveryColumns+`
		FROM deliveries d CROSS JOIN events e CROSS JOIN endpoints p
		WHERE d.event_uid = $1 AND d.endpoint_key = $2 AND e.uid = d.event_uid AND p.key = d.endpoint_key`, uid, endpointKey)
	if err == nil && len(found) == 0 {
		err = missing("delivery")
	}
	if err != nil {
		return webhook.Delivery{}, fmt.Errorf("load delivery of event %d to endpoint %d: %w", uid, endpointKey, err)
	}
	return found[0], nil
}

// LoadWork implements store.Dispatch.
func (s *Store) LoadWork(ctx context.Context, uid int64, withData bool) (store.Work, error) {
	var work store.Work
	err := s.backend.Snapshot(ctx, func(q Querier) error {
		work = store.Work{}
		err := q.QueryRowContext(ctx, `SELECT `+eventColumns+` FROM events e WHERE e.uid = $1`, uid).Scan(eventInto(&work.Event)...)
		if err != nil {
			return notFound(err, "event")
		}
		if work.Deliveries, err = s.eventDeliveries(ctx, q, uid); err != nil {
			return err
		}
		if withData {
			work.Event.Data, err = eventData(ctx, q, uid)
		}
		return err
	})
	if err != nil {
		return store.Work{}, fmt.Errorf("load event %d: %w", uid, err)
	}
	return work, nil
}

// ListDeliveries implements store.Events.
func (s *Store) ListDeliveries(ctx context.Context, q store.DeliveryQuery) (store.Page[webhook.Delivery], error) {
	page, err := listPage("deliveries", q.PageQuery, func(c *cursor.Cursor, limit int) ([]webhook.Delivery, error) {
		query, args := deliveryPage(q, c, limit)
		return s.readDeliveries(ctx, s.backend.Lister(), query, args...)
	}, func(d webhook.Delivery) cursor.Position {
		return cursor.Position{Time: Micros(d.CreatedAt), Key: d.EventUID, Sub: d.EndpointKey}
	})
	if err != nil {
		return page, fmt.Errorf("list deliveries: %w", err)
	}
	return page, nil
}

// deliveryPage chooses the index by what is asked for.
func deliveryPage(q store.DeliveryQuery, c *cursor.Cursor, limit int) (string, []any) {
	sel := selection{from: "deliveries d CROSS JOIN events e CROSS JOIN endpoints p"}
	by := order{
		columns:    []string{"d.event_uid", "d.endpoint_key"},
		values:     func(p cursor.Position) []any { return []any{p.Key, p.Sub} },
		descending: true,
	}
	aside := q.State != "" && q.State != webhook.DeliveryDelivered && q.State != webhook.DeliveryPending
	switch {
	case q.EventUID != 0:
		by.columns, by.descending = []string{"d.endpoint_key"}, false
		by.values = func(p cursor.Position) []any { return []any{p.Sub} }
		sel.add("d.event_uid = ?", q.EventUID)
		if q.EndpointKey != 0 {
			sel.add("d.endpoint_key = ?", q.EndpointKey)
		}
	case q.EndpointKey != 0:
		by.columns = []string{"d.event_uid"}
		by.values = func(p cursor.Position) []any { return []any{p.Key} }
		sel.add("d.endpoint_key = ?", q.EndpointKey)
		if aside {
			sel.add(deliveryAside)
		}
	case aside:
		sel.add(deliveryAside)
	default:
		sel.from = "events e CROSS JOIN deliveries d CROSS JOIN endpoints p"
		by.columns = []string{"e.created_at", "e.uid", "d.endpoint_key"}
		by.values = func(p cursor.Position) []any { return []any{p.Time, p.Key, p.Sub} }
	}
	sel.add("e.uid = d.event_uid AND p.key = d.endpoint_key")
	if q.Tenant != "" {
		sel.add("e.tenant = ?", q.Tenant)
	}
	if q.State != "" {
		sel.add("d.state = ?", string(q.State))
	}
	sel.within("e.created_at", q.CreatedAt)
	return sel.page(deliveryColumns, by, c, limit)
}
