package receiver

import (
	"context"
	"encoding/csv"
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
	return &Client{url: url, http: &http.Client{Timeout: time.Minute}}
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

// Count is how many different events have come.
func (c *Client) Count(ctx context.Context) (n int, err error) {
	body, err := c.do(ctx, http.MethodGet, CountPath, "")
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, body.Close()) }()
	text, err := io.ReadAll(body)
	if err != nil {
		return 0, fmt.Errorf("read the receiver's count: %w", err)
	}
	return strconv.Atoi(string(text))
}

// Receipts is every request that came, in the order in which they did.
func (c *Client) Receipts(ctx context.Context) (receipts []Receipt, err error) {
	body, err := c.do(ctx, http.MethodGet, ReceiptsPath, "")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, body.Close()) }()
	lines := csv.NewReader(body)
	lines.FieldsPerRecord, lines.ReuseRecord = 4, true
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

func parseReceipt(fields []string) (r Receipt, err error) {
	var errs [3]error
	r.EventID = strings.Clone(fields[0])
	r.SentNS, errs[0] = strconv.ParseInt(fields[1], 10, 64)
	r.ReceivedNS, errs[1] = strconv.ParseInt(fields[2], 10, 64)
	r.Intact, errs[2] = strconv.ParseBool(fields[3])
	return r, errors.Join(errs[:]...)
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
