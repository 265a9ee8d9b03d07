package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"path/filepath"
	"time"

	"github.com/postrider/postrider/bench/internal/child"
	"github.com/postrider/postrider/bench/internal/receiver"
	"github.com/postrider/postrider/workflows"
)

// Event types of the two endpoints.
const (
	aliveType = "bench.alive"
	deadType  = "bench.dead"
)

// startPostrider runs `postrider serve` in a new data directory, as it comes but for what o says, with one
// endpoint that answers and one that never does.
func startPostrider(ctx context.Context, o options, dir string, r *receiver.Client) (_ *system, err error) {
	api, err1 := freeAddress(ctx)
	temporal, err2 := freeAddress(ctx)
	if err := errors.Join(err1, err2); err != nil {
		return nil, err
	}
	s := &system{url: "http://" + api, key: "bench-" + rand.Text()}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.stop())
		}
	}()
	args := []string{
		"serve", "--dev", "--listen", api, "--data-dir", filepath.Join(dir, "data"),
		"--temporal-listen", temporal, "--temporal-ui-listen", "off",
	}
	if o.firstAttempt != "" {
		args = append(args, "--first-attempt", o.firstAttempt)
	}
	err = s.start(dir, child.Command{
		Name: "postrider", Path: o.postrider, Args: append(args, o.serveArgs...), Env: []string{"POSTRIDER_ADMIN_KEY=" + s.key},
	})
	if err != nil {
		return nil, err
	}
	if err := s.awaitReady(ctx); err != nil {
		return nil, err
	}
	if s.workflows, err = s.awaitTemporal(ctx, temporal, workflows.DeliverEventName); err != nil {
		return nil, err
	}
	secret, err := s.createEndpoint(ctx, r.URL(receiver.AlivePath), aliveType)
	if err != nil {
		return nil, err
	}
	if _, err := s.createEndpoint(ctx, r.URL(receiver.DeadPath), deadType); err != nil {
		return nil, err
	}
	return s, r.SetSecret(ctx, secret)
}

// createEndpoint is the new endpoint's secret.
func (s *system) createEndpoint(ctx context.Context, url, eventType string) (_ string, err error) {
	body, err := json.Marshal(map[string]any{"url": url, "event_types": []string{eventType}})
	if err != nil {
		return "", err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.url+"/v1/endpoints", bytes.NewReader(body))
	if err != nil {
		return "", err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", "Bearer "+s.key)
	resp, err := (&http.Client{Timeout: 10 * time.Second}).Do(req)
	if err != nil {
		return "", fmt.Errorf("create an endpoint: %w", err)
	}
	defer func() { err = errors.Join(err, resp.Body.Close()) }()
	var endpoint struct {
		Secret string `json:"secret"`
		Detail string `json:"detail"`
	}
	if err := json.NewDecoder(resp.Body).Decode(&endpoint); err != nil {
		return "", fmt.Errorf("create an endpoint: %s: %w", resp.Status, err)
	}
	if resp.StatusCode != http.StatusCreated {
		return "", fmt.Errorf("create an endpoint: %s: %s", resp.Status, endpoint.Detail)
	}
	return endpoint.Secret, nil
}
