package api

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"math"
	"net/http"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/gin-gonic/gin"

	"github.com/postrider/postrider/internal/telemetry"
	"github.com/postrider/postrider/webhook"
)

// Codes of faults that only HTTP knows. They refine a kind and have a status of their own.
const (
	codeMalformedJSON    = "malformed_json"
	codeUnreadableBody   = "unreadable_body"
	codeUnsupportedMedia = "unsupported_media_type"
	codeMethodNotAllowed = "method_not_allowed"
	codeInternal         = "internal_error"
	codeStoreUnavailable = "store_unavailable" // of the store's callers too
)

const problemMedia = "application/problem+json"

// problem is an RFC 9457 problem document.
type problem struct {
	Type      string         `json:"type" doc:"Identifies the kind of problem; the code as a URN." example:"urn:postrider:problem:invalid_fields"`
	Title     string         `json:"title" doc:"The kind of problem in words." example:"Invalid request"`
	Status    int            `json:"status" doc:"The HTTP status." example:"422"`
	Detail    string         `json:"detail" doc:"What is wrong this time." example:"some fields are not valid"`
	Instance  string         `json:"instance" doc:"The path of the request." example:"/v1/endpoints"`
	Code      string         `json:"code" doc:"Stable, for programs." example:"invalid_fields"`
	Errors    []fieldProblem `json:"errors,omitempty" nullable:"false" doc:"Every faulty field."`
	RequestID string         `json:"request_id" doc:"Also in the X-Request-Id header; tell us this one." example:"req_01jd0y3m8zq5v6w7x8y9z0a1b2"`

	headers http.Header
}

// fieldProblem is one faulty field of a request.
type fieldProblem struct {
	Field  string `json:"field" doc:"The field as the caller wrote it, such as policy.timeout." example:"policy.timeout"`
	Detail string `json:"detail" doc:"What is wrong with it." example:"must be between 1s and 1m"`
}

// problem is what huma writes by itself when a handler returns it.
var (
	_ huma.StatusError       = (*problem)(nil)
	_ huma.HeadersError      = (*problem)(nil)
	_ huma.ContentTypeFilter = (*problem)(nil)
)

// Error is the detail.
func (p *problem) Error() string { return p.Detail }

// GetStatus is the HTTP status.
func (p *problem) GetStatus() int { return p.Status }

// GetHeaders are headers to answer with.
func (p *problem) GetHeaders() http.Header { return p.headers }

// ContentType is that of problem documents.
func (p *problem) ContentType(string) string { return problemMedia }

// problemOf describes err to the caller: a *webhook.Error by its kind and code, anything else as
// an internal error without any text of its own.
func problemOf(err error) *problem {
	p := &problem{headers: http.Header{}}
	e, ok := webhook.AsError(err)
	if !ok {
		e = &webhook.Error{Code: codeInternal, Detail: "something went wrong on our side; the request id finds it in the log"}
		if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
			e = &webhook.Error{Kind: webhook.Unavailable, Detail: "the request could not be answered in time"}
		}
	}
	p.Status, p.Title = statusOf(e)
	p.Detail, p.Code = e.Detail, e.Code
	if p.Code == "" {
		p.Code = string(e.Kind)
	}
	if p.Detail == "" {
		p.Detail = p.Title
	}
	p.Type = "urn:postrider:problem:" + p.Code
	for _, f := range e.Fields {
		p.Errors = append(p.Errors, fieldProblem(f))
	}
	after := e.RetryAfter
	if after == 0 && (p.Status == http.StatusServiceUnavailable || p.Status == http.StatusTooManyRequests) {
		after = time.Second
	}
	if after > 0 {
		p.headers.Set("Retry-After", strconv.Itoa(int(math.Ceil(after.Seconds()))))
	}
	if p.Status == http.StatusUnauthorized {
		p.headers.Set("WWW-Authenticate", `Bearer realm="postrider"`)
	}
	return p
}

// statusOf is the HTTP status and title of an error.
func statusOf(e *webhook.Error) (status int, title string) {
	switch e.Code {
	case codeMalformedJSON, codeUnreadableBody:
		return http.StatusBadRequest, "Malformed request"
	case codeUnsupportedMedia:
		return http.StatusUnsupportedMediaType, "Unsupported media type"
	case codeMethodNotAllowed:
		return http.StatusMethodNotAllowed, "Method not allowed"
	}
	switch e.Kind {
	case webhook.NotFound:
		return http.StatusNotFound, "Not found"
	case webhook.Conflict:
		return http.StatusConflict, "Conflict"
	case webhook.Invalid:
		return http.StatusUnprocessableEntity, "Invalid request"
	case webhook.Unauthorized:
		return http.StatusUnauthorized, "Unauthorized"
	case webhook.Forbidden:
		return http.StatusForbidden, "Forbidden"
	case webhook.TooLarge:
		return http.StatusRequestEntityTooLarge, "Too large"
	case webhook.RateLimited:
		return http.StatusTooManyRequests, "Too many requests"
	case webhook.Unavailable:
		return http.StatusServiceUnavailable, "Unavailable"
	}
	return http.StatusInternalServerError, "Internal error"
}

// problemFor is the problem of err in answer to the request of ctx. What went wrong on our side is
// logged; that the intake refuses, which it does again and again when it does, is for debugging.
func (s *server) problemFor(ctx context.Context, err error) *problem {
	p, r := problemOf(err), requestOf(ctx)
	p.Instance, p.RequestID = r.path, r.id
	if p.Status >= http.StatusInternalServerError && !errors.Is(err, context.Canceled) {
		level := slog.LevelError
		if known, ok := webhook.AsError(err); ok && known.Cause == nil {
			level = slog.LevelDebug
		}
		s.Logger.Log(ctx, level, "request failed", telemetry.KeyRequest, r.id, telemetry.KeyRoute, r.route, telemetry.KeyError, err)
	}
	return p
}

// fail answers a plain Gin request with the problem of err.
func (s *server) fail(c *gin.Context, err error) {
	p := s.problemFor(c.Request.Context(), err)
	maps.Copy(c.Writer.Header(), p.headers)
	c.Abort()
	writeJSON(c.Writer, p.Status, problemMedia, p)
}

// retryLater is the error of something that is not available for a moment.
func retryLater(code, detail string, cause error) error {
	return &webhook.Error{Kind: webhook.Unavailable, Code: code, Detail: detail, RetryAfter: time.Second, Cause: cause}
}

// invalidField is the error of one faulty field.
func invalidField(field, detail string) error {
	return webhook.InvalidFields([]webhook.FieldError{{Field: field, Detail: detail}})
}

// notFound is the error of an ID that nothing can have; databases are not asked for such.
func notFound(what string) error {
	return webhook.Errorf(webhook.NotFound, "", "there is no such %s", what)
}
