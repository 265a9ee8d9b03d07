// Package telemetry sets up Postrider's logs, metrics and traces and owns the names they use: the
// log keys (keys.go) and the metrics (metrics.go).
//
// Metrics can always be scraped from Telemetry.PrometheusHandler. Traces, metrics and logs are
// pushed by OTLP when the standard OTEL_* variables ask for it; when they do not, nothing connects
// anywhere and spans are not recorded.
//
// Nothing global is read or set, with one exception: when something is exported, OpenTelemetry's
// process-wide error handler is pointed at the logger, because exporters report there only.
package telemetry

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	promexporter "go.opentelemetry.io/otel/exporters/prometheus"
	"go.opentelemetry.io/otel/metric"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/resource"
	"go.opentelemetry.io/otel/trace"
)

// DefaultServiceName is what Postrider calls itself unless OTEL_SERVICE_NAME says otherwise.
const DefaultServiceName = "postrider"

const scope = "github.com/postrider/postrider"

// Config says how to set up telemetry; its zero value works.
type Config struct {
	ServiceName string     // default: DefaultServiceName; OTEL_SERVICE_NAME wins
	Version     string     // of Postrider; empty: left out
	LogLevel    slog.Level // default: info
	LogFormat   LogFormat  // default: JSON
	Output      io.Writer  // where logs go; default: standard error
}

// Telemetry is the logger, tracer and meters of one process. All of it is safe for concurrent use.
type Telemetry struct {
	Logger  *slog.Logger
	Tracer  trace.Tracer
	Meter   metric.Meter
	Metrics *Metrics
	// PrometheusHandler serves everything that is measured, in Prometheus' text format.
	PrometheusHandler http.Handler
	// TracerProvider and MeterProvider are for libraries that make their own tracers and meters.
	TracerProvider trace.TracerProvider
	MeterProvider  metric.MeterProvider
	// Tracing tells whether spans are recorded. When not, spans cost next to nothing and a
	// caller's trace context passes through unchanged.
	Tracing bool

	shutdown []func(context.Context) error
}

// New sets everything up. It errs when an OTEL_* variable has a value that it does not know; an
// unreachable collector is not an error but a log line each time that an export fails.
func New(ctx context.Context, cfg Config) (*Telemetry, error) {
	if cfg.ServiceName == "" {
		cfg.ServiceName = DefaultServiceName
	}
	if cfg.Output == nil {
		cfg.Output = os.Stderr
	}
	res, err := describe(ctx, cfg)
	if err != nil {
		return nil, fmt.Errorf("describe this process for telemetry: %w", err)
	}
	t := &Telemetry{}
	if err := t.setUp(ctx, cfg, res); err != nil {
		return nil, errors.Join(err, t.Shutdown(context.WithoutCancel(ctx)))
	}
	return t, nil
}

// Shutdown sends what has not been exported yet and stops exporting. It honours ctx's deadline.
func (t *Telemetry) Shutdown(ctx context.Context) error {
	var errs []error
	for _, stop := range t.shutdown {
		errs = append(errs, stop(ctx))
	}
	return errors.Join(errs...)
}

func (t *Telemetry) setUp(ctx context.Context, cfg Config, res *resource.Resource) error {
	if err := t.setUpTraces(ctx, res); err != nil {
		return fmt.Errorf("set up traces: %w", err)
	}
	if err := t.setUpMetrics(ctx, res); err != nil {
		return fmt.Errorf("set up metrics: %w", err)
	}
	if err := t.setUpLogs(ctx, cfg, res); err != nil {
		return fmt.Errorf("set up logs: %w", err)
	}
	if tracesSignal.exported() || metricsSignal.exported() || logsSignal.exported() {
		logger := t.Logger
		otel.SetErrorHandler(otel.ErrorHandlerFunc(func(err error) {
			logger.Warn("telemetry export failed", KeyError, err)
		}))
	}
	return nil
}

func (t *Telemetry) setUpMetrics(ctx context.Context, res *resource.Resource) error {
	registry := prometheus.NewRegistry()
	registry.MustRegister(collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	scraped, err := promexporter.New(promexporter.WithRegisterer(registry), promexporter.WithoutScopeInfo())
	if err != nil {
		return err
	}
	options := []sdkmetric.Option{sdkmetric.WithResource(res), sdkmetric.WithReader(scraped)}
	pushed, err := newMetricReader(ctx)
	if err != nil {
		return err
	}
	if pushed != nil {
		options = append(options, sdkmetric.WithReader(pushed))
	}
	provider := sdkmetric.NewMeterProvider(options...)
	t.shutdown = append(t.shutdown, provider.Shutdown)
	t.MeterProvider, t.Meter = provider, provider.Meter(scope)
	t.PrometheusHandler = promhttp.HandlerFor(registry, promhttp.HandlerOpts{Registry: registry})
	t.Metrics, err = NewMetrics(t.Meter)
	return err
}

// describe names the process: ours first, so that OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES win.
func describe(ctx context.Context, cfg Config) (*resource.Resource, error) {
	own := []attribute.KeyValue{attribute.String("service.name", cfg.ServiceName)}
	if cfg.Version != "" {
		own = append(own, attribute.String("service.version", cfg.Version))
	}
	return resource.New(ctx, resource.WithAttributes(own...), resource.WithTelemetrySDK(), resource.WithFromEnv())
}
