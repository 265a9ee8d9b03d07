package telemetry

import (
	"context"
	"os"
	"strings"

	"go.opentelemetry.io/contrib/exporters/autoexport"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace/noop"
)

// signal is one of OpenTelemetry's three, as its environment variables spell it.
type signal string

const (
	tracesSignal  signal = "TRACES"
	metricsSignal signal = "METRICS"
	logsSignal    signal = "LOGS"
)

// exported reports whether the environment asks for the signal to be pushed: by naming an exporter,
// or by naming an OTLP endpoint and no exporter. That is stricter than OpenTelemetry's own default,
// which pushes to localhost when nothing is set.
func (s signal) exported() bool {
	if strings.EqualFold(os.Getenv("OTEL_SDK_DISABLED"), "true") {
		return false
	}
	switch os.Getenv("OTEL_" + string(s) + "_EXPORTER") {
	case "none":
		return false
	case "prometheus": // always there, on our own listener
		return false
	case "":
		return os.Getenv("OTEL_EXPORTER_OTLP_ENDPOINT") != "" ||
			os.Getenv("OTEL_EXPORTER_OTLP_"+string(s)+"_ENDPOINT") != ""
	}
	return true
}

// setUpTraces records spans only if they go somewhere. The no-op provider hands a caller's span
// context on as it came, which is what a hop that does not record must do.
func (t *Telemetry) setUpTraces(ctx context.Context, res *resource.Resource) error {
	t.TracerProvider = noop.NewTracerProvider()
	if tracesSignal.exported() {
		exporter, err := autoexport.NewSpanExporter(ctx)
		if err != nil {
			return err
		}
		provider := sdktrace.NewTracerProvider(sdktrace.WithBatcher(exporter), sdktrace.WithResource(res))
		t.shutdown = append(t.shutdown, provider.Shutdown)
		t.TracerProvider, t.Tracing = provider, true
	}
	t.Tracer = t.TracerProvider.Tracer(scope)
	return nil
}

// newMetricReader is the reader that pushes, or nil.
func newMetricReader(ctx context.Context) (sdkmetric.Reader, error) {
	if !metricsSignal.exported() {
		return nil, nil //nolint:nilnil // nothing to push is no error
	}
	return autoexport.NewMetricReader(ctx)
}
