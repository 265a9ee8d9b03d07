package sqldb

import (
	"context"
	"fmt"
	"sync"

	"github.com/postrider/postrider/webhook"
)

// policies remembers which row holds which policy. Rows are never changed or deleted, and there
// are few: one for each distinct policy that an event was accepted under.
type policies struct {
	mu   *sync.RWMutex
	keys map[policyKey]int64
	byID map[int64]webhook.Policy
}

// policyKey is a policy that can be compared.
type policyKey struct {
	initial, maximum, timeout webhook.Duration
	coefficient, jitter       float64
	attempts                  int
	statuses                  string
}

func newPolicies() policies {
	return policies{mu: new(sync.RWMutex), keys: map[policyKey]int64{}, byID: map[int64]webhook.Policy{}}
}

func keyOf(p webhook.Policy) policyKey {
	key := policyKey{p.InitialInterval, p.MaximumInterval, p.Timeout, p.BackoffCoefficient, p.Jitter, p.MaximumAttempts, ""}
	if len(p.PermanentStatuses) > 0 {
		key.statuses = fmt.Sprint(p.PermanentStatuses)
	}
	return key
}

func (ps *policies) remember(id int64, p webhook.Policy) {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	ps.keys[keyOf(p)], ps.byID[id] = id, p
}

func (ps *policies) id(p webhook.Policy) (int64, bool) {
	ps.mu.RLock()
	defer ps.mu.RUnlock()
	id, ok := ps.keys[keyOf(p)]
	return id, ok
}

func (ps *policies) get(id int64) (webhook.Policy, bool) {
	ps.mu.RLock()
	defer ps.mu.RUnlock()
	p, ok := ps.byID[id]
	return p, ok
}

// PolicyID is the row that holds the policy; it is written first if there is none. Call it before
// the transaction that refers to the row, so that a row remembered is a row committed.
func (s *Store) PolicyID(ctx context.Context, p webhook.Policy) (int64, error) {
	if id, ok := s.policies.id(p); ok {
		return id, nil
	}
	var id int64
	err := s.backend.Write(ctx, func(tx Querier) error {
		text := p.String()
		if _, err := tx.ExecContext(ctx, `INSERT INTO policies (policy) VALUES ($1) ON CONFLICT (policy) DO NOTHING`, text); err != nil {
			return err
		}
		return tx.QueryRowContext(ctx, `SELECT id FROM policies WHERE policy = $1`, text).Scan(&id)
	})
	if err != nil {
		return 0, fmt.Errorf("store policy: %w", err)
	}
	s.policies.remember(id, p)
	return id, nil
}

// fillPolicies sets the policies of deliveries that were just read.
func (s *Store) fillPolicies(ctx context.Context, q Querier, rows []deliveryRow) error {
	for i := range rows {
		p, ok := s.policies.get(rows[i].policyID)
		if !ok {
			err := q.QueryRowContext(ctx, `SELECT policy FROM policies WHERE id = $1`, rows[i].policyID).Scan(jsonInto{&p})
			if err != nil {
				return fmt.Errorf("load policy %d: %w", rows[i].policyID, err)
			}
			s.policies.remember(rows[i].policyID, p)
		}
		rows[i].Policy = p
	}
	return nil
}

// endpointID is the public ID of an endpoint, which never changes.
func (s *Store) endpointID(ctx context.Context, q Querier, key int64) (string, error) {
	s.mu.RLock()
	id, ok := s.endpointIDs[key]
	s.mu.RUnlock()
	if ok {
		return id, nil
	}
	err := q.QueryRowContext(ctx, `SELECT id FROM endpoints WHERE key = $1`, key).Scan(&id)
	if err != nil {
		return "", fmt.Errorf("load id of endpoint %d: %w", key, notFound(err, "endpoint"))
	}
	s.mu.Lock()
	s.endpointIDs[key] = id
	s.mu.Unlock()
	return id, nil
}
