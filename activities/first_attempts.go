package activities

import (
	"context"
	"errors"

	"github.com/postrider/postrider/webhook"
)

// FirstAttemptsParams names the event and the endpoints that the workflow has.
type FirstAttemptsParams struct {
	UID          int64   `json:"uid"`
	EndpointKeys []int64 `json:"endpoint_keys"`
}

// FirstAttemptsResult has one outcome for each endpoint.
type FirstAttemptsResult struct {
	V         int               `json:"v"`
	Endpoints []EndpointOutcome `json:"endpoints"`
	// Gone: retention has deleted the event, so that nothing is left to deliver.
	Gone bool `json:"gone,omitempty"`
}

// FirstAttempts is a local activity: it makes the first attempt of each of the event's deliveries,
// or returns what is known of them. It never waits for long; what is not over by then is
// `waiting` or `in_flight`, and the workflow is sent the signal `outcome` when it is.
func (a *Activities) FirstAttempts(ctx context.Context, p FirstAttemptsParams) (FirstAttemptsResult, error) {
	standings, err := a.dispatcher.FirstAttempts(ctx, p.UID, p.EndpointKeys)
	if errors.Is(err, webhook.NotFound) {
		return FirstAttemptsResult{V: ResultVersion, Gone: true}, nil
	}
	if err != nil {
		return FirstAttemptsResult{}, failure("read the event's deliveries", err)
	}
	result := FirstAttemptsResult{V: ResultVersion, Endpoints: make([]EndpointOutcome, len(standings))}
	for i, s := range standings {
		result.Endpoints[i] = outcomeOf(s)
	}
	return result, nil
}
