package activities

import (
	"context"
	"errors"

	"github.com/postrider/postrider/webhook"
)

// SettleParams ends one delivery.
type SettleParams struct {
	UID         int64                 `json:"uid"`
	EndpointKey int64                 `json:"endpoint_key"`
	EndpointID  string                `json:"endpoint_id"`
	State       webhook.DeliveryState `json:"state"`
	Reason      string                `json:"reason"`
}

// SettleResult is how the delivery stands now.
type SettleResult struct {
	V       int             `json:"v"`
	Outcome EndpointOutcome `json:"outcome"`
}

// Settle is a local activity: it ends a delivery for a reason that is no attempt, unless it is final
// already, or in flight: then that result counts first.
func (a *Activities) Settle(ctx context.Context, p SettleParams) (SettleResult, error) {
	standing, err := a.dispatcher.Settle(ctx, p.UID, p.EndpointKey, p.State, p.Reason)
	if errors.Is(err, webhook.NotFound) { // deleted by retention
		standing = Standing{Delivery: webhook.Delivery{EndpointID: p.EndpointID, State: p.State, Reason: p.Reason}}
		err = nil
	}
	if err != nil {
		return SettleResult{}, failure("end the delivery", err)
	}
	return SettleResult{V: ResultVersion, Outcome: outcomeOf(standing)}, nil
}
