package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/postrider/postrider/bench/internal/receiver"
)

// endpoint is what Postrider is told of an endpoint.
type endpoint struct {
	URL        string         `json:"url"`
	EventTypes []string       `json:"event_types"`
	Tenant     string         `json:"tenant,omitempty"`
	Secret     string         `json:"secret"`
	Policy     map[string]any `json:"policy,omitempty"` // of which the default is the rest
}

// addEndpoint creates one more endpoint, at the receiver, that answers in a way, and is its path.
func (b *bed) addEndpoint(ctx context.Context, way string, e endpoint) (path string, err error) {
	b.added++
	path = receiver.Path(way, b.added)
	e.URL, e.Secret = b.receiver.URL(path), b.secret
	return path, b.createEndpoint(ctx, e)
}

func (s *system) createEndpoint(ctx context.Context, e endpoint) (err error) {
	body, err := json.Marshal(e)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.url+"/v1/endpoints", bytes.NewReader(body)) //nolint:gosec // our own server
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", "Bearer "+s.key)
	resp, err := (&http.Client{Timeout: 10 * time.Second}).Do(req) //nolint:gosec // the same
	if err != nil {
		return fmt.Errorf("create an endpoint: %w", err)
	}
	defer func() { err = errors.Join(err, resp.Body.Close()) }()
	var problem struct {
		Detail string `json:"detail"`
	}
	if err := json.NewDecoder(resp.Body).Decode(&problem); err != nil {
		return fmt.Errorf("create an endpoint: %s: %w", resp.Status, err)
	}
	if resp.StatusCode != http.StatusCreated {
		return fmt.Errorf("create an endpoint: %s: %s", resp.Status, problem.Detail)
	}
	return nil
}
