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

// outboxAhead is the condition of the partial index that finds the few urgent rows among many.
const outboxAhead = `o.class < 2`

// OutboxEntry is an outbox row to be written.
type OutboxEntry struct {
	Owner      int64
	Class      store.OutboxClass
	EventUID   int64
	Kind       store.OutboxKind
	EndpointID string
	Wish       webhook.Wish
	CreatedAt  int64
}

// PutOutbox writes outbox rows with fresh keys. It comes after everything in the transaction that
// may have to wait for another.
func (s *Store) PutOutbox(ctx context.Context, tx Querier, entries []OutboxEntry) error {
	const width = 8
	owners := make([]int64, len(entries))
	for i, e := range entries {
		owners[i] = e.Owner
	}
	slices.Sort(owners)
	if err := s.backend.OrderOutbox(ctx, tx, slices.Compact(owners)); err != nil {
		return fmt.Errorf("put into outbox: %w", err)
	}
	for chunk := range slices.Chunk(entries, 64) {
		seqs, err := s.backend.NextKeys(ctx, tx, len(chunk))
		if err != nil {
			return fmt.Errorf("put into outbox: %w", err)
		}
		rows := make([]string, 0, len(chunk))
		args := make([]any, 0, width*len(chunk))
		for i, e := range chunk {
			rows = append(rows, placeholders(width*i+1, width))
			args = append(args, seqs[i], e.Owner, int64(e.Class), e.EventUID, string(e.Kind), e.EndpointID, string(e.Wish), e.CreatedAt)
		}
		_, err = tx.ExecContext(ctx, `INSERT INTO outbox (seq, owner, class, event_uid, kind, endpoint_id, wish, created_at) VALUES `+
			strings.Join(rows, ","), args...)
		if err != nil {
			return fmt.Errorf("put into outbox: %w", err)
		}
	}
	return nil
}

// Outbox implements store.Dispatch.
func (s *Store) Outbox(ctx context.Context, owner int64, class store.OutboxClass, after int64, limit int) ([]store.OutboxRow, error) {
	condition := `o.owner = $1 AND o.class = $2 AND o.seq > $3`
	if class < store.OutboxDelivered {
		condition += ` AND ` + outboxAhead
	}
	var found []store.OutboxRow
	err := Read(ctx, s.backend.Reader(), `SELECT o.seq, o.event_uid, o.kind, o.class, o.created_at, o.endpoint_id, o.wish
		FROM outbox o WHERE `+condition+` ORDER BY o.seq LIMIT $4`, []any{owner, int64(class), after, limit},
		func(rows *sql.Rows) error {
			var r store.OutboxRow
			err := rows.Scan(&r.Seq, &r.EventUID, &r.Kind, &r.Class, timeInto{&r.CreatedAt}, &r.EndpointID, &r.Wish)
			found = append(found, r)
			return err
		})
	if err != nil {
		return nil, fmt.Errorf("read outbox: %w", err)
	}
	return found, nil
}

// Overdue implements store.Dispatch.
func (s *Store) Overdue(ctx context.Context, before time.Time, limit int) ([]store.OverdueRow, error) {
	var found []store.OverdueRow
	err := Read(ctx, s.backend.Reader(), `SELECT d.event_uid, d.endpoint_key, p.id, e.tenant, e.id, d.attempts, d.due_at
		FROM deliveries d CROSS JOIN events e CROSS JOIN endpoints p
		WHERE `+deliveryWithEngine+` AND d.due_at < $1 AND e.uid = d.event_uid AND p.key = d.endpoint_key
		ORDER BY d.due_at LIMIT $2`, []any{Micros(before), limit},
		func(rows *sql.Rows) error {
			var r store.OverdueRow
			var tenant, eventID string
			err := rows.Scan(&r.EventUID, &r.EndpointKey, &r.EndpointID, &tenant, &eventID, &r.Attempts, timeInto{&r.DueAt})
			r.WorkflowID = webhook.WorkflowID(tenant, eventID)
			found = append(found, r)
			return err
		})
	if err != nil {
		return nil, fmt.Errorf("list overdue deliveries: %w", err)
	}
	return found, nil
}

// Completed implements store.Dispatch.
func (s *Store) Completed(ctx context.Context, uids []int64, before time.Time) ([]int64, error) {
	in, value := s.dialect.In("uid", 1, uids)
	completed, err := readKeys(ctx, s.backend.Reader(), `SELECT uid FROM events WHERE `+in+` AND completed_at > 0 AND completed_at < $2`,
		value, Micros(before))
	if err != nil {
		return nil, fmt.Errorf("list completed events: %w", err)
	}
	return completed, nil
}
