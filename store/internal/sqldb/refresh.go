package sqldb

import (
	"context"
	"database/sql"
	"fmt"
	"slices"

	"github.com/postrider/postrider/webhook"
)

// LockEvents locks events in the order of their keys, and with them, by convention, their
// deliveries: whoever changes deliveries locks the events first. It returns those that exist.
func (s *Store) LockEvents(ctx context.Context, tx Querier, uids []int64) ([]int64, error) {
	in, value := s.dialect.In("uid", 1, uids)
	return readKeys(ctx, tx, `SELECT uid FROM events WHERE `+in+` ORDER BY uid`+s.dialect.ForUpdate, value)
}

// RefreshEvents brings state and completion time of events up to date with their deliveries,
// which the transaction has changed.
func (s *Store) RefreshEvents(ctx context.Context, tx Querier, uids []int64) error {
	type outcome struct {
		state       webhook.EventState
		completedAt int64
	}
	groups := map[outcome][]int64{} // after a batch most events have the same outcome
	slices.Sort(uids)
	uids = slices.Compact(uids)
	in, value := s.dialect.In("event_uid", 1, uids)
	// Of each event one row comes back, however many deliveries it has.
	var uid, completedAt int64
	all := webhook.DeliveryStates()
	query, into, there := `SELECT event_uid, max(completed_at)`, []any{&uid, &completedAt}, make([]bool, len(all))
	for i, state := range all {
		query += fmt.Sprintf(`, max(CASE state WHEN '%s' THEN 1 ELSE 0 END)`, state)
		into = append(into, &there[i])
	}
	query += ` FROM deliveries WHERE ` + in + ` GROUP BY event_uid`
	err := Read(ctx, tx, query, []any{value}, func(rows *sql.Rows) error {
		if err := rows.Scan(into...); err != nil {
			return err
		}
		var states []webhook.DeliveryState
		for i, state := range all {
			if there[i] {
				states = append(states, state)
			}
		}
		o := outcome{state: webhook.SumEventState(states)}
		if o.state.Final() {
			o.completedAt = completedAt
		}
		groups[o] = append(groups[o], uid)
		return nil
	})
	if err != nil {
		return fmt.Errorf("sum up events: %w", err)
	}
	for o, group := range groups {
		in, value := s.dialect.In("uid", 3, group)
		_, err := tx.ExecContext(ctx, `UPDATE events SET state = $1, completed_at = $2 WHERE `+in, string(o.state), o.completedAt, value)
		if err != nil {
			return fmt.Errorf("sum up events: %w", err)
		}
	}
	return nil
}
