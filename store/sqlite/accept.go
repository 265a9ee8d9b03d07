package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/postrider/postrider/store"
	"github.com/postrider/postrider/store/internal/sqldb"
)

const (
	insertEvent = `INSERT INTO events (uid, tenant, id, type, size, fingerprint, traceparent, endpoint_count,
		generation, state, created_at, completed_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, 1, ?, ?, ?)
		ON CONFLICT (tenant, id) DO NOTHING`
	insertBody     = `INSERT INTO bodies (event_uid, data) VALUES (?, ?)`
	insertDelivery = `INSERT INTO deliveries (event_uid, endpoint_key, state, waiting_for, budget, policy_id,
		due_at, held_since, owner, updated_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`
	insertStart = `INSERT INTO outbox (seq, owner, class, event_uid, kind, endpoint_id, wish, created_at)
		VALUES (?1, ?2, 2, ?1, 'start', '', '', ?3)`
	selectVersion = `SELECT endpoints_version FROM tenants WHERE id = ?`
	insertTenant  = `INSERT INTO tenants (id, name, endpoints_version, created_at) VALUES (?, '', 0, ?)`
)

// Accept implements store.Events.
func (db *DB) Accept(ctx context.Context, events []store.NewEvent) ([]store.Accepted, error) {
	rows, err := db.Prepare(ctx, events)
	if err != nil {
		return nil, err
	}
	weight := 0
	for _, r := range rows {
		weight += 3 + len(r.Deliveries)
	}
	var accepted []store.Accepted
	err = db.writer.do(&op{ctx: ctx, rows: weight, run: func(tx *transaction) error {
		accepted = make([]store.Accepted, len(rows))
		for i := range rows {
			var err error
			if accepted[i], err = db.accept(ctx, tx, &rows[i]); err != nil {
				return err
			}
		}
		return nil
	}})
	if err != nil {
		return nil, fmt.Errorf("accept events: %w", err)
	}
	return accepted, nil
}

func (db *DB) accept(ctx context.Context, tx *transaction, e *sqldb.AcceptRow) (store.Accepted, error) {
	version, err := tx.version(ctx, e.Event.Tenant)
	if err != nil {
		return store.Accepted{}, err
	}
	if max(version, 0) != e.EndpointsVersion {
		// A stale duplicate is a duplicate: its endpoints were fixed the first time.
		if first, ok, err := db.duplicate(ctx, tx, e); ok || err != nil {
			return first, err
		}
		return store.Accepted{Status: store.AcceptedStale}, nil
	}
	uid, err := tx.keys.next(ctx, tx)
	if err != nil {
		return store.Accepted{}, err
	}
	inserted, err := tx.changed(ctx, insertEvent, uid, e.Event.Tenant, e.Event.ID, e.Event.Type, e.Event.Size, e.Event.Fingerprint[:],
		e.Event.TraceParent, len(e.Deliveries), string(e.Event.State), e.CreatedAt, e.CompletedAt)
	if err != nil {
		return store.Accepted{}, err
	}
	if inserted == 0 {
		first, _, err := db.duplicate(ctx, tx, e)
		return first, err
	}
	if version < 0 {
		if err := tx.exec(ctx, insertTenant, e.Event.Tenant, e.CreatedAt); err != nil {
			return store.Accepted{}, err
		}
		tx.versions[e.Event.Tenant] = 0
	}
	if err := tx.exec(ctx, insertBody, uid, e.Data); err != nil {
		return store.Accepted{}, err
	}
	for _, d := range e.Deliveries {
		err := tx.exec(ctx, insertDelivery, uid, d.EndpointKey, string(d.State), string(d.WaitingFor), d.Budget, d.PolicyID,
			d.DueAt, d.HeldSince, e.Owner, e.CreatedAt)
		if err != nil {
			return store.Accepted{}, err
		}
	}
	if err := tx.exec(ctx, insertStart, uid, e.Owner, e.CreatedAt); err != nil {
		return store.Accepted{}, err
	}
	accepted := store.Accepted{Status: store.AcceptedNew, Event: e.Event}
	accepted.Event.UID, accepted.OutboxSeq = uid, uid // a start row has its event's key
	return accepted, nil
}

// duplicate is the answer for an event whose ID is taken, as the first one stands at this moment.
func (db *DB) duplicate(ctx context.Context, tx *transaction, e *sqldb.AcceptRow) (store.Accepted, bool, error) {
	if err := db.writer.refresh(ctx, tx); err != nil {
		return store.Accepted{}, false, err
	}
	return db.Duplicate(ctx, tx, e)
}

// version is the tenant's endpoints version, or -1 if it has no row.
func (tx *transaction) version(ctx context.Context, tenant string) (int64, error) {
	if v, ok := tx.versions[tenant]; ok {
		return v, nil
	}
	var v int64
	err := tx.QueryRowContext(ctx, selectVersion, tenant).Scan(&v)
	if errors.Is(err, sql.ErrNoRows) {
		v, err = -1, nil
	}
	if err == nil {
		tx.versions[tenant] = v
	}
	return v, err
}
