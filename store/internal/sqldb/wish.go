package sqldb

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/postrider/postrider/store"
	"github.com/postrider/postrider/webhook"
)

// Wish implements store.Events.
func (s *Store) Wish(ctx context.Context, w store.WishRequest) (webhook.Event, []webhook.Delivery, error) {
	var (
		event     webhook.Event
		concerned []webhook.Delivery
	)
	err := s.backend.Write(ctx, func(tx Querier) (err error) {
		event, concerned, err = s.wish(ctx, tx, w)
		return err
	})
	if err != nil {
		return webhook.Event{}, nil, fmt.Errorf("%s event %s: %w", w.Wish, w.EventID, err)
	}
	return event, concerned, nil
}

func (s *Store) wish(ctx context.Context, tx Querier, w store.WishRequest) (webhook.Event, []webhook.Delivery, error) {
	event, err := s.event(ctx, tx, w.Tenant, w.EventID, s.dialect.ForUpdate)
	if err != nil {
		return event, nil, err
	}
	all, err := s.eventDeliveries(ctx, tx, event.UID)
	if err != nil {
		return event, nil, err
	}
	named, err := pick(all, w.EndpointIDs)
	if err != nil {
		return event, nil, err
	}
	var concerned []webhook.Delivery
	for _, d := range named {
		d, owner, ok := grant(d, w)
		if !ok {
			continue
		}
		if err := s.writeWish(ctx, tx, d, owner); err != nil {
			return event, nil, err
		}
		concerned = append(concerned, d)
	}
	if len(concerned) == 0 {
		return event, nil, webhook.Errorf(webhook.Conflict, "nothing_to_"+string(w.Wish), "there is no delivery to %s", w.Wish)
	}
	if event, err = s.putWish(ctx, tx, event, w); err != nil {
		return event, nil, err
	}
	return event, concerned, nil
}

// pick chooses deliveries by endpoint; no IDs choose all.
func pick(all []webhook.Delivery, endpointIDs []string) ([]webhook.Delivery, error) {
	if len(endpointIDs) == 0 {
		return all, nil
	}
	var named []webhook.Delivery
	for _, d := range all {
		if slices.Contains(endpointIDs, d.EndpointID) {
			named = append(named, d)
		}
	}
	for _, id := range endpointIDs {
		if !slices.ContainsFunc(named, func(d webhook.Delivery) bool { return d.EndpointID == id }) {
			return nil, webhook.Errorf(webhook.NotFound, "", "the event has no delivery to endpoint %s", id)
		}
	}
	return named, nil
}

// grant is the delivery as the wish leaves it, and its new owner if not 0; false if the wish does
// not concern it.
func grant(d webhook.Delivery, w store.WishRequest) (webhook.Delivery, int64, bool) {
	now := Stored(w.Now)
	d.UpdatedAt = now
	if d.State.Open() {
		d.Wish = w.Wish
		return d, 0, true
	}
	forced := w.Force && len(w.EndpointIDs) > 0
	if w.Wish != webhook.WishRetry || d.State == webhook.DeliveryDelivered && !forced {
		return d, 0, false
	}
	d.Budget = d.Attempts + d.Policy.MaximumAttempts
	d.Wish, d.Reason, d.CompletedAt = webhook.WishNone, "", time.Time{}
	return d.Wait(webhook.WaitingForTurn, now), w.Owner, true
}

func (s *Store) writeWish(ctx context.Context, tx Querier, d webhook.Delivery, owner int64) error {
	_, err := tx.ExecContext(ctx, `UPDATE deliveries SET state = $1, waiting_for = $2, wish = $3, reason = $4, budget = $5,
		due_at = $6, updated_at = $7, completed_at = $8, owner = CASE WHEN CAST($9 AS BIGINT) = 0 THEN owner ELSE $9 END
		WHERE event_uid = $10 AND endpoint_key = $11`,
		string(d.State), string(d.WaitingFor), string(d.Wish), d.Reason, d.Budget,
		Micros(d.DueAt), Micros(d.UpdatedAt), Micros(d.CompletedAt), owner, d.EventUID, d.EndpointKey)
	return err
}

// putWish puts what the engine has to do into the outbox and brings the event up to date.
func (s *Store) putWish(ctx context.Context, tx Querier, event webhook.Event, w store.WishRequest) (webhook.Event, error) {
	entry := OutboxEntry{
		Owner: w.Owner, Class: store.OutboxWish, EventUID: event.UID,
		Kind: store.OutboxNudge, Wish: w.Wish, CreatedAt: Micros(w.Now),
	}
	var entries []OutboxEntry
	if event.State.Final() && !w.Quiet { // its workflow has closed: a new run
		event.Generation++
		entry.Kind, entry.Wish = store.OutboxStart, webhook.WishNone
		if _, err := tx.ExecContext(ctx, `UPDATE events SET generation = $1 WHERE uid = $2`, event.Generation, event.UID); err != nil {
			return event, err
		}
	} else {
		for _, id := range w.EndpointIDs {
			entry.EndpointID = id
			entries = append(entries, entry)
		}
	}
	if len(entries) == 0 {
		entries = []OutboxEntry{entry}
	}
	if w.Quiet {
		entries = nil
	}
	others, err := readKeys(ctx, tx, `SELECT DISTINCT d.owner FROM deliveries d
		WHERE d.event_uid = $1 AND `+deliveryToSend+` AND d.owner <> $2 ORDER BY d.owner`, event.UID, w.Owner)
	if err != nil {
		return event, err
	}
	for _, other := range others {
		entries = append(entries, OutboxEntry{
			Owner: other, Class: store.OutboxWish, EventUID: event.UID, Kind: store.OutboxLook, CreatedAt: Micros(w.Now),
		})
	}
	if err := s.PutOutbox(ctx, tx, entries); err != nil {
		return event, err
	}
	if err := s.RefreshEvents(ctx, tx, []int64{event.UID}); err != nil {
		return event, err
	}
	return s.event(ctx, tx, event.Tenant, event.ID, "")
}

// WishEndpoint implements store.Dispatch. What is open is either with a node to be sent, or held
// or with Temporal; there is an index for each.
func (s *Store) WishEndpoint(ctx context.Context, endpointKey int64, wish webhook.Wish, reason string, owner int64, limit int, now time.Time) (int, error) {
	done := 0
	for _, open := range []string{
		deliveryToSend + ` AND d.owner IN (SELECT key FROM nodes)`,
		deliveryAside + ` AND d.state = 'retrying'`,
		deliveryAside + ` AND d.state = 'held'`,
		deliveryAside + ` AND d.state = 'pending'`,
	} {
		open += ` AND d.endpoint_key = $1 AND d.wish <> $2`
		for done < limit {
			n, err := s.changeMany(ctx, "put wish on deliveries", open, []any{endpointKey, string(wish)}, "d.event_uid", limit-done,
				func(tx Querier, rows []manyRow) error {
					if err := s.updateEach(ctx, tx, rows, `wish = $3, reason = $4, updated_at = $5`, string(wish), reason, Micros(now)); err != nil {
						return err
					}
					return s.nudge(ctx, tx, rows, owner, wish, now)
				})
			if err != nil {
				return done, err
			}
			if n == 0 {
				break
			}
			done += n
		}
	}
	return done, nil
}
