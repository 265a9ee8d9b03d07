package sqldb

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/postrider/postrider/store"
	"github.com/postrider/postrider/webhook"
)

// WhyNot is why a change did not find its row as it expected: the change's own error, or that of
// the database.
func (s *Store) WhyNot(ctx context.Context, tx Querier, c *store.Change) (own, lost error) {
	var (
		state    webhook.DeliveryState
		attempts int
		toSend   bool
		owner    int64
	)
	err := tx.QueryRowContext(ctx, `SELECT d.state, d.attempts, `+ToSend+`, d.owner FROM deliveries d WHERE d.event_uid = $1 AND d.endpoint_key = $2`,
		c.Delivery.EventUID, c.Delivery.EndpointKey).Scan(&state, &attempts, &toSend, &owner)
	if errors.Is(err, sql.ErrNoRows) {
		return missing("delivery"), nil
	}
	if err != nil {
		return nil, fmt.Errorf("load delivery: %w", err)
	}
	return Changed(c, state, attempts, toSend, owner), nil
}

// ToSend selects whether a delivery d waits to be sent by its owner.
const ToSend = `(` + deliveryToSend + `)`

// Changed is the Conflict of a change with a row that has moved on, or that another node may be sending; nil if neither
// is so. toSend and owner are of the row as it is.
func Changed(c *store.Change, state webhook.DeliveryState, attempts int, toSend bool, owner int64) error {
	switch {
	case state.Final():
		return webhook.Errorf(webhook.Conflict, "delivery_final", "the delivery is %s already", state)
	case attempts != c.ExpectAttempts:
		return webhook.Errorf(webhook.Conflict, "delivery_changed",
			"the delivery has had %d attempts, not %d", attempts, c.ExpectAttempts)
	case c.Settler != 0 && toSend && owner != c.Settler:
		return webhook.Errorf(webhook.Conflict, store.WaitsElsewhere, "the delivery waits to be sent by another node")
	}
	return nil
}

// NudgeEntry is the outbox row of a change that asks for a nudge. owner is the row's.
func (s *Store) NudgeEntry(ctx context.Context, tx Querier, c *store.Change, owner int64) (OutboxEntry, error) {
	id, err := s.endpointID(ctx, tx, c.Delivery.EndpointKey)
	if err != nil {
		return OutboxEntry{}, err
	}
	return OutboxEntry{
		Owner: cmp.Or(c.Owner, owner), Class: store.OutboxWish, EventUID: c.Delivery.EventUID, Kind: store.OutboxNudge,
		EndpointID: id, CreatedAt: Micros(c.Delivery.UpdatedAt),
	}, nil
}

// WaitingFor is what a changed row waits for: nothing once it is final.
func WaitingFor(d *webhook.Delivery) string {
	if d.State.Final() {
		return ""
	}
	return string(d.WaitingFor)
}
