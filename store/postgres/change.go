package postgres

import (
	"context"
	"database/sql"
	"fmt"
	"slices"

	"github.com/postrider/postrider/store"
	"github.com/postrider/postrider/store/internal/sqldb"
	"github.com/postrider/postrider/webhook"
)

const (
	lockEvents = `SELECT uid, endpoint_count FROM events WHERE uid = ANY($1) ORDER BY uid FOR UPDATE`
	selectRows = `SELECT d.event_uid, d.endpoint_key, d.state, d.attempts, ` + sqldb.ToSend + `, d.owner
		FROM unnest($1::bigint[], $2::bigint[]) AS k (event_uid, endpoint_key)
		JOIN deliveries d ON d.event_uid = k.event_uid AND d.endpoint_key = k.endpoint_key`
	updateStarts = `UPDATE outbox SET class = 1 WHERE seq = ANY($1) AND kind = 'start' AND class = 2`
	updateEvents = `UPDATE events e SET state = u.state, completed_at = u.completed_at
		FROM unnest($1::bigint[], $2::text[], $3::bigint[]) AS u (uid, state, completed_at) WHERE e.uid = u.uid`
	deleteOutbox = `DELETE FROM outbox WHERE seq = ANY($1)`
)

// changeOp is one call of Apply or OutboxDone.
type changeOp struct {
	changes []store.Change
	results []error // one for each change
	done    []int64
	ticket
}

// Apply implements store.Dispatch.
func (db *DB) Apply(ctx context.Context, changes []store.Change) []error {
	o := &changeOp{changes: changes, ticket: newTicket(ctx)}
	if len(changes) == 0 {
		return nil
	}
	if err := db.changes.do(o); err != nil {
		results := make([]error, len(changes))
		for i := range results {
			results[i] = fmt.Errorf("apply changes: %w", err)
		}
		return results
	}
	return o.results
}

// OutboxDone implements store.Dispatch.
func (db *DB) OutboxDone(ctx context.Context, seqs []int64) error {
	if len(seqs) == 0 {
		return nil
	}
	if err := db.changes.do(&changeOp{done: seqs, ticket: newTicket(ctx)}); err != nil {
		return fmt.Errorf("clear outbox: %w", err)
	}
	return nil
}

// rowKey names a delivery.
type rowKey struct{ uid, endpoint int64 }

// rowState is a delivery's row as the transaction finds it and as its changes leave it.
type rowState struct {
	state    webhook.DeliveryState
	attempts int
	toSend   bool // it waits to be sent by its owner
	owner    int64
	write    *store.Change // the last one written; nil if none
	wish     *webhook.Wish // what the changes say about it; nil: it stays
	newOwner int64
}

// changeAll writes the changes of all ops, in their order.
func (db *DB) changeAll(ctx context.Context, tx *sql.Tx, batch []*changeOp) error {
	counts, rows, err := readRows(ctx, tx, batch)
	if err != nil {
		return err
	}
	var (
		attempts []attempt
		failed   []int64
		nudges   []sqldb.OutboxEntry
		done     []int64
	)
	for _, o := range batch {
		done = append(done, o.done...)
		o.results = make([]error, len(o.changes))
		for i := range o.changes {
			c := &o.changes[i]
			row := rows[rowKey{c.Delivery.EventUID, c.Delivery.EndpointKey}]
			if row == nil {
				o.results[i] = webhook.Errorf(webhook.NotFound, "", "there is no such delivery")
				continue
			}
			if o.results[i] = sqldb.Changed(c, row.state, row.attempts, row.toSend, row.owner); o.results[i] != nil {
				continue
			}
			row.change(c)
			for j := range c.Attempts {
				attempts = append(attempts, attempt{c, &c.Attempts[j]})
			}
			if c.Failed {
				failed = append(failed, c.Delivery.EventUID)
			}
			if c.Nudge {
				entry, err := db.NudgeEntry(ctx, tx, c, row.owner)
				if err != nil {
					return err
				}
				nudges = append(nudges, entry)
			}
		}
	}
	if err := writeRows(ctx, tx, rows); err != nil {
		return err
	}
	if err := writeAttempts(ctx, tx, attempts); err != nil {
		return err
	}
	if err := db.refresh(ctx, tx, rows, counts); err != nil {
		return err
	}
	if err := moveAndDelete(ctx, tx, failed, done); err != nil {
		return err
	}
	if len(nudges) == 0 {
		return nil
	}
	return db.PutOutbox(ctx, tx, nudges)
}

// change notes a change that is to be written.
func (r *rowState) change(c *store.Change) {
	r.state, r.attempts, r.write = c.Delivery.State, c.Delivery.Attempts, c
	r.toSend = sqldb.WaitingFor(&c.Delivery) != "" && r.state != webhook.DeliveryHeld
	if c.ClearWish {
		r.wish = &c.Delivery.Wish
	}
	if c.Owner != 0 {
		r.newOwner, r.owner = c.Owner, c.Owner
	}
}

// readRows locks the events of a batch and reads how many endpoints each has, and the rows to change.
func readRows(ctx context.Context, tx *sql.Tx, batch []*changeOp) (map[int64]int64, map[rowKey]*rowState, error) {
	var uids, endpoints []int64
	for _, o := range batch {
		for i := range o.changes {
			uids = append(uids, o.changes[i].Delivery.EventUID)
			endpoints = append(endpoints, o.changes[i].Delivery.EndpointKey)
		}
	}
	if len(uids) == 0 {
		return nil, nil, nil
	}
	counts := map[int64]int64{}
	err := sqldb.Read(ctx, tx, lockEvents, []any{uids}, func(rows *sql.Rows) error {
		var uid, count int64
		err := rows.Scan(&uid, &count)
		counts[uid] = count
		return err
	})
	if err != nil {
		return nil, nil, fmt.Errorf("lock events: %w", err)
	}
	found := make(map[rowKey]*rowState, len(uids))
	err = sqldb.Read(ctx, tx, selectRows, []any{uids, endpoints}, func(rows *sql.Rows) error {
		var key rowKey
		var row rowState
		err := rows.Scan(&key.uid, &key.endpoint, &row.state, &row.attempts, &row.toSend, &row.owner)
		found[key] = &row
		return err
	})
	if err != nil {
		return nil, nil, fmt.Errorf("load deliveries: %w", err)
	}
	return counts, found, nil
}

// refresh brings the events of changed rows up to date. That of an event with one delivery follows
// from what was written.
func (db *DB) refresh(ctx context.Context, tx *sql.Tx, rows map[rowKey]*rowState, counts map[int64]int64) error {
	var several, uid, completedAt []int64
	var state []string
	for key, row := range rows {
		switch {
		case row.write == nil:
		case counts[key.uid] > 1:
			several = append(several, key.uid)
		default:
			uid = append(uid, key.uid)
			state = append(state, string(webhook.SumEventState([]webhook.DeliveryState{row.state})))
			completedAt = append(completedAt, sqldb.Micros(row.write.Delivery.CompletedAt))
		}
	}
	if len(uid) > 0 {
		if _, err := tx.ExecContext(ctx, updateEvents, uid, state, completedAt); err != nil {
			return fmt.Errorf("sum up events: %w", err)
		}
	}
	if len(several) == 0 {
		return nil
	}
	return db.RefreshEvents(ctx, tx, several)
}

// moveAndDelete moves up the start rows of failed events and deletes the rows that are done.
func moveAndDelete(ctx context.Context, tx *sql.Tx, failed, done []int64) error {
	if len(failed) > 0 {
		if _, err := tx.ExecContext(ctx, updateStarts, failed); err != nil {
			return fmt.Errorf("move up start rows: %w", err)
		}
	}
	if len(done) > 0 {
		slices.Sort(done)
		if _, err := tx.ExecContext(ctx, deleteOutbox, done); err != nil {
			return fmt.Errorf("delete outbox rows: %w", err)
		}
	}
	return nil
}
