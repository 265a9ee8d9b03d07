package sqldb

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"time"

	"github.com/postrider/postrider/store"
)

// forgetNodes is how long the row of a removed node is kept. Until then a nudge that was still
// written for it, because it was the owner of a delivery that Temporal had, finds a new owner.
const forgetNodes = 90 * 24 * time.Hour

// RegisterNode implements store.Nodes.
func (s *Store) RegisterNode(ctx context.Context, name string) (int64, error) {
	var key int64
	err := s.backend.Write(ctx, func(tx Querier) error {
		return tx.QueryRowContext(ctx, `INSERT INTO nodes (name, renewed_at, removed_at) VALUES ($1, `+s.dialect.Now+`, 0)
			ON CONFLICT (name) DO UPDATE SET renewed_at = excluded.renewed_at, removed_at = 0 RETURNING key`, name).Scan(&key)
	})
	if err != nil {
		return 0, fmt.Errorf("register node %s: %w", name, err)
	}
	return key, nil
}

// RenewNode implements store.Nodes.
func (s *Store) RenewNode(ctx context.Context, key int64) error {
	return s.touchNode(ctx, "renew", key, s.dialect.Now)
}

// ReleaseNode implements store.Nodes.
func (s *Store) ReleaseNode(ctx context.Context, key int64) error {
	return s.touchNode(ctx, "release", key, "0")
}

func (s *Store) touchNode(ctx context.Context, doing string, key int64, renewedAt string) error {
	err := s.backend.Write(ctx, func(tx Querier) error {
		n, err := affected(ctx, tx, `UPDATE nodes SET renewed_at = `+renewedAt+` WHERE key = $1 AND removed_at = 0 AND renewed_at > 0`, key)
		if err == nil && n == 0 {
			return missing("node")
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("%s node %d: %w", doing, key, err)
	}
	return nil
}

// TakeOver implements store.Nodes. A node that was only suspended may write rows after its removal, until it hears of
// that; these are taken over too. Held deliveries move too, so that a node that is there hears of
// their end, but their endpoints are not among the keys.
func (s *Store) TakeOver(ctx context.Context, key int64, deadAfter time.Duration, limit int) (int, []int64, error) {
	var (
		rows int
		keys []int64
	)
	err := s.backend.Write(ctx, func(tx Querier) error {
		rows, keys = 0, nil
		dead, err := readKeys(ctx, tx, `SELECT key FROM nodes WHERE removed_at = 0 AND key <> $1 AND renewed_at < `+s.dialect.Now+` - $2`+s.dialect.ForUpdate+s.dialect.SkipLocked, key, deadAfter.Microseconds())
		if err != nil {
			return err
		}
		late, err := readKeys(ctx, tx, `SELECT n.key FROM nodes n WHERE n.removed_at > 0 AND (
			EXISTS (SELECT 1 FROM deliveries d WHERE d.owner = n.key AND `+deliveryToSend+`)
			OR EXISTS (SELECT 1 FROM deliveries d WHERE d.owner = n.key AND `+deliveryHeld+`))`+s.dialect.ForUpdate+s.dialect.SkipLocked)
		if err != nil {
			return err
		}
		for _, node := range append(dead, late...) {
			n, endpoints, err := s.takeOver(ctx, tx, node, key, limit-rows)
			if err != nil {
				return err
			}
			rows, keys = rows+n, append(keys, endpoints...)
			if rows >= limit {
				return nil
			}
		}
		n, err := s.takeStrays(ctx, tx, key, limit-rows)
		rows += n
		return err
	})
	if err != nil {
		return 0, nil, fmt.Errorf("take over dead nodes: %w", err)
	}
	slices.Sort(keys)
	return rows, slices.Compact(keys), nil
}

// takeOver moves at most limit rows of one dead node and removes it when nothing is left. From the first on it is dead for good:
// if it went on when it comes back, it would send what it still has in memory and another has by then.
func (s *Store) takeOver(ctx context.Context, tx Querier, from, to int64, limit int) (int, []int64, error) {
	if _, err := tx.ExecContext(ctx, `UPDATE nodes SET renewed_at = 0 WHERE key = $1 AND renewed_at > 0`, from); err != nil {
		return 0, nil, err
	}
	lock := s.dialect.ForUpdate + s.dialect.SkipLocked
	var keys []int64
	rows := 0
	for _, condition := range []string{deliveryToSend, deliveryHeld} {
		moved, err := readKeys(ctx, tx, `UPDATE deliveries SET owner = $1 WHERE (event_uid, endpoint_key) IN (
			SELECT d.event_uid, d.endpoint_key FROM deliveries d WHERE d.owner = $2 AND `+condition+` LIMIT $3`+lock+`)
			RETURNING endpoint_key`, to, from, limit-rows)
		if err != nil {
			return 0, nil, err
		}
		rows += len(moved)
		if condition == deliveryToSend {
			keys = moved
		}
	}
	for _, some := range []string{` AND ` + outboxAhead + ` ORDER BY o.class, o.seq`, ``} { // of the others there may be a million
		n, err := s.moveOutbox(ctx, tx, `SELECT o.seq FROM outbox o WHERE o.owner = $1`+some+` LIMIT $2`+lock, []any{from, limit - rows}, to)
		if err != nil {
			return 0, nil, err
		}
		rows += n
	}
	if rows >= limit {
		return rows, keys, nil
	}
	// SKIP LOCKED may have left rows; then the node stays for the next call.
	_, err := tx.ExecContext(ctx, `UPDATE nodes SET removed_at = `+s.dialect.Now+` WHERE key = $1
		AND NOT EXISTS (SELECT 1 FROM deliveries d WHERE d.owner = $1 AND `+deliveryToSend+`)
		AND NOT EXISTS (SELECT 1 FROM deliveries d WHERE d.owner = $1 AND `+deliveryHeld+`)
		AND NOT EXISTS (SELECT 1 FROM outbox o WHERE o.owner = $1)`, from)
	return rows, keys, err
}

// takeStrays moves nudges that were written for nodes that had been removed already, and forgets
// nodes that were removed long ago.
func (s *Store) takeStrays(ctx context.Context, tx Querier, to int64, limit int) (int, error) {
	n, err := s.moveOutbox(ctx, tx, `SELECT o.seq FROM nodes n CROSS JOIN outbox o
		WHERE n.removed_at > 0 AND o.owner = n.key AND `+outboxAhead+` LIMIT $1`+s.dialect.ForUpdate+s.dialect.SkipLocked, []any{limit}, to)
	if err != nil {
		return 0, err
	}
	_, err = tx.ExecContext(ctx, `DELETE FROM nodes WHERE removed_at > 0 AND removed_at < `+s.dialect.Now+` - $1`, forgetNodes.Microseconds())
	return n, err
}

// moveOutbox gives the outbox rows that a query selects to another node. Urgent ones get fresh keys,
// as their new owner may have read past the ones that they have.
func (s *Store) moveOutbox(ctx context.Context, tx Querier, query string, args []any, to int64) (int, error) {
	seqs, err := readKeys(ctx, tx, query, args...)
	if err != nil || len(seqs) == 0 {
		return 0, err
	}
	in, value := s.dialect.In("o.seq", 1, seqs)
	var urgent []OutboxEntry
	var old []int64
	err = Read(ctx, tx, `SELECT o.seq, o.event_uid, o.kind, o.endpoint_id, o.wish, o.created_at FROM outbox o
		WHERE `+in+` AND o.class = 0`, []any{value}, func(rows *sql.Rows) error {
		e := OutboxEntry{Owner: to, Class: store.OutboxWish}
		var seq int64
		err := rows.Scan(&seq, &e.EventUID, &e.Kind, &e.EndpointID, &e.Wish, &e.CreatedAt)
		urgent, old = append(urgent, e), append(old, seq)
		return err
	})
	if err != nil {
		return 0, err
	}
	in, value = s.dialect.In("seq", 1, old)
	if _, err := tx.ExecContext(ctx, `DELETE FROM outbox WHERE `+in, value); err != nil {
		return 0, err
	}
	in, value = s.dialect.In("seq", 2, seqs)
	if _, err := tx.ExecContext(ctx, `UPDATE outbox SET owner = $1 WHERE `+in, to, value); err != nil {
		return 0, err
	}
	return len(seqs), s.PutOutbox(ctx, tx, urgent)
}
