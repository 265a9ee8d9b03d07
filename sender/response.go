package sender

import (
	"bytes"
	"io"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/postrider/postrider/webhook"
)

const (
	// maxHeaderBlock is how many bytes of response headers are read before the answer is refused.
	maxHeaderBlock = 64 << 10
	// What of the response headers is kept.
	maxResponseHeaders     = 32
	maxResponseHeaderBytes = 8 << 10
	// maxDrain is how much of a response body is read in all, so that the connection can be used
	// again. Of a longer body the connection is closed.
	maxDrain = 64 << 10
)

// answer is the result of an attempt that got a response. Its status decides, even if the body
// breaks off: the receiver has spoken.
func (s *Sender) answer(response *http.Response, now time.Time) webhook.AttemptResult {
	result := webhook.AttemptResult{
		Outcome:         webhook.OutcomeDelivered,
		Status:          response.StatusCode,
		ResponseHeaders: keptHeaders(response.Header),
		ResponseBody:    s.readBody(response),
	}
	if response.StatusCode < 200 || response.StatusCode > 299 {
		result.Outcome = webhook.OutcomeRejected
		result.ErrorClass = webhook.ErrorHTTPStatus
		result.Error = describeStatus(response.StatusCode)
	}
	switch response.StatusCode {
	case http.StatusTooManyRequests, http.StatusServiceUnavailable:
		result.RetryAfter = parseRetryAfter(response.Header.Get("Retry-After"), now)
	}
	return result
}

// readBody keeps webhook.MaxResponseBytes of the body, reads on to maxDrain and closes it.
func (s *Sender) readBody(response *http.Response) []byte {
	defer func() { _ = response.Body.Close() }() // nothing was written, so nothing can be lost
	if response.StatusCode == http.StatusSwitchingProtocols || response.ContentLength == 0 {
		return nil // after 101 the body is the connection itself and never ends
	}
	buffer, _ := s.buffers.Get().(*[webhook.MaxResponseBytes]byte) // nothing else is put in
	defer s.buffers.Put(buffer)
	n, err := io.ReadFull(response.Body, buffer[:])
	body := bytes.Clone(buffer[:n])
	if err == nil && response.ContentLength <= maxDrain {
		_, _ = io.CopyN(io.Discard, response.Body, maxDrain-webhook.MaxResponseBytes)
	}
	return body
}

// keptHeaders are the response headers with names in lower case, several values joined, at most 32
// of them and 8 KiB. Of more, the first ones by name are kept.
func keptHeaders(header http.Header) map[string]string {
	kept := make(map[string]string, min(len(header), maxResponseHeaders))
	left := maxResponseHeaderBytes
	for _, key := range slices.Sorted(maps.Keys(header)) {
		if len(kept) == maxResponseHeaders {
			break
		}
		value := strings.ToValidUTF8(strings.Join(header[key], ", "), "\uFFFD")
		if len(key)+len(value) > left {
			continue
		}
		left -= len(key) + len(value)
		kept[lowerCase(key)] = value
	}
	return kept
}

// parseRetryAfter reads seconds or a date (RFC 9110 §10.2.3). It is 0 for everything else and for
// the past, and at most webhook.MaxRetryAfter.
func parseRetryAfter(value string, now time.Time) time.Duration {
	if value == "" {
		return 0
	}
	if strings.Trim(value, "0123456789") == "" {
		seconds, err := strconv.ParseUint(value, 10, 32)
		if err != nil || seconds > uint64(webhook.MaxRetryAfter/time.Second) {
			return webhook.MaxRetryAfter
		}
		return time.Duration(seconds) * time.Second
	}
	date, err := http.ParseTime(value)
	if err != nil {
		return 0
	}
	return min(max(0, date.Sub(now)), webhook.MaxRetryAfter)
}

func describeStatus(status int) string {
	text := "answered " + strconv.Itoa(status)
	if name := http.StatusText(status); name != "" {
		text += " " + name
	}
	if status >= 300 && status <= 399 {
		text += "; redirects are not followed"
	}
	return text
}

// lowerCase is the lower-case form of a header name; for the usual ones it costs nothing.
func lowerCase(name string) string {
	switch name {
	case "Content-Type":
		return "content-type"
	case "Content-Length":
		return "content-length"
	case "Date":
		return "date"
	case "Server":
		return "server"
	}
	return strings.ToLower(name)
}
