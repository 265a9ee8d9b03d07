package telemetry

import (
	"context"

	"go.opentelemetry.io/otel/propagation"
)

const traceParentHeader = "traceparent"

// Propagator carries W3C trace context and baggage. It is passed to whatever needs one; the global
// propagator is left alone.
func Propagator() propagation.TextMapPropagator {
	return propagation.NewCompositeTextMapPropagator(propagation.TraceContext{}, propagation.Baggage{})
}

// TraceParent is the W3C traceparent header (https://www.w3.org/TR/trace-context/) of the span in
// ctx; empty if there is none.
func TraceParent(ctx context.Context) string {
	var carrier traceParent
	propagation.TraceContext{}.Inject(ctx, &carrier)
	return string(carrier)
}

// WithTraceParent is ctx with the span that the header names as its remote parent. A header that is
// not valid changes nothing.
func WithTraceParent(ctx context.Context, header string) context.Context {
	carrier := traceParent(header)
	return propagation.TraceContext{}.Extract(ctx, &carrier)
}

// traceParent carries the traceparent header and no other.
type traceParent string

func (c *traceParent) Get(key string) string {
	if key == traceParentHeader {
		return string(*c)
	}
	return ""
}

func (c *traceParent) Set(key, value string) {
	if key == traceParentHeader {
		*c = traceParent(value)
	}
}

func (*traceParent) Keys() []string { return []string{traceParentHeader} }
