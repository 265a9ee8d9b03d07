package receiver

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Client asks a receiver in another process.
type Client struct {
	url  string // without a path
	http *http.Client
}

// NewClient asks the receiver at the URL, which has no path.
func NewClient(url string) *Client {
	return &Client{url: url, http: &http.Client{Timeout: 5 * time.Minute}}
}

// URL is where the receiver gets webhooks for the path.
func (c *Client) URL(path string) string { return c.url + path }

// SetSecret has every request from now on verified with the secret.
func (c *Client) SetSecret(ctx context.Context, secret string) error {
	body, err := c.do(ctx, http.MethodPut, SecretPath, secret)
	if err != nil {
		return err
	}
	return body.Close()
}

// Return has the endpoints that are down or silent return after a time.
func (c *Client) Return(ctx context.Context, after time.Duration) error {
	body, err := c.do(ctx, http.MethodPut, ReturnPath, strconv.FormatFloat(after.Seconds(), 'f', -1, 64))
	if err != nil {
		return err
	}
	return body.Close()
}

// Counts are how many deliveries have come.
func (c *Client) Counts(ctx context.Context) (counts Counts, err error) {
	body, err := c.do(ctx, http.MethodGet, CountPath, "")
	if err != nil {
		return counts, err
	}
	defer func() { err = errors.Join(err, body.Close()) }()
	if err := json.NewDecoder(body).Decode(&counts); err != nil {
		return counts, fmt.Errorf("read the receiver's counts: %w", err)
	}
	return counts, nil
}

// Delivered is how many deliveries were answered 204.
func (c *Client) Delivered(ctx context.Context) (int, error) {
	counts, err := c.Counts(ctx)
	return counts.Delivered, err
}

// Refused is how many deliveries were answered otherwise at least once.
func (c *Client) Refused(ctx context.Context) (int, error) {
	counts, err := c.Counts(ctx)
	return counts.Refused, err
}

// Receipts is every request that came, in the order in which they did.
func (c *Client) Receipts(ctx context.Context) (receipts []Receipt, err error) {
	body, err := c.do(ctx, http.MethodGet, ReceiptsPath, "")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, body.Close()) }()
	lines := csv.NewReader(body)
	lines.FieldsPerRecord, lines.ReuseRecord = 6, true
	for {
		fields, err := lines.Read()
		if errors.Is(err, io.EOF) {
			return receipts, nil
		}
		if err != nil {
			return nil, fmt.Errorf("read the receipts: %w", err)
		}
		receipt, err := parseReceipt(fields)
		if err != nil {
			return nil, fmt.Errorf("read the receipts: %w", err)
		}
		receipts = append(receipts, receipt)
	}
}

func (c *Client) do(ctx context.Context, method, path, body string) (io.ReadCloser, error) {
	req, err := http.NewRequestWithContext(ctx, method, c.url+path, strings.NewReader(body))
	if err != nil {
		return nil, err
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, fmt.Errorf("ask the receiver: %w", err)
	}
	if resp.StatusCode != http.StatusOK {
		return nil, errors.Join(fmt.Errorf("ask the receiver: %s %s: %s", method, path, resp.Status), resp.Body.Close())
	}
	return resp.Body, nil
}
