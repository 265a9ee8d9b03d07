package sqldb

import (
	"context"
	"database/sql"
	"fmt"
	"time"
)

// deleteStep is about how many deliveries one transaction deletes, with their attempts, so that commits of the hot paths, which
// may have to wait for it, wait a few milliseconds; longer only for an event with more.
const deleteStep = 100

// DeleteEvents implements store.Retention. Outbox rows stay: the lane finds their events gone.
func (s *Store) DeleteEvents(ctx context.Context, before time.Time, limit int) (int, error) {
	deleted := 0
	for deleted < limit {
		n, err := s.deleteEvents(ctx, before, min(deleteStep, limit-deleted))
		deleted += n
		if err != nil {
			return deleted, fmt.Errorf("delete old events: %w", err)
		}
		if n == 0 {
			break
		}
	}
	return deleted, nil
}

func (s *Store) deleteEvents(ctx context.Context, before time.Time, limit int) (int, error) {
	var uids []int64
	err := s.backend.Write(ctx, func(tx Querier) (err error) {
		if uids, err = s.oldest(ctx, tx, before, limit); err != nil || len(uids) == 0 {
			return err
		}
		for _, from := range []struct{ table, column string }{
			{"attempts", "event_uid"}, {"deliveries", "event_uid"}, {"bodies", "event_uid"}, {"events", "uid"},
		} {
			in, value := s.dialect.In(from.column, 1, uids)
			if _, err := tx.ExecContext(ctx, `DELETE FROM `+from.table+` WHERE `+in, value); err != nil {
				return err
			}
		}
		return nil
	})
	return len(uids), err
}

// oldest are the events that completed first, at most limit: as many as have deleteStep deliveries together, or one.
func (s *Store) oldest(ctx context.Context, tx Querier, before time.Time, limit int) (uids []int64, err error) {
	deliveries := 0
	err = Read(ctx, tx, `SELECT e.uid, e.endpoint_count FROM events e WHERE e.completed_at > 0 AND e.completed_at < $1
		ORDER BY e.completed_at LIMIT $2`+s.dialect.ForUpdate+s.dialect.SkipLocked, []any{Micros(before), limit}, func(rows *sql.Rows) error {
		var uid int64
		var n int
		if err := rows.Scan(&uid, &n); err != nil {
			return err
		}
		if deliveries += n; deliveries <= deleteStep || len(uids) == 0 {
			uids = append(uids, uid)
		}
		return nil
	})
	return uids, err
}
