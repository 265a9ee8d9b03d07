package api

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"strings"
	"time"

	"github.com/gin-gonic/gin"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"

	"github.com/postrider/postrider/internal/telemetry"
	"github.com/postrider/postrider/webhook"
)

const requestIDHeader = "X-Request-Id"

// request is what is known of the request under way.
type request struct {
	id     string
	path   string
	route  string // the template; empty where none matched
	caller caller

	bodyLimit int64
	bodyError error // why the body could not be read
}

type requestKey struct{}

// requestOf is the request of ctx. Every request that gets here has one.
func requestOf(ctx context.Context) *request {
	if r, ok := ctx.Value(requestKey{}).(*request); ok {
		return r
	}
	return &request{}
}

// observe gives the request its ID and span, and tells log and metrics how it ended.
func (s *server) observe(c *gin.Context) {
	start := s.Now()
	r := &request{id: requestID(c.GetHeader(requestIDHeader)), path: c.Request.URL.Path, route: template(c.FullPath()), bodyLimit: s.MaxBodyBytes}
	ctx := context.WithValue(c.Request.Context(), requestKey{}, r)
	ctx = propagation.TraceContext{}.Extract(ctx, propagation.HeaderCarrier(c.Request.Header))
	ctx, span := s.Tracer.Start(ctx, spanName(c.Request.Method, r.route), trace.WithSpanKind(trace.SpanKindServer))
	defer span.End()
	c.Request = c.Request.WithContext(ctx)
	c.Writer.Header()[requestIDHeader] = []string{r.id}

	s.guarded(c)

	status, took := c.Writer.Status(), s.Now().Sub(start)
	if span.IsRecording() {
		span.SetAttributes(
			attribute.String("http.request.method", c.Request.Method), attribute.String("http.route", r.route),
			attribute.Int("http.response.status_code", status), attribute.String(telemetry.KeyRequest, r.id))
		if status >= http.StatusInternalServerError {
			span.SetStatus(codes.Error, http.StatusText(status))
		}
	}
	if s.Observe != nil {
		s.Observe(ctx, c.Request.Method, r.route, status, took)
	}
	if !s.Logger.Enabled(ctx, slog.LevelDebug) {
		return
	}
	s.Logger.DebugContext(ctx, "request", telemetry.KeyMethod, c.Request.Method, telemetry.KeyRoute, r.route,
		telemetry.KeyStatus, status, telemetry.KeyDuration, took, telemetry.KeyRequest, r.id, telemetry.KeyAPIKey, r.caller.keyID)
}

// guarded handles the request; a panic becomes an internal error.
func (s *server) guarded(c *gin.Context) {
	defer func() {
		cause := recover()
		if cause == nil {
			return
		}
		if err, ok := cause.(error); ok && errors.Is(err, http.ErrAbortHandler) {
			panic(cause)
		}
		err := fmt.Errorf("panic: %v\n%s", cause, debug.Stack())
		if c.Writer.Written() { // too late for another answer
			_ = s.problemFor(c.Request.Context(), err) // logs it
			return
		}
		s.fail(c, err)
	}()
	c.Next()
}

func (s *server) noRoute(c *gin.Context) {
	s.fail(c, webhook.Errorf(webhook.NotFound, "no_such_route", "there is no such route; GET /docs shows them all"))
}

func (s *server) noMethod(c *gin.Context) {
	s.fail(c, webhook.Errorf(webhook.NotFound, codeMethodNotAllowed, "this route takes %s", c.Writer.Header().Get("Allow")))
}

// requestID is the caller's own ID of the request if it can be used, or a new one.
func requestID(given string) string {
	if webhook.ValidEventType(given) { // the same characters and length
		return given
	}
	return webhook.NewID("req_")
}

// template is Gin's ":id" as OpenAPI's "{id}".
func template(path string) string {
	if !strings.Contains(path, ":") {
		return path
	}
	parts := strings.Split(path, "/")
	for i, p := range parts {
		if name, ok := strings.CutPrefix(p, ":"); ok {
			parts[i] = "{" + name + "}"
		}
	}
	return strings.Join(parts, "/")
}

func spanName(method, route string) string {
	if route == "" {
		return method
	}
	return method + " " + route
}

// timestamp is t as it is shown everywhere: RFC 3339 in UTC with milliseconds.
func timestamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }

// optionalTime is nil for the zero time.
func optionalTime(t time.Time) *string {
	if t.IsZero() {
		return nil
	}
	text := timestamp(t)
	return &text
}

// optional is nil for the zero value.
func optional[T ~string](v T) *string {
	if v == "" {
		return nil
	}
	text := string(v)
	return &text
}
