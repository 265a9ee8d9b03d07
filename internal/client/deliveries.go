package client

import (
	"context"
	"net/http"
	"net/url"
	"time"

	"github.com/postrider/postrider/webhook"
)

// Delivery is one event to one endpoint.
type Delivery struct {
	EventID        string                `json:"event_id"`
	EventType      string                `json:"event_type"`
	EndpointID     string                `json:"endpoint_id"`
	Tenant         string                `json:"tenant"`
	State          webhook.DeliveryState `json:"state"`
	WaitingFor     webhook.WaitingFor    `json:"waiting_for"`
	Wish           webhook.Wish          `json:"wish"`
	Reason         string                `json:"reason"`
	Attempts       int                   `json:"attempts"`
	MaxAttempts    int                   `json:"maximum_attempts"`
	NextAttemptAt  time.Time             `json:"next_attempt_at"` // zero: none to come
	LastStatus     int                   `json:"last_status"`     // 0: no attempt yet, or no answer
	LastErrorClass webhook.ErrorClass    `json:"last_error_class"`
	LastError      string                `json:"last_error"`
	CreatedAt      time.Time             `json:"created_at"`
	UpdatedAt      time.Time             `json:"updated_at"`
	CompletedAt    time.Time             `json:"completed_at"` // zero while it is open
}

// Attempt is one HTTP request of a delivery.
type Attempt struct {
	ID         string             `json:"id"`
	EventID    string             `json:"event_id"`
	EndpointID string             `json:"endpoint_id"`
	Number     int                `json:"number"`
	Outcome    webhook.Outcome    `json:"outcome"`
	Status     int                `json:"status"` // 0: no answer
	ErrorClass webhook.ErrorClass `json:"error_class"`
	Error      string             `json:"error"`
	StartedAt  time.Time          `json:"started_at"`
	DurationMS float64            `json:"duration_ms"`
}

// Deliveries lists deliveries. Filters are those of GET /v1/deliveries.
func (c *Client) Deliveries(ctx context.Context, filters url.Values) (Answer[Page[Delivery]], error) {
	return call[Page[Delivery]](ctx, c, http.MethodGet, "/v1/deliveries", filters, nil)
}

// Attempts lists attempts. Filters are those of GET /v1/attempts.
func (c *Client) Attempts(ctx context.Context, filters url.Values) (Answer[Page[Attempt]], error) {
	return call[Page[Attempt]](ctx, c, http.MethodGet, "/v1/attempts", filters, nil)
}
