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

// AcceptRow is an event to accept, as it is written.
type AcceptRow struct {
	Event                  webhook.Event // without UID and data
	Data                   []byte
	CreatedAt, CompletedAt int64
	EndpointsVersion       int64
	Owner                  int64
	Deliveries             []AcceptDelivery
}

// AcceptDelivery is a delivery of an event to accept, as it is written.
type AcceptDelivery struct {
	EndpointKey      int64
	State            webhook.DeliveryState
	WaitingFor       webhook.WaitingFor
	Budget           int
	PolicyID         int64
	DueAt, HeldSince int64
}

// Prepare is the rows of events to accept. Invalid if an event names an endpoint twice, which no
// caller should.
func (s *Store) Prepare(ctx context.Context, events []store.NewEvent) ([]AcceptRow, error) {
	rows := make([]AcceptRow, len(events))
	for i := range events {
		var err error
		if rows[i], err = s.prepare(ctx, &events[i]); err != nil {
			return nil, fmt.Errorf("accept event %s: %w", events[i].ID, err)
		}
	}
	return rows, nil
}

func (s *Store) prepare(ctx context.Context, e *store.NewEvent) (AcceptRow, error) {
	row := AcceptRow{
		Event: webhook.Event{
			Tenant: e.Tenant, ID: e.ID, Type: e.Type, Size: len(e.Data), Fingerprint: e.Fingerprint,
			TraceParent: Text(e.TraceParent), Generation: 1, CreatedAt: Stored(e.CreatedAt),
		},
		Data: e.Data, CreatedAt: Micros(e.CreatedAt), EndpointsVersion: e.EndpointsVersion, Owner: e.Owner,
		Deliveries: make([]AcceptDelivery, len(e.Deliveries)),
	}
	if row.Data == nil {
		row.Data = []byte{} // nil would be NULL
	}
	states := make([]webhook.DeliveryState, len(e.Deliveries))
	for i, d := range e.Deliveries {
		id, err := s.PolicyID(ctx, d.Policy)
		if err != nil {
			return AcceptRow{}, err
		}
		born := webhook.Delivery{}.Wait(cmp.Or(d.WaitingFor, webhook.WaitingForTurn), e.CreatedAt)
		row.Deliveries[i] = AcceptDelivery{
			EndpointKey: d.EndpointKey, State: born.State, WaitingFor: born.WaitingFor,
			Budget: d.Policy.MaximumAttempts, PolicyID: id, DueAt: Micros(born.DueAt),
		}
		if born.State == webhook.DeliveryHeld {
			row.Deliveries[i].HeldSince = row.CreatedAt
		}
		states[i] = born.State
	}
	if twice(row.Deliveries) {
		return AcceptRow{}, webhook.Errorf(webhook.Invalid, "", "an endpoint is named twice")
	}
	row.Event.State = webhook.SumEventState(states)
	if row.Event.State.Final() {
		row.CompletedAt, row.Event.CompletedAt = row.CreatedAt, row.Event.CreatedAt
	}
	return row, nil
}

// twice reports whether two deliveries go to one endpoint.
func twice(deliveries []AcceptDelivery) bool {
	if len(deliveries) < 2 {
		return false
	}
	seen := make(map[int64]bool, len(deliveries))
	for _, d := range deliveries {
		if seen[d.EndpointKey] {
			return true
		}
		seen[d.EndpointKey] = true
	}
	return false
}

// Duplicate is the answer for an event whose ID is taken; false if it is not.
func (s *Store) Duplicate(ctx context.Context, tx Querier, e *AcceptRow) (store.Accepted, bool, error) {
	first, err := s.event(ctx, tx, e.Event.Tenant, e.Event.ID, "")
	if errors.Is(err, webhook.NotFound) {
		return store.Accepted{}, false, nil
	}
	if err != nil {
		return store.Accepted{}, false, err
	}
	answer := store.Accepted{Status: store.AcceptedConflict, Event: first}
	if first.Fingerprint != e.Event.Fingerprint {
		return answer, true, nil
	}
	answer.Status = store.AcceptedDuplicate
	err = Read(ctx, tx, `SELECT p.id FROM deliveries d CROSS JOIN endpoints p
		WHERE d.event_uid = $1 AND p.key = d.endpoint_key ORDER BY d.endpoint_key`, []any{first.UID}, func(rows *sql.Rows) error {
		var id string
		err := rows.Scan(&id)
		answer.EndpointIDs = append(answer.EndpointIDs, id)
		return err
	})
	return answer, true, err
}
