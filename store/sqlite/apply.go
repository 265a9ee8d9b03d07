package sqlite

import (
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
	updateStart = `UPDATE outbox SET class = 1 WHERE seq = ? AND kind = 'start' AND class = 2`
	updateSingle = `UPDATE events SET state = ?, completed_at = ? WHERE uid = ? AND endpoint_count = 1`
)

// touch is what an op did to an event.
type touch struct {
	state       webhook.DeliveryState // of the delivery that was changed
	completedAt int64
	endpointKey int64
	several     bool // more than one was
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
				return fmt.Errorf("apply changes: %w", err)
			}
			results[i] = own
		}
		return nil
	}})
	if err != nil {
		results = make([]error, len(changes))
		for i := range results {
			results[i] = err
		}
	}
	return results
}

// apply writes one change. The first error is the change's own.
func (db *DB) apply(ctx context.Context, tx *transaction, c *store.Change) (own, lost error) {
	u := sqldb.NewUpdate(c)
	n, err := tx.changed(ctx, u.SQL(), u.Args()...)
	if err != nil {
		return nil, err
	}
	if n == 0 {
		return db.WhyNot(ctx, tx, c)
	}
	d := &c.Delivery
	for i := range c.Attempts {
		if err := tx.exec(ctx, insertAttempt, sqldb.AttemptArgs(c, &c.Attempts[i])...); err != nil {
			return nil, err
		}
	}
	if c.Failed {
		if err := tx.exec(ctx, updateStart, d.EventUID); err != nil {
			return nil, err
		}
	}
	if c.Nudge {
		if err := db.PutNudge(ctx, tx, c); err != nil {
			return nil, err
		}
	}
	before, again := tx.touched[d.EventUID]
	tx.touched[d.EventUID] = touch{
		state: d.State, completedAt: sqldb.Micros(d.CompletedAt), endpointKey: d.EndpointKey,
		several: again && (before.several || before.endpointKey != d.EndpointKey),
	}
	return nil, nil
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
			if err := tx.exec(ctx, `DELETE FROM outbox WHERE seq = ?`, seq); err != nil {
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
