package postgres

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"

	"github.com/postrider/postrider/store"
	"github.com/postrider/postrider/store/internal/sqldb"
	"github.com/postrider/postrider/webhook"
)

const (
	insertTenants = `INSERT INTO tenants (id, name, endpoints_version, created_at)
		SELECT id, '', 0, created_at FROM unnest($1::text[], $2::bigint[]) AS t (id, created_at) ON CONFLICT (id) DO NOTHING`
	// The share lock holds off changes to the tenants' endpoints until the events are there to see.
	selectRemoved  = `SELECT removed_at > 0 OR renewed_at = 0 FROM nodes WHERE key = ANY($1) ORDER BY key FOR SHARE`
	selectVersions = `SELECT id, endpoints_version FROM tenants WHERE id = ANY($1) ORDER BY id FOR SHARE`
	insertEvents   = `INSERT INTO events (uid, tenant, id, type, size, fingerprint, traceparent, endpoint_count,
		generation, state, created_at, completed_at)
		SELECT uid, tenant, id, type, size, fingerprint, traceparent, endpoint_count, 1, state, created_at, completed_at
		FROM unnest($1::bigint[], $2::text[], $3::text[], $4::text[], $5::bigint[], $6::bytea[], $7::text[], $8::bigint[],
			$9::text[], $10::bigint[], $11::bigint[])
		AS e (uid, tenant, id, type, size, fingerprint, traceparent, endpoint_count, state, created_at, completed_at)
		ON CONFLICT (tenant, id) DO NOTHING RETURNING uid`
	insertBodies = `INSERT INTO bodies (event_uid, data) SELECT * FROM unnest($1::bigint[], $2::bytea[])`
	insertStarts = `INSERT INTO outbox (seq, owner, class, event_uid, kind, endpoint_id, wish, created_at)
		SELECT uid, owner, 2, uid, 'start', '', '', created_at
		FROM unnest($1::bigint[], $2::bigint[], $3::bigint[]) AS o (uid, owner, created_at)`
	insertDeliveries = `INSERT INTO deliveries (event_uid, endpoint_key, state, waiting_for, budget, policy_id,
		due_at, held_since, owner, updated_at)
		SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::text[], $4::text[], $5::bigint[], $6::bigint[],
			$7::bigint[], $8::bigint[], $9::bigint[], $10::bigint[])`
)

// acceptOp is one call of Accept.
type acceptOp struct {
	rows     []sqldb.AcceptRow
	weight   int
	accepted []store.Accepted
	ticket
}

// Accept implements store.Events.
func (db *DB) Accept(ctx context.Context, events []store.NewEvent) ([]store.Accepted, error) {
	rows, err := db.Prepare(ctx, events)
	if err != nil {
		return nil, err
	}
	o := &acceptOp{rows: rows, ticket: newTicket(ctx)}
	for _, r := range rows {
		o.weight += 3 + len(r.Deliveries) + len(r.Data)/bodyWeight
	}
	if err := db.accepts.do(o); err != nil {
		return nil, fmt.Errorf("accept events: %w", err)
	}
	return o.accepted, nil
}

// bodyWeight is how many bytes of data weigh as much as a row, so that a batch stays under 16 MiB.
const bodyWeight = 1600

// candidate is an event of a batch with its place in the answers.
type candidate struct {
	row    *sqldb.AcceptRow
	answer *store.Accepted
	uid    int64
}

// acceptAll writes the events of all ops. Candidates are sorted by tenant and ID, so that two nodes
// with the same events wait for each other in one order.
func (db *DB) acceptAll(ctx context.Context, tx *sql.Tx, batch []*acceptOp) error {
	var all []candidate
	for _, o := range batch {
		o.accepted = make([]store.Accepted, len(o.rows))
		for i := range o.rows {
			all = append(all, candidate{row: &o.rows[i], answer: &o.accepted[i]})
		}
	}
	if err := lockNodes(ctx, tx, all); err != nil {
		return err
	}
	versions, err := lockTenants(ctx, tx, all)
	if err != nil {
		return fmt.Errorf("lock tenants: %w", err)
	}
	var fresh, rest []candidate
	for _, c := range all {
		if versions[c.row.Event.Tenant] == c.row.EndpointsVersion {
			fresh = append(fresh, c)
		} else {
			c.answer.Status = store.AcceptedStale
			rest = append(rest, c)
		}
	}
	uids, err := db.NextKeys(ctx, tx, len(fresh))
	if err != nil {
		return fmt.Errorf("take keys: %w", err)
	}
	for i := range fresh {
		fresh[i].uid = uids[i]
	}
	slices.SortStableFunc(fresh, func(a, b candidate) int {
		if c := strings.Compare(a.row.Event.Tenant, b.row.Event.Tenant); c != 0 {
			return c
		}
		return strings.Compare(a.row.Event.ID, b.row.Event.ID)
	})
	inserted, taken, err := insertNew(ctx, tx, fresh)
	if err != nil {
		return err
	}
	if err := insertParts(ctx, tx, inserted); err != nil {
		return err
	}
	for _, c := range append(rest, taken...) {
		// A stale duplicate is a duplicate: its endpoints were fixed the first time.
		first, ok, err := db.Duplicate(ctx, tx, c.row)
		if err != nil {
			return err
		}
		if ok {
			*c.answer = first
		}
	}
	return nil
}

// lockNodes makes sure that the candidates' owners are there until the events are. A node that was suspended, taken for
// dead and woken again does not know that yet, and nobody would look after what it accepts.
func lockNodes(ctx context.Context, tx *sql.Tx, all []candidate) error {
	var owners []int64
	for _, c := range all {
		owners = append(owners, c.row.Owner)
	}
	slices.Sort(owners)
	rows, err := tx.QueryContext(ctx, selectRemoved, slices.Compact(owners))
	if err != nil {
		return fmt.Errorf("lock nodes: %w", err)
	}
	defer rows.Close()
	gone := false
	for rows.Next() {
		var removed bool
		if err := rows.Scan(&removed); err != nil {
			return fmt.Errorf("lock nodes: %w", err)
		}
		gone = gone || removed
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("lock nodes: %w", err)
	}
	if gone {
		return webhook.Errorf(webhook.Unavailable, "node_removed", "this node was taken for dead: others have its work")
	}
	return nil
}

// lockTenants reads the endpoints versions of the candidates' tenants, making those that are
// expected not to be there yet.
func lockTenants(ctx context.Context, tx *sql.Tx, all []candidate) (map[string]int64, error) {
	expected := map[string]*sqldb.AcceptRow{}
	for _, c := range all {
		if e := expected[c.row.Event.Tenant]; e == nil || e.EndpointsVersion != 0 {
			expected[c.row.Event.Tenant] = c.row
		}
	}
	ids := make([]string, 0, len(expected))
	for id := range expected {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	versions, err := readVersions(ctx, tx, ids)
	if err != nil || len(versions) == len(ids) {
		return versions, err
	}
	var missing []string
	var createdAt []int64
	for _, id := range ids {
		if _, ok := versions[id]; !ok && expected[id].EndpointsVersion == 0 {
			missing, createdAt = append(missing, id), append(createdAt, expected[id].CreatedAt)
		}
	}
	if len(missing) == 0 {
		return versions, nil
	}
	if _, err := tx.ExecContext(ctx, insertTenants, missing, createdAt); err != nil {
		return nil, err
	}
	return readVersions(ctx, tx, ids)
}

func readVersions(ctx context.Context, tx *sql.Tx, ids []string) (map[string]int64, error) {
	rows, err := tx.QueryContext(ctx, selectVersions, ids)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	versions := make(map[string]int64, len(ids))
	for rows.Next() {
		var id string
		var version int64
		if err := rows.Scan(&id, &version); err != nil {
			return nil, err
		}
		versions[id] = version
	}
	return versions, rows.Err()
}

// insertNew inserts the events and tells which were new and which had their ID taken.
func insertNew(ctx context.Context, tx *sql.Tx, fresh []candidate) (inserted, taken []candidate, err error) {
	if len(fresh) == 0 {
		return nil, nil, nil
	}
	var (
		uid, size, count, createdAt, completedAt []int64
		tenant, id, kind, trace, state           []string
		fingerprint                              [][]byte
	)
	for i := range fresh {
		e := &fresh[i].row.Event
		uid, size, count = append(uid, fresh[i].uid), append(size, int64(e.Size)), append(count, int64(len(fresh[i].row.Deliveries)))
		tenant, id, kind = append(tenant, e.Tenant), append(id, e.ID), append(kind, e.Type)
		trace, state, fingerprint = append(trace, e.TraceParent), append(state, string(e.State)), append(fingerprint, e.Fingerprint[:])
		createdAt, completedAt = append(createdAt, fresh[i].row.CreatedAt), append(completedAt, fresh[i].row.CompletedAt)
	}
	rows, err := tx.QueryContext(ctx, insertEvents, uid, tenant, id, kind, size, fingerprint, trace, count, state, createdAt, completedAt)
	if err != nil {
		return nil, nil, fmt.Errorf("insert events: %w", err)
	}
	defer rows.Close()
	there := make(map[int64]bool, len(fresh))
	for rows.Next() {
		var uid int64
		if err := rows.Scan(&uid); err != nil {
			return nil, nil, fmt.Errorf("insert events: %w", err)
		}
		there[uid] = true
	}
	for _, c := range fresh {
		if !there[c.uid] {
			taken = append(taken, c)
			continue
		}
		*c.answer = store.Accepted{Status: store.AcceptedNew, Event: c.row.Event}
		c.answer.Event.UID, c.answer.OutboxSeq = c.uid, c.uid // a start row has its event's key
		inserted = append(inserted, c)
	}
	return inserted, taken, rows.Err()
}

// insertParts inserts what belongs to new events.
func insertParts(ctx context.Context, tx *sql.Tx, inserted []candidate) error {
	if len(inserted) == 0 {
		return nil
	}
	var uid, owner, createdAt []int64
	var data [][]byte
	for _, c := range inserted {
		uid, owner, createdAt = append(uid, c.uid), append(owner, c.row.Owner), append(createdAt, c.row.CreatedAt)
		data = append(data, c.row.Data)
	}
	if _, err := tx.ExecContext(ctx, insertBodies, uid, data); err != nil {
		return fmt.Errorf("insert bodies: %w", err)
	}
	if _, err := tx.ExecContext(ctx, insertStarts, uid, owner, createdAt); err != nil {
		return fmt.Errorf("insert outbox rows: %w", err)
	}
	return insertAllDeliveries(ctx, tx, inserted)
}

func insertAllDeliveries(ctx context.Context, tx *sql.Tx, inserted []candidate) error {
	var (
		uid, key, budget, policy, dueAt, heldSince, owner, createdAt []int64
		state, waitingFor                                            []string
	)
	for _, c := range inserted {
		for _, d := range c.row.Deliveries {
			uid, key, owner = append(uid, c.uid), append(key, d.EndpointKey), append(owner, c.row.Owner)
			state, waitingFor = append(state, string(d.State)), append(waitingFor, string(d.WaitingFor))
			budget, policy = append(budget, int64(d.Budget)), append(policy, d.PolicyID)
			dueAt, heldSince, createdAt = append(dueAt, d.DueAt), append(heldSince, d.HeldSince), append(createdAt, c.row.CreatedAt)
		}
	}
	if len(uid) == 0 {
		return nil
	}
	_, err := tx.ExecContext(ctx, insertDeliveries, uid, key, state, waitingFor, budget, policy, dueAt, heldSince, owner, createdAt)
	if err != nil {
		return fmt.Errorf("insert deliveries: %w", err)
	}
	return nil
}
