// Package client calls Postrider's REST API. Every answer is there twice: decoded, and as the bytes
// that came.
package client

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"
)

// Config says which API to call. Only API must be given.
type Config struct {
	API       string        // base URL, such as http://127.0.0.1:8080
	Key       string        // an admin's or a tenant's; empty: none is sent
	UserAgent string        // empty: Go's own
	Timeout   time.Duration // of one call; 0: 30 s
}

// Client calls one API. It is safe for concurrent use.
type Client struct {
	base *url.URL
	cfg  Config
	http *http.Client
}

// maxAnswer is more than the API ever answers with: 250 events with 1 MiB of data each.
const maxAnswer = 512 << 20

// New checks the configuration. It makes no connection.
func New(cfg Config) (*Client, error) {
	base, err := url.Parse(strings.TrimRight(cfg.API, "/"))
	if err != nil || (base.Scheme != "http" && base.Scheme != "https") || base.Host == "" || base.RawQuery != "" || base.User != nil {
		return nil, fmt.Errorf("%q is not the address of an API, such as http://127.0.0.1:8080", cfg.API)
	}
	if cfg.Timeout == 0 {
		cfg.Timeout = 30 * time.Second
	}
	return &Client{base: base, cfg: cfg, http: &http.Client{Timeout: cfg.Timeout}}, nil
}

// Answer is what the API answered. Value is JSON decoded; JSON is empty where nothing came.
type Answer[T any] struct {
	Value T
	JSON  []byte
}

// call asks for path, which is escaped already. A nil body sends none.
func call[T any](ctx context.Context, c *Client, method, path string, query url.Values, body []byte) (Answer[T], error) {
	var answer Answer[T]
	status, text, err := c.send(ctx, method, path, query, body)
	if err != nil {
		return answer, err
	}
	answer.JSON = text
	if status == http.StatusNoContent {
		return answer, nil
	}
	if err := json.Unmarshal(text, &answer.Value); err != nil {
		return answer, fmt.Errorf("%s does not answer as Postrider does: %w", c.base, err)
	}
	return answer, nil
}

// send returns what a request with a status of success was answered with, else a *Problem or an
// *Unreachable.
func (c *Client) send(ctx context.Context, method, path string, query url.Values, body []byte) (status int, text []byte, err error) {
	target := c.base.String() + path
	if len(query) > 0 {
		target += "?" + query.Encode()
	}
	request, err := http.NewRequestWithContext(ctx, method, target, bytes.NewReader(body))
	if err != nil {
		return 0, nil, fmt.Errorf("make the request: %w", err)
	}
	if len(body) > 0 {
		request.Header.Set("Content-Type", "application/json")
	}
	if c.cfg.Key != "" {
		request.Header.Set("Authorization", "Bearer "+c.cfg.Key)
	}
	if c.cfg.UserAgent != "" {
		request.Header.Set("User-Agent", c.cfg.UserAgent)
	}
	response, err := c.http.Do(request)
	if err != nil {
		return 0, nil, c.unreachable(ctx, err)
	}
	defer func() { _ = response.Body.Close() }() // read to its end, or given up
	if text, err = io.ReadAll(io.LimitReader(response.Body, maxAnswer)); err != nil {
		return 0, nil, c.unreachable(ctx, err)
	}
	if response.StatusCode < 200 || response.StatusCode > 299 {
		return response.StatusCode, text, problemOf(response, text)
	}
	return response.StatusCode, text, nil
}

// Unreachable is the error of a call that was not answered.
type Unreachable struct {
	API   string
	Cause error
}

// Error says why in a few words.
func (u *Unreachable) Error() string {
	why := u.Cause.Error()
	var (
		failed  *os.SyscallError
		unknown *net.DNSError
		timeout net.Error
	)
	switch {
	case errors.As(u.Cause, &failed):
		why = failed.Err.Error()
	case errors.As(u.Cause, &unknown):
		why = "no such host"
	case errors.As(u.Cause, &timeout) && timeout.Timeout():
		why = "it takes too long"
	}
	return fmt.Sprintf("no answer from %s: %s", u.API, why)
}

// Unwrap gives the cause.
func (u *Unreachable) Unwrap() error { return u.Cause }

// unreachable leaves an end of ctx as it is: nobody failed to answer then.
func (c *Client) unreachable(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if wrapped, ok := errors.AsType[*url.Error](err); ok {
		err = wrapped.Err
	}
	return &Unreachable{API: c.base.String(), Cause: err}
}
