package sqldb

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"time"

	"github.com/postrider/postrider/store"
	"github.com/postrider/postrider/webhook"
)

// WaitingEndpoints implements store.Dispatch. It steps from endpoint to endpoint over the index,
// so that a million rows of one endpoint cost no more than one.
func (s *Store) WaitingEndpoints(ctx context.Context, owner int64) ([]int64, error) {
	keys, err := readKeys(ctx, s.backend.Reader(), `WITH RECURSIVE step (key) AS (
		SELECT min(d.endpoint_key) FROM deliveries d WHERE d.owner = $1 AND `+deliveryToSend+`
		UNION ALL
		SELECT (SELECT min(d.endpoint_key) FROM deliveries d
			WHERE d.owner = $1 AND `+deliveryToSend+` AND d.endpoint_key > step.key)
		FROM step WHERE step.key IS NOT NULL)
		SELECT key FROM step WHERE key IS NOT NULL`, owner)
	if err != nil {
		return nil, fmt.Errorf("list waiting endpoints: %w", err)
	}
	return keys, nil
}

// Waiting implements store.Dispatch.
func (s *Store) Waiting(ctx context.Context, owner, endpointKey, after int64, limit int) ([]store.WaitingRow, error) {
	var found []deliveryRow
	var waiting []store.WaitingRow
	q := s.backend.Reader()
	err := Read(ctx, q, `SELECT `+deliveryColumns+`, `+eventColumns+`,
		coalesce((SELECT o.seq FROM outbox o WHERE o.seq = e.uid AND o.kind = 'start'), 0)
		FROM deliveries d CROSS JOIN events e CROSS JOIN endpoints p
		WHERE d.owner = $1 AND d.endpoint_key = $2 AND d.event_uid > $3 AND `+deliveryToSend+`
		AND e.uid = d.event_uid AND p.key = d.endpoint_key
		ORDER BY d.event_uid LIMIT $4`, []any{owner, endpointKey, after, limit},
		func(rows *sql.Rows) error {
			var d deliveryRow
			var w store.WaitingRow
			err := rows.Scan(append(append(deliveryInto(&d), eventInto(&w.Event)...), &w.StartSeq)...)
			found, waiting = append(found, d), append(waiting, w)
			return err
		})
	if err == nil {
		err = s.fillPolicies(ctx, q, found)
	}
	if err != nil {
		return nil, fmt.Errorf("list waiting deliveries of endpoint %d: %w", endpointKey, err)
	}
	for i := range found {
		waiting[i].Delivery = found[i].Delivery
	}
	return waiting, nil
}

// backlogSample is how many waiting events tell the mean size of all.
const backlogSample = 1000

// Backlog implements store.Dispatch.
func (s *Store) Backlog(ctx context.Context, owner int64) (store.Backlog, error) {
	b := store.Backlog{Waiting: map[string]int64{}}
	err := count(ctx, s.backend.Reader(), b.Waiting, `SELECT (SELECT p.tenant FROM endpoints p WHERE p.key = d.endpoint_key), count(*)
		FROM deliveries d WHERE d.owner = $1 AND `+deliveryToSend+` GROUP BY d.endpoint_key`, owner)
	if err != nil {
		return store.Backlog{}, fmt.Errorf("count what waits: %w", err)
	}
	var mean float64
	err = s.backend.Reader().QueryRowContext(ctx, `SELECT
		(SELECT count(*) FROM deliveries d WHERE d.owner = $1 AND d.state = 'held'),
		(SELECT count(*) FROM outbox o WHERE o.owner = $1),
		(SELECT coalesce(avg(w.size), 0) FROM (SELECT e.size FROM deliveries d CROSS JOIN events e
			WHERE d.owner = $1 AND `+deliveryToSend+` AND e.uid = d.event_uid LIMIT $2) w)`, owner, backlogSample).
		Scan(&b.Held, &b.Outbox, &mean)
	if err != nil {
		return store.Backlog{}, fmt.Errorf("count backlog: %w", err)
	}
	b.Bytes = int64(mean * float64(b.AllWaiting()))
	return b, nil
}

// Release implements store.Dispatch.
func (s *Store) Release(ctx context.Context, endpointKey int64, why []webhook.WaitingFor, owner int64, limit int, now time.Time) (int, error) {
	marks := make([]string, len(why))
	args := []any{endpointKey}
	for i, w := range why {
		args = append(args, string(w))
		marks[i] = fmt.Sprintf("$%d", i+2)
	}
	if len(why) == 0 || limit <= 0 {
		return 0, nil
	}
	held := `d.endpoint_key = $1 AND d.state = 'held' AND d.waiting_for IN (` + strings.Join(marks, ", ") + `)`
	return s.changeMany(ctx, "release held deliveries", held, args, "d.event_uid", limit, func(tx Querier, rows []manyRow) error {
		return s.updateEach(ctx, tx, rows, `state = CASE WHEN attempts = 0 THEN 'pending' ELSE 'retrying' END,
			waiting_for = 'turn', reason = '', held_since = 0, due_at = $3, updated_at = $3, owner = $4`, Micros(now), owner)
	})
}

// ExpireHeld implements store.Retention.
func (s *Store) ExpireHeld(ctx context.Context, before, now time.Time, limit int) (int, error) {
	held := `d.state = 'held' AND d.held_since < $1`
	return s.changeMany(ctx, "expire held deliveries", held, []any{Micros(before)}, "d.held_since", limit, func(tx Querier, rows []manyRow) error {
		err := s.updateEach(ctx, tx, rows, `state = 'expired', waiting_for = '', wish = '', reason = $3,
			held_since = 0, due_at = 0, updated_at = $4, completed_at = $4`, webhook.ReasonHeldTooLong, Micros(now))
		if err != nil {
			return err
		}
		return s.nudge(ctx, tx, rows, 0, webhook.WishNone, now)
	})
}
