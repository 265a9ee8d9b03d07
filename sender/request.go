package sender

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"time"

	"github.com/postrider/postrider/signing"
)

// Header names in the form of http.Header's keys.
const (
	keyID          = "Webhook-Id"
	keyTimestamp   = "Webhook-Timestamp"
	keySignature   = "Webhook-Signature"
	keyContentType = "Content-Type"
	keyUserAgent   = "User-Agent"
	keyTraceParent = "Traceparent"
)

var errNotAURL = errors.New("not an http or https URL with a host")

const redactedValue = "[redacted]"

// request is the signed request and its headers as they are kept: names in lower case, values of
// the endpoint's own credentials hidden.
func (s *Sender) request(ctx context.Context, r Request, at time.Time) (*http.Request, map[string]string, error) {
	u, err := url.Parse(r.URL)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil, nil, errNotAURL
	}
	header := make(http.Header, len(r.Headers)+6)
	sent := make(map[string]string, len(r.Headers)+6)
	// One array for all values: a request has about six headers, each with a slice of its own.
	values := make([]string, 0, len(r.Headers)+6)
	set := func(key, name, value, kept string) {
		values = append(values, value)
		header[key] = values[len(values)-1 : len(values) : len(values)]
		sent[name] = kept
	}
	for name, value := range r.Headers {
		if CheckHeader(name, value) != nil {
			continue
		}
		kept := value
		if sensitive(name) {
			kept = redactedValue
		}
		set(http.CanonicalHeaderKey(name), lowerCase(name), value, kept)
	}
	if _, own := header[keyContentType]; !own {
		set(keyContentType, "content-type", "application/json", "application/json")
	}
	set(keyUserAgent, "user-agent", s.userAgent, s.userAgent)
	if r.TraceParent != "" {
		set(keyTraceParent, "traceparent", r.TraceParent, r.TraceParent)
	}
	timestamp, signature := signing.FormatTimestamp(at), signing.Sign(r.EventID, at, r.Body, r.Keys...)
	set(keyID, signing.HeaderID, r.EventID, r.EventID)
	set(keyTimestamp, signing.HeaderTimestamp, timestamp, timestamp)
	set(keySignature, signing.HeaderSignature, signature, signature)

	request := &http.Request{
		Method:        http.MethodPost,
		URL:           u,
		Host:          u.Host,
		Header:        header,
		Body:          http.NoBody,
		ContentLength: int64(len(r.Body)),
	}
	if len(r.Body) > 0 {
		request.Body = io.NopCloser(bytes.NewReader(r.Body))
		// Lets the transport take a fresh connection when a kept one turns out to be closed.
		request.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(r.Body)), nil }
	}
	return request.WithContext(ctx), sent, nil
}
