package telemetry_test

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"go.opentelemetry.io/otel/trace"

	"github.com/postrider/postrider/internal/telemetry"
)

const parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"

// newTelemetry is telemetry as it is when the environment says nothing, and what it logs.
func newTelemetry(t *testing.T, cfg telemetry.Config) (*telemetry.Telemetry, *bytes.Buffer) {
	t.Helper()
	var logged bytes.Buffer
	cfg.Output = &logged
	tel, err := telemetry.New(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := tel.Shutdown(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return tel, &logged
}

func TestLogLinesCarryTheTraceOfTheirContext(t *testing.T) {
	t.Parallel()
	tel, logged := newTelemetry(t, telemetry.Config{})
	ctx := telemetry.WithTraceParent(t.Context(), parent)
	tel.Logger.With(telemetry.KeyTenant, "acme").InfoContext(ctx, "event accepted", telemetry.KeyEvent, "evt_1")

	var line map[string]any
	if err := json.Unmarshal(logged.Bytes(), &line); err != nil {
		t.Fatal(err)
	}
	want := map[string]any{
		"level": "INFO", "msg": "event accepted", "tenant_id": "acme", "event_id": "evt_1",
		"trace_id": "4bf92f3577b34da6a3ce929d0e0e4736", "span_id": "00f067aa0ba902b7",
	}
	for key, value := range want {
		if line[key] != value {
			t.Errorf("%s: got %v, want %v", key, line[key], value)
		}
	}
}

func TestLogLinesOutsideATraceCarryNone(t *testing.T) {
	t.Parallel()
	tel, logged := newTelemetry(t, telemetry.Config{LogFormat: telemetry.LogText})
	tel.Logger.Debug("too quiet")
	tel.Logger.Info("listening")
	if got := logged.String(); strings.Contains(got, "trace_id") || strings.Contains(got, "too quiet") ||
		!strings.Contains(got, "msg=listening") {
		t.Errorf("logged %q", got)
	}
}

func TestWithoutAnExporterSpansAreNotRecordedAndTheCallersTracePasses(t *testing.T) {
	t.Parallel()
	tel, _ := newTelemetry(t, telemetry.Config{})
	if tel.Tracing {
		t.Error("tracing is on though nothing asked for it")
	}
	ctx, span := tel.Tracer.Start(telemetry.WithTraceParent(t.Context(), parent), "attempt")
	defer span.End()
	if span.IsRecording() {
		t.Error("the span is recorded")
	}
	if got := telemetry.TraceParent(ctx); got != parent {
		t.Errorf("got %q, want the caller's %q", got, parent)
	}
}

func TestTraceParent(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ header, want string }{
		"a header goes through":              {parent, parent},
		"none is none":                       {"", ""},
		"one that is not valid is none":      {"00-zz-00f067aa0ba902b7-01", ""},
		"an all-zero trace is not valid":     {"00-00000000000000000000000000000000-00f067aa0ba902b7-01", ""},
		"a header with more than a header's": {parent + "\r\nX: y", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := telemetry.TraceParent(telemetry.WithTraceParent(t.Context(), tc.header)); got != tc.want {
				t.Errorf("got %q, want %q", got, tc.want)
			}
		})
	}
}

// The environment is the process's, so these do not run in parallel.
func TestTracesMetricsAndLogsGoWhereTheStandardVariablesSay(t *testing.T) {
	paths := make(chan string, 16)
	collector := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { paths <- r.URL.Path }))
	defer collector.Close()
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.URL)

	tel, err := telemetry.New(t.Context(), telemetry.Config{Output: &bytes.Buffer{}})
	if err != nil {
		t.Fatal(err)
	}
	ctx, span := tel.Tracer.Start(t.Context(), "attempt")
	if !tel.Tracing || !trace.SpanContextFromContext(ctx).IsSampled() {
		t.Error("the span is not recorded")
	}
	tel.Logger.InfoContext(ctx, "attempt made")
	tel.Metrics.Accepted(ctx, telemetry.IntakeNew, 1)
	span.End()
	stop, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	if err := tel.Shutdown(stop); err != nil {
		t.Fatal(err)
	}
	close(paths)
	got := map[string]bool{}
	for p := range paths {
		got[p] = true
	}
	for _, want := range []string{"/v1/traces", "/v1/metrics", "/v1/logs"} {
		if !got[want] {
			t.Errorf("nothing came to %s", want)
		}
	}
}

func TestAnExporterThatIsNotKnownIsAnError(t *testing.T) {
	for _, name := range []string{"OTEL_TRACES_EXPORTER", "OTEL_METRICS_EXPORTER", "OTEL_LOGS_EXPORTER"} {
		t.Run(name, func(t *testing.T) {
			t.Setenv(name, "carrier-pigeon")
			if _, err := telemetry.New(t.Context(), telemetry.Config{}); err == nil {
				t.Error("no error")
			}
		})
	}
}

func TestTheEnvironmentCanTurnExportOff(t *testing.T) {
	for name, value := range map[string]string{"OTEL_SDK_DISABLED": "true", "OTEL_TRACES_EXPORTER": "none"} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://127.0.0.1:1")
			t.Setenv(name, value)
			tel, _ := newTelemetry(t, telemetry.Config{})
			if tel.Tracing {
				t.Error("tracing is on")
			}
		})
	}
}
