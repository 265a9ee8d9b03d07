package sqldb

import (
	"context"
	"fmt"

	"github.com/postrider/postrider/webhook"
)

const (
	// heldByEndpoint: an enabled endpoint has a delivery that is held for its sake.
	heldByEndpoint = `p.state = 'enabled' AND EXISTS (SELECT 1 FROM deliveries d WHERE d.endpoint_key = p.key
		AND ` + deliveryAside + ` AND d.state = 'held' AND d.waiting_for IN ('endpoint_paused', 'endpoint_disabled'))`
	// openOfDeleted: a deleted endpoint has an open delivery that is not to be cancelled.
	openOfDeleted = `p.state = 'deleted' AND (EXISTS (SELECT 1 FROM deliveries d WHERE d.endpoint_key = p.key
		AND ` + deliveryAside + ` AND d.state IN ('pending', 'retrying', 'held') AND d.wish <> 'cancel')
		OR EXISTS (SELECT 1 FROM nodes n CROSS JOIN deliveries d WHERE d.owner = n.key AND d.endpoint_key = p.key
		AND ` + deliveryToSend + ` AND d.wish <> 'cancel'))`
)

// OutOfStep implements store.Dispatch.
func (s *Store) OutOfStep(ctx context.Context, limit int) ([]webhook.Endpoint, error) {
	var found []webhook.Endpoint
	for _, condition := range []string{heldByEndpoint, openOfDeleted} {
		endpoints, err := readEndpoints(ctx, s.backend.Reader(), `SELECT `+endpointColumns+` FROM endpoints p
			WHERE `+condition+` ORDER BY p.key LIMIT $1`, []any{limit - len(found)})
		if err != nil {
			return nil, fmt.Errorf("list endpoints out of step: %w", err)
		}
		found = append(found, endpoints...)
	}
	return found, nil
}
