package postgres

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"

	"github.com/postrider/postrider/store"
	"github.com/postrider/postrider/store/internal/sqldb"
	"github.com/postrider/postrider/webhook"
)

const (
	updateDeliveries = `UPDATE deliveries d SET state = u.state, waiting_for = u.waiting_for, reason = u.reason,
		attempts = u.attempts, reported = u.reported, base = u.base, budget = u.budget,
		last_status = u.last_status, last_error_class = u.last_error_class, last_error = u.last_error,
		due_at = u.due_at, updated_at = u.updated_at, completed_at = u.completed_at,
		held_since = CASE WHEN u.state <> 'held' THEN 0 WHEN d.held_since = 0 THEN u.updated_at ELSE d.held_since END,
		wish = CASE WHEN d.wish = 'cancel' AND u.completed_at = 0 THEN d.wish ELSE coalesce(u.wish, d.wish) END, owner = CASE u.owner WHEN 0 THEN d.owner ELSE u.owner END
		FROM unnest($1::bigint[], $2::bigint[], $3::text[], $4::text[], $5::text[], $6::bigint[], $7::bigint[], $8::bigint[],
			$9::bigint[], $10::bigint[], $11::text[], $12::text[], $13::bigint[], $14::bigint[], $15::bigint[], $16::text[], $17::bigint[])
		AS u (event_uid, endpoint_key, state, waiting_for, reason, attempts, reported, base, budget, last_status,
			last_error_class, last_error, due_at, updated_at, completed_at, wish, owner)
		WHERE d.event_uid = u.event_uid AND d.endpoint_key = u.endpoint_key`
	insertAttempts = `INSERT INTO attempts (id, event_uid, endpoint_key, tenant, number, outcome, status, error_class, error,
		started_at, duration, request_headers, response_headers, response_body)
		SELECT * FROM unnest($1::text[], $2::bigint[], $3::bigint[], $4::text[], $5::bigint[], $6::text[], $7::bigint[], $8::text[],
			$9::text[], $10::bigint[], $11::bigint[], $12::text[], $13::text[], $14::bytea[])`
)

// writeRows writes the rows that have changed, each once.
func writeRows(ctx context.Context, tx *sql.Tx, rows map[rowKey]*rowState) error {
	var (
		uid, key, attempts, reported, base, budget, status, dueAt, updatedAt, completedAt, owner []int64
		state, waitingFor, reason, class, text                                                   []string
		wish                                                                                     []*string
	)
	for k, row := range rows {
		if row.write == nil {
			continue
		}
		d := &row.write.Delivery
		uid, key, owner = append(uid, k.uid), append(key, k.endpoint), append(owner, row.newOwner)
		state, waitingFor, reason = append(state, string(d.State)), append(waitingFor, sqldb.WaitingFor(d)), append(reason, d.Reason)
		attempts, reported = append(attempts, int64(d.Attempts)), append(reported, int64(d.Reported))
		base, budget = append(base, int64(d.Base)), append(budget, int64(d.Budget))
		status, class = append(status, int64(d.LastStatus)), append(class, string(d.LastErrorClass))
		text = append(text, sqldb.Text(d.LastError))
		dueAt, updatedAt = append(dueAt, sqldb.Micros(d.DueAt)), append(updatedAt, sqldb.Micros(d.UpdatedAt))
		completedAt = append(completedAt, sqldb.Micros(d.CompletedAt))
		wish = append(wish, (*string)(row.wish))
	}
	if len(uid) == 0 {
		return nil
	}
	_, err := tx.ExecContext(ctx, updateDeliveries, uid, key, state, waitingFor, reason, attempts, reported, base, budget,
		status, class, text, dueAt, updatedAt, completedAt, wish, owner)
	if err != nil {
		return fmt.Errorf("update deliveries: %w", err)
	}
	return nil
}

// attempt is an attempt with the change that it is part of.
type attempt struct {
	change *store.Change
	*webhook.Attempt
}

func writeAttempts(ctx context.Context, tx *sql.Tx, attempts []attempt) error {
	if len(attempts) == 0 {
		return nil
	}
	var (
		uid, key, number, status, startedAt, duration []int64
		id, tenant, outcome, class, text              []string
		request, response                             []*string
		body                                          [][]byte
	)
	for _, a := range attempts {
		d := &a.change.Delivery
		uid, key, number = append(uid, d.EventUID), append(key, d.EndpointKey), append(number, int64(a.Number))
		id, tenant, outcome = append(id, a.ID), append(tenant, cmp.Or(a.Tenant, d.Tenant)), append(outcome, string(a.Outcome))
		status, class, text = append(status, int64(a.Status)), append(class, string(a.ErrorClass)), append(text, sqldb.Text(a.Error))
		startedAt, duration = append(startedAt, sqldb.Micros(a.StartedAt)), append(duration, a.Duration.Microseconds())
		request, response = append(request, headers(a.RequestHeaders)), append(response, headers(a.ResponseHeaders))
		if len(a.ResponseBody) == 0 {
			body = append(body, nil)
		} else {
			body = append(body, a.ResponseBody)
		}
	}
	_, err := tx.ExecContext(ctx, insertAttempts, id, uid, key, tenant, number, outcome, status, class, text,
		startedAt, duration, request, response, body)
	if err != nil {
		return fmt.Errorf("insert attempts: %w", err)
	}
	return nil
}

// headers is their JSON, or nil if there are none.
func headers(h map[string]string) *string {
	text, ok := sqldb.HeadersJSON(h).(string)
	if !ok {
		return nil
	}
	return &text
}
