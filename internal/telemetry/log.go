package telemetry

import (
	"context"
	"io"
	"log/slog"

	"go.opentelemetry.io/contrib/bridges/otelslog"
	"go.opentelemetry.io/contrib/exporters/autoexport"
	sdklog "go.opentelemetry.io/otel/sdk/log"
	"go.opentelemetry.io/otel/sdk/resource"
	"go.opentelemetry.io/otel/trace"
)

// LogFormat is how log lines are written.
type LogFormat string

// Log formats. The empty one is JSON.
const (
	LogJSON LogFormat = "json"
	LogText LogFormat = "text"
)

// Valid reports whether f is one of the constants.
func (f LogFormat) Valid() bool { return f == LogJSON || f == LogText }

func (t *Telemetry) setUpLogs(ctx context.Context, cfg Config, res *resource.Resource) error {
	handler := NewLogHandler(cfg.Output, cfg.LogLevel, cfg.LogFormat)
	if !logsSignal.exported() {
		t.Logger = slog.New(handler)
		return nil
	}
	exporter, err := autoexport.NewLogExporter(ctx)
	if err != nil {
		return err
	}
	provider := sdklog.NewLoggerProvider(sdklog.WithResource(res), sdklog.WithProcessor(sdklog.NewBatchProcessor(exporter)))
	t.shutdown = append(t.shutdown, provider.Shutdown)
	bridge := otelslog.NewHandler(scope, otelslog.WithLoggerProvider(provider))
	t.Logger = slog.New(slog.NewMultiHandler(handler, atLeast{bridge, cfg.LogLevel}))
	return nil
}

// NewLogHandler writes lines to w and adds the trace_id and span_id that the context carries.
func NewLogHandler(w io.Writer, level slog.Level, format LogFormat) slog.Handler {
	options := &slog.HandlerOptions{Level: level}
	if format == LogText {
		return traced{slog.NewTextHandler(w, options)}
	}
	return traced{slog.NewJSONHandler(w, options)}
}

// traced adds trace and span IDs. They go where the logger's groups put them, as slog has it.
type traced struct{ slog.Handler }

func (h traced) Handle(ctx context.Context, r slog.Record) error {
	if span := trace.SpanContextFromContext(ctx); span.IsValid() {
		r = r.Clone()
		r.AddAttrs(slog.String(KeyTraceID, span.TraceID().String()), slog.String(KeySpanID, span.SpanID().String()))
	}
	return h.Handler.Handle(ctx, r)
}

func (h traced) WithAttrs(attrs []slog.Attr) slog.Handler { return traced{h.Handler.WithAttrs(attrs)} }

func (h traced) WithGroup(name string) slog.Handler { return traced{h.Handler.WithGroup(name)} }

// atLeast keeps lines below a level from a handler that takes every line.
type atLeast struct {
	slog.Handler
	level slog.Level
}

func (h atLeast) Enabled(ctx context.Context, level slog.Level) bool {
	return level >= h.level && h.Handler.Enabled(ctx, level)
}

func (h atLeast) WithAttrs(attrs []slog.Attr) slog.Handler {
	return atLeast{h.Handler.WithAttrs(attrs), h.level}
}

func (h atLeast) WithGroup(name string) slog.Handler {
	return atLeast{h.Handler.WithGroup(name), h.level}
}
