package sqlite

import (
	"cmp"
	"context"
	"fmt"

	"github.com/postrider/postrider/store"
	"github.com/postrider/postrider/store/internal/sqldb"
	"github.com/postrider/postrider/webhook"
)

const (
	insertAttempt = `INSERT INTO attempts (id, event_uid, endpoint_key, tenant, number, outcome, status, error_class, error,
		started_at, duration, request_headers, response_headers, response_body)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`
	updateStart  = `UPDATE outbox SET class = 1 WHERE seq = ? AND kind = 'start' AND class = 2`
	updateSingle = `UPDATE events SET state = ?, completed_at = ? WHERE uid = ? AND endpoint_count = 1`
	deleteOutbox = `DELETE FROM outbox WHERE seq = ?`

	// The statement for a change is put together from these, so that SQLite need not look at the
	// indexes of columns that stay.
	updateDelivery = `UPDATE deliveries SET state = ?, waiting_for = ?, reason = ?, attempts = ?, reported = ?, base = ?,
		budget = ?, last_status = ?, last_error_class = ?, last_error = ?, due_at = ?, updated_at = ?, completed_at = ?`
	updateHeld    = `, held_since = CASE held_since WHEN 0 THEN ? ELSE held_since END`
	updateNotHeld = `, held_since = 0`
	updateWish    = `, wish = CASE WHEN wish = 'cancel' AND ? = 0 THEN wish ELSE ? END`
	updateOwner   = `, owner = ?`
	updateWhere   = ` WHERE event_uid = ? AND endpoint_key = ? AND attempts = ?
		AND (state = 'pending' OR state = 'retrying' OR state = 'held')`
	updateSettled = ` AND (waiting_for = '' OR state = 'held' OR owner = ?)`

	updateNotHeldOnly = updateDelivery + updateNotHeld + updateWhere // nearly all changes
)

// touch is what the ops of a transaction did to an event.
type touch struct {
	state       webhook.DeliveryState // of the delivery that was changed
	completedAt int64
	endpointKey int64
	several     bool // more than one delivery was changed
}

// Apply implements store.Dispatch.
func (db *DB) Apply(ctx context.Context, changes []store.Change) []error {
	var results []error
	rows := 0
	for i := range changes {
		rows += 2 + len(changes[i].Attempts)
	}
	err := db.writer.do(&op{ctx: ctx, rows: rows, run: func(tx *transaction) error {
		results = make([]error, len(changes))
		for i := range changes {
			own, err := db.apply(ctx, tx, &changes[i])
			if err != nil {
				return err
			}
			results[i] = own
		}
		return nil
	}})
	if err != nil {
		results = make([]error, len(changes))
		for i := range results {
			results[i] = fmt.Errorf("apply changes: %w", err)
		}
	}
	return results
}

// apply writes one change. The first error is the change's own; the second means that the
// transaction is lost.
func (db *DB) apply(ctx context.Context, tx *transaction, c *store.Change) (own, lost error) {
	statement, args := update(c)
	n, err := tx.changed(ctx, statement, args...)
	if err != nil {
		return nil, err
	}
	if n == 0 {
		return db.WhyNot(ctx, tx, c)
	}
	for i := range c.Attempts {
		if err := tx.insertAttempt(ctx, c, &c.Attempts[i]); err != nil {
			return nil, err
		}
	}
	if c.Failed {
		if err := tx.exec(ctx, updateStart, c.Delivery.EventUID); err != nil {
			return nil, err
		}
	}
	if c.Nudge {
		if err := db.nudge(ctx, tx, c); err != nil {
			return nil, err
		}
	}
	tx.touch(&c.Delivery)
	return nil, nil
}

// update is the statement for a change.
func update(c *store.Change) (string, []any) {
	d := &c.Delivery
	held := d.State == webhook.DeliveryHeld
	updatedAt := sqldb.Micros(d.UpdatedAt)
	args := make([]any, 0, 20)
	args = append(args, string(d.State), sqldb.WaitingFor(d), d.Reason, d.Attempts, d.Reported, d.Base,
		d.Budget, d.LastStatus, string(d.LastErrorClass), sqldb.Text(d.LastError),
		sqldb.Micros(d.DueAt), updatedAt, sqldb.Micros(d.CompletedAt))
	statement := updateNotHeldOnly
	if held || c.ClearWish || c.Owner != 0 {
		statement = updateDelivery
		if held {
			statement += updateHeld
			args = append(args, updatedAt)
		} else {
			statement += updateNotHeld
		}
		if c.ClearWish {
			statement += updateWish
			args = append(args, sqldb.Micros(d.CompletedAt), string(d.Wish))
		}
		if c.Owner != 0 {
			statement += updateOwner
			args = append(args, c.Owner)
		}
		statement += updateWhere
	}
	args = append(args, d.EventUID, d.EndpointKey, c.ExpectAttempts)
	if c.Settler != 0 {
		statement += updateSettled
		args = append(args, c.Settler)
	}
	return statement, args
}

func (tx *transaction) insertAttempt(ctx context.Context, c *store.Change, a *webhook.Attempt) error {
	d := &c.Delivery
	return tx.exec(ctx, insertAttempt, a.ID, d.EventUID, d.EndpointKey, cmp.Or(a.Tenant, d.Tenant), a.Number,
		string(a.Outcome), a.Status, string(a.ErrorClass), sqldb.Text(a.Error), sqldb.Micros(a.StartedAt), a.Duration.Microseconds(),
		sqldb.HeadersJSON(a.RequestHeaders), sqldb.HeadersJSON(a.ResponseHeaders), sqldb.Body(a.ResponseBody))
}

func (db *DB) nudge(ctx context.Context, tx *transaction, c *store.Change) error {
	var owner int64
	err := tx.QueryRowContext(ctx, `SELECT owner FROM deliveries WHERE event_uid = ? AND endpoint_key = ?`,
		c.Delivery.EventUID, c.Delivery.EndpointKey).Scan(&owner)
	if err != nil {
		return fmt.Errorf("load owner: %w", err)
	}
	entry, err := db.NudgeEntry(ctx, tx, c, owner)
	if err != nil {
		return err
	}
	return db.PutOutbox(ctx, tx, []sqldb.OutboxEntry{entry})
}

// touch remembers that the delivery's event has to be brought up to date.
func (tx *transaction) touch(d *webhook.Delivery) {
	before, again := tx.touched[d.EventUID]
	tx.touched[d.EventUID] = touch{
		state: d.State, completedAt: sqldb.Micros(d.CompletedAt), endpointKey: d.EndpointKey,
		several: again && (before.several || before.endpointKey != d.EndpointKey),
	}
}

// refresh brings the touched events up to date, once each however many ops touched them. That of
// an event with one delivery follows from what was written.
func (w *writer) refresh(ctx context.Context, tx *transaction) error {
	var several []int64
	for uid, t := range tx.touched {
		if t.several {
			several = append(several, uid)
			continue
		}
		state := webhook.SumEventState([]webhook.DeliveryState{t.state})
		n, err := tx.changed(ctx, updateSingle, string(state), t.completedAt, uid)
		if err != nil {
			return fmt.Errorf("sum up event %d: %w", uid, err)
		}
		if n == 0 {
			several = append(several, uid)
		}
	}
	clear(tx.touched)
	if len(several) == 0 {
		return nil
	}
	return w.store.RefreshEvents(ctx, tx, several)
}

// OutboxDone implements store.Dispatch.
func (db *DB) OutboxDone(ctx context.Context, seqs []int64) error {
	if len(seqs) == 0 {
		return nil
	}
	err := db.writer.do(&op{ctx: ctx, rows: len(seqs), run: func(tx *transaction) error {
		for _, seq := range seqs {
			if err := tx.exec(ctx, deleteOutbox, seq); err != nil {
				return err
			}
		}
		return nil
	}})
	if err != nil {
		return fmt.Errorf("clear outbox: %w", err)
	}
	return nil
}
