package load

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
)

// answer is what the API said to a request. The status of a batch is 202 only if each of its events was accepted.
type answer struct {
	status     int
	retryAfter bool
}

func (g *generator) send(ctx context.Context, path string, body []byte) (a answer, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, g.URL+path, bytes.NewReader(body))
	if err != nil {
		return a, err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", "Bearer "+g.Key)
	resp, err := g.client.Do(req)
	if err != nil {
		return a, fmt.Errorf("post an event: %w", err)
	}
	defer func() { _ = resp.Body.Close() }()
	a = answer{resp.StatusCode, resp.Header.Get("Retry-After") != ""}
	if g.Batch == 1 || resp.StatusCode != http.StatusAccepted {
		_, err = io.Copy(io.Discard, resp.Body)
		return a, err
	}
	a.status, err = batchStatus(resp.Body)
	return a, err
}

func batchStatus(body io.Reader) (int, error) {
	var answer struct {
		Data []struct {
			Status int `json:"status"`
		} `json:"data"`
	}
	if err := json.NewDecoder(body).Decode(&answer); err != nil {
		return 0, fmt.Errorf("read the answer to a batch: %w", err)
	}
	for _, item := range answer.Data {
		if item.Status != http.StatusAccepted {
			return item.Status, nil
		}
	}
	return http.StatusAccepted, nil
}
