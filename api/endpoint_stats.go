package api

import (
	"context"
	"fmt"
	"time"

	"github.com/postrider/postrider/webhook"
)

// statsPeriod is how far back attempts are counted if the caller says nothing.
const statsPeriod = 24 * time.Hour

// statsView counts what became of an endpoint's deliveries.
type statsView struct {
	EndpointID    string           `json:"endpoint_id" example:"ep_01jd0y2c5k7m9p1r3t5v7x9z0b"`
	Since         string           `json:"since" format:"date-time" doc:"Attempts are counted from here."`
	Deliveries    map[string]int64 `json:"deliveries" doc:"All deliveries by state." example:"{\"delivered\":41,\"retrying\":1}"`
	Attempts      map[string]int64 `json:"attempts" doc:"Attempts by outcome." example:"{\"delivered\":41,\"rejected\":3}"`
	LastAttemptAt *string          `json:"last_attempt_at" format:"date-time"`
}

type statsInput struct {
	EndpointPath
	Since time.Time `query:"since" doc:"Count attempts from here (RFC 3339). Default: a day ago."`
}

type statsOutput struct{ Body statsView }

func (s *server) getStats(ctx context.Context, in *statsInput) (*statsOutput, error) {
	endpoint, err := s.findEndpoint(ctx, in.Tenant, in.ID)
	if err != nil {
		return nil, err
	}
	since := in.Since
	if since.IsZero() {
		since = s.Now().Add(-statsPeriod)
	}
	stats, err := s.Store.EndpointStats(ctx, endpoint.Key, since)
	if err != nil {
		return nil, fmt.Errorf("count deliveries of endpoint %s: %w", in.ID, err)
	}
	view := statsView{
		EndpointID: endpoint.ID, Since: timestamp(since), LastAttemptAt: optionalTime(stats.LastAttemptAt),
		Deliveries: map[string]int64{}, Attempts: map[string]int64{},
	}
	for _, state := range webhook.DeliveryStates() {
		view.Deliveries[string(state)] = stats.Deliveries[state]
	}
	for _, outcome := range []webhook.Outcome{
		webhook.OutcomeDelivered, webhook.OutcomeRejected, webhook.OutcomeUnreachable, webhook.OutcomeBlocked, webhook.OutcomeUnknown,
	} {
		view.Attempts[string(outcome)] = stats.Attempts[outcome]
	}
	return &statsOutput{view}, nil
}
