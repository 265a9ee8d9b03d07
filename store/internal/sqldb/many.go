package sqldb

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/postrider/postrider/store"
	"github.com/postrider/postrider/webhook"
)

// manyRow is one of many deliveries to be changed alike.
type manyRow struct {
	eventUID, endpointKey, owner int64
	endpointID                   string
}

// changeMany changes at most limit deliveries that meet a condition, whose parameters are args,
// and brings their events up to date, in one transaction. It returns how many; 0 means that no
// row meets the condition any more.
func (s *Store) changeMany(ctx context.Context, doing, condition string, args []any, orderBy string, limit int,
	change func(tx Querier, rows []manyRow) error,
) (int, error) {
	var rows []manyRow
	err := s.backend.Write(ctx, func(tx Querier) error {
		for {
			candidates, err := s.selectMany(ctx, tx, condition, args, orderBy, limit)
			if err != nil || len(candidates) == 0 {
				rows = nil
				return err
			}
			if _, err := s.LockEvents(ctx, tx, eventUIDs(candidates)); err != nil {
				return err
			}
			// Another node may have changed some before they were locked.
			in, value := s.dialect.In("d.event_uid", len(args)+1, eventUIDs(candidates))
			if rows, err = s.selectMany(ctx, tx, condition+" AND "+in, append(slices.Clone(args), value), "", limit); err != nil {
				return err
			}
			if len(rows) > 0 {
				break
			}
		}
		if err := change(tx, rows); err != nil {
			return err
		}
		return s.RefreshEvents(ctx, tx, eventUIDs(rows))
	})
	if err != nil {
		return 0, fmt.Errorf("%s: %w", doing, err)
	}
	return len(rows), nil
}

func (s *Store) selectMany(ctx context.Context, tx Querier, condition string, args []any, orderBy string, limit int) ([]manyRow, error) {
	if orderBy != "" {
		orderBy = " ORDER BY " + orderBy
	}
	query := fmt.Sprintf(`SELECT d.event_uid, d.endpoint_key, d.owner, p.id FROM deliveries d CROSS JOIN endpoints p
		WHERE %s AND p.key = d.endpoint_key%s LIMIT $%d`, condition, orderBy, len(args)+1)
	var found []manyRow
	err := Read(ctx, tx, query, append(slices.Clone(args), limit), func(rows *sql.Rows) error {
		var r manyRow
		err := rows.Scan(&r.eventUID, &r.endpointKey, &r.owner, &r.endpointID)
		found = append(found, r)
		return err
	})
	return found, err
}

// updateEach sets columns of deliveries. The parameters of set start at $3.
func (s *Store) updateEach(ctx context.Context, tx Querier, rows []manyRow, set string, args ...any) error {
	byEndpoint := map[int64][]int64{}
	for _, r := range rows {
		byEndpoint[r.endpointKey] = append(byEndpoint[r.endpointKey], r.eventUID)
	}
	for key, uids := range byEndpoint {
		in, value := s.dialect.In("event_uid", 2, uids)
		_, err := tx.ExecContext(ctx, `UPDATE deliveries SET `+strings.TrimSpace(set)+` WHERE endpoint_key = $1 AND `+in,
			append([]any{key, value}, args...)...)
		if err != nil {
			return err
		}
	}
	return nil
}

// nudge puts a nudge into the outbox for each delivery: for the given node, or, if that is 0, for
// the delivery's owner.
func (s *Store) nudge(ctx context.Context, tx Querier, rows []manyRow, owner int64, wish webhook.Wish, now time.Time) error {
	entries := make([]OutboxEntry, 0, len(rows))
	for _, r := range rows {
		e := OutboxEntry{
			Owner: r.owner, Class: store.OutboxWish, EventUID: r.eventUID, Kind: store.OutboxNudge,
			EndpointID: r.endpointID, Wish: wish, CreatedAt: Micros(now),
		}
		if owner != 0 {
			e.Owner = owner
		}
		entries = append(entries, e)
	}
	return s.PutOutbox(ctx, tx, entries)
}

func eventUIDs(rows []manyRow) []int64 {
	uids := make([]int64, 0, len(rows))
	for _, r := range rows {
		uids = append(uids, r.eventUID)
	}
	slices.Sort(uids)
	return slices.Compact(uids)
}
