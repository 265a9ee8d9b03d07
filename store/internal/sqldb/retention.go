package sqldb

import (
	"context"
	"fmt"
	"time"
)

// deleteStep is how many events one transaction deletes, so that commits of the hot paths, which
// may have to wait for it, wait a few milliseconds at most.
const deleteStep = 100

// DeleteEvents implements store.Retention. Outbox rows stay: the lane finds their events gone.
func (s *Store) DeleteEvents(ctx context.Context, before time.Time, limit int) (int, error) {
	deleted := 0
	for deleted < limit {
		step := min(deleteStep, limit-deleted)
		n, err := s.deleteEvents(ctx, before, step)
		deleted += n
		if err != nil {
			return deleted, fmt.Errorf("delete old events: %w", err)
		}
		if n < step {
			break
		}
	}
	return deleted, nil
}

func (s *Store) deleteEvents(ctx context.Context, before time.Time, limit int) (int, error) {
	var uids []int64
	err := s.backend.Write(ctx, func(tx Querier) (err error) {
		uids, err = readKeys(ctx, tx, `SELECT e.uid FROM events e WHERE e.completed_at > 0 AND e.completed_at < $1
			ORDER BY e.completed_at LIMIT $2`+s.dialect.ForUpdate+s.dialect.SkipLocked, Micros(before), limit)
		if err != nil || len(uids) == 0 {
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
