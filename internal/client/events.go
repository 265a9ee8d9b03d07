package client

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/postrider/postrider/webhook"
)

// NewEvent is an event to post. ID and Tenant may be empty: then the API chooses them.
type NewEvent struct {
	ID, Type, Tenant string
	Data             []byte // JSON; receivers get exactly these bytes
}

// body is written by hand, because encoding/json would take the spaces out of the data.
func (e NewEvent) body() ([]byte, error) {
	if !json.Valid(e.Data) {
		var v any
		return nil, fmt.Errorf("the data is not JSON: %w", json.Unmarshal(e.Data, &v))
	}
	head, err := json.Marshal(struct {
		ID     string `json:"id,omitempty"`
		Type   string `json:"type"`
		Tenant string `json:"tenant,omitempty"`
	}{e.ID, e.Type, e.Tenant})
	if err != nil {
		return nil, err
	}
	return bytes.Join([][]byte{bytes.TrimSuffix(head, []byte("}")), []byte(`,"data":`), bytes.TrimSpace(e.Data), []byte("}")}, nil), nil
}

// Accepted is the answer to a posted event.
type Accepted struct {
	ID          string             `json:"id"`
	Type        string             `json:"type"`
	Tenant      string             `json:"tenant"`
	State       webhook.EventState `json:"state"`
	Duplicate   bool               `json:"duplicate"` // it had been accepted before
	WorkflowID  string             `json:"workflow_id"`
	EndpointIDs []string           `json:"endpoint_ids"`
	CreatedAt   time.Time          `json:"created_at"`
}

// Event is an event as the API shows it. Deliveries, Data and Workflow are there if they were asked
// for.
type Event struct {
	ID          string             `json:"id"`
	Type        string             `json:"type"`
	Tenant      string             `json:"tenant"`
	State       webhook.EventState `json:"state"`
	WorkflowID  string             `json:"workflow_id"`
	Size        int                `json:"size"`
	CreatedAt   time.Time          `json:"created_at"`
	CompletedAt time.Time          `json:"completed_at"` // zero while anything is open
	Data        json.RawMessage    `json:"data"`
	Deliveries  []Delivery         `json:"deliveries"`
	Workflow    *Workflow          `json:"workflow"`
}

// Workflow is Temporal's own view of an event's workflow.
type Workflow struct {
	Status  string    `json:"status"`
	RunID   string    `json:"run_id"`
	Pending []Pending `json:"pending_activities"`
	Error   string    `json:"error"`
}

// Pending is an activity that Temporal has not seen the end of.
type Pending struct {
	Type          string    `json:"type"`
	EndpointID    string    `json:"endpoint_id"`
	State         string    `json:"state"`
	Attempt       int       `json:"attempt"`
	LastFailure   string    `json:"last_failure"`
	NextAttemptAt time.Time `json:"next_attempt_at"`
}

// Page is one page of a list.
type Page[T any] struct {
	Data       []T    `json:"data"`
	NextCursor string `json:"next_cursor"` // empty on the last page
	PrevCursor string `json:"prev_cursor"`
	HasMore    bool   `json:"has_more"`
}

// PostEvent has an event delivered.
func (c *Client) PostEvent(ctx context.Context, e NewEvent) (Answer[Accepted], error) {
	body, err := e.body()
	if err != nil {
		return Answer[Accepted]{}, err
	}
	return call[Accepted](ctx, c, http.MethodPost, "/v1/events", nil, body)
}

// Events lists events. Filters are those of GET /v1/events.
func (c *Client) Events(ctx context.Context, filters url.Values) (Answer[Page[Event]], error) {
	return call[Page[Event]](ctx, c, http.MethodGet, "/v1/events", filters, nil)
}

// Event is one event. An empty tenant is the key's own.
func (c *Client) Event(ctx context.Context, tenant, id, include string) (Answer[Event], error) {
	query := ofTenant(tenant)
	if include != "" {
		query.Set("include", include)
	}
	return call[Event](ctx, c, http.MethodGet, eventPath(id, ""), query, nil)
}

// Wish says which deliveries of an event to cancel or retry.
type Wish struct {
	EndpointIDs []string `json:"endpoint_ids,omitempty"` // empty: all
	Force       bool     `json:"force,omitempty"`        // also send again what was delivered; retry only
}

// Retry asks for the next attempt of what is open to be made now, and for what ended undelivered to
// be taken up again.
func (c *Client) Retry(ctx context.Context, tenant, id string, w Wish) (Answer[Event], error) {
	return c.wish(ctx, tenant, eventPath(id, "/retry"), w)
}

// Cancel asks for what is open to be given up.
func (c *Client) Cancel(ctx context.Context, tenant, id string, w Wish) (Answer[Event], error) {
	return c.wish(ctx, tenant, eventPath(id, "/cancel"), w)
}

func (c *Client) wish(ctx context.Context, tenant, path string, w Wish) (Answer[Event], error) {
	body, err := json.Marshal(w)
	if err != nil {
		return Answer[Event]{}, err
	}
	return call[Event](ctx, c, http.MethodPost, path, ofTenant(tenant), body)
}

func eventPath(id, rest string) string { return "/v1/events/" + url.PathEscape(id) + rest }

func ofTenant(tenant string) url.Values {
	query := url.Values{}
	if tenant != "" {
		query.Set("tenant", tenant)
	}
	return query
}
