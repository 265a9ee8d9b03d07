package client

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"

	"github.com/postrider/postrider/webhook"
)

// Readiness says whether a node does its work.
type Readiness struct {
	Status  string `json:"status"` // "ready" or "not_ready"
	Store   string `json:"store"`
	Senders string `json:"senders"`
	Intake  string `json:"intake"`
	Engine  string `json:"engine"`
	Backlog int64  `json:"backlog"`
	Reason  string `json:"reason"`
}

// Ready reports whether the node does its work.
func (r Readiness) Ready() bool { return r.Status == "ready" }

// Readiness asks a node. That it is not ready is an answer, not an error.
func (c *Client) Readiness(ctx context.Context) (Answer[Readiness], error) {
	var answer Answer[Readiness]
	status, text, err := c.send(ctx, http.MethodGet, "/readyz", nil, nil)
	if err != nil && !errors.Is(err, webhook.Unavailable) {
		return answer, err
	}
	answer.JSON = text
	if json.Unmarshal(text, &answer.Value) != nil || answer.Value.Status == "" {
		return answer, &Problem{Status: status}
	}
	return answer, nil
}
