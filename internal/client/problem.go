package client

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/postrider/postrider/webhook"
)

// Problem is an answer that is not one of success (RFC 9457). With errors.Is it matches the
// webhook.Kind of its status.
type Problem struct {
	Status     int           `json:"status"`
	Title      string        `json:"title"`
	Detail     string        `json:"detail"`
	Code       string        `json:"code"` // stable; empty if the answer was no problem document
	Fields     []FieldFault  `json:"errors"`
	RequestID  string        `json:"request_id"`
	RetryAfter time.Duration `json:"-"` // 0: not said
	JSON       []byte        `json:"-"` // as it came; empty if it was no problem document
}

// FieldFault is one faulty field of a request.
type FieldFault struct {
	Field  string `json:"field"` // as it was sent, such as policy.timeout
	Detail string `json:"detail"`
}

// Error is one line: what is wrong, and with which fields.
func (p *Problem) Error() string {
	var b strings.Builder
	b.WriteString(p.Summary())
	for i, f := range p.Fields {
		b.WriteString([]string{": ", "; "}[min(i, 1)] + f.Field + " " + f.Detail)
	}
	return b.String()
}

// Summary is the line without the fields.
func (p *Problem) Summary() string {
	switch {
	case p.Code == "":
		return fmt.Sprintf("the answer was HTTP %d %s, not one of Postrider's", p.Status, http.StatusText(p.Status))
	case p.Status >= http.StatusInternalServerError && p.RequestID != "":
		return fmt.Sprintf("%s (%s, %s)", p.Detail, p.Code, p.RequestID)
	default:
		return fmt.Sprintf("%s (%s)", p.Detail, p.Code)
	}
}

// Is matches the kind that stands for the status.
func (p *Problem) Is(target error) bool {
	kind, ok := map[int]webhook.Kind{
		http.StatusBadRequest:            webhook.Invalid,
		http.StatusUnprocessableEntity:   webhook.Invalid,
		http.StatusUnauthorized:          webhook.Unauthorized,
		http.StatusForbidden:             webhook.Forbidden,
		http.StatusNotFound:              webhook.NotFound,
		http.StatusConflict:              webhook.Conflict,
		http.StatusRequestEntityTooLarge: webhook.TooLarge,
		http.StatusTooManyRequests:       webhook.RateLimited,
		http.StatusServiceUnavailable:    webhook.Unavailable,
	}[p.Status]
	return ok && target == kind
}

// problemOf reads a problem document; of any other answer only the status is kept.
func problemOf(response *http.Response, text []byte) *Problem {
	p := &Problem{}
	if err := json.Unmarshal(text, p); err != nil || p.Code == "" {
		return &Problem{Status: response.StatusCode}
	}
	p.Status, p.JSON = response.StatusCode, text
	if seconds, err := strconv.Atoi(response.Header.Get("Retry-After")); err == nil && seconds > 0 {
		p.RetryAfter = time.Duration(seconds) * time.Second
	}
	return p
}
