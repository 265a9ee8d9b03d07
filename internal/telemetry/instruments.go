package telemetry

import (
	"context"
	"errors"
	"fmt"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"

	"github.com/postrider/postrider/webhook"
)

// NewMetrics makes the instruments of the catalogue.
func NewMetrics(meter metric.Meter) (*Metrics, error) {
	b := newBuilder(meter)
	m := &Metrics{
		meter:       meter,
		accepted:    b.counter(EventsAccepted),
		acceptedAs:  newLabelled[Intake](b.label(EventsAccepted)),
		deliveries:  b.counter(Deliveries),
		deliveryAs:  newLabelled[webhook.DeliveryState](b.label(Deliveries)),
		latency:     b.histogram(DeliveryLatency),
		endAttempts: b.intHistogram(DeliveryAttempts),
		endAs:       newLabelled[webhook.DeliveryState](b.label(DeliveryAttempts)),
		attempts:    b.counter(Attempts),
		attemptAs:   attemptOptions(),
		attemptTime: b.histogram(AttemptDuration),
		attemptEnd:  newLabelled[webhook.Outcome](b.label(AttemptDuration)),
		commitTime:  b.histogram(CommitDuration),
		commitSize:  b.intHistogram(CommitSize),
		startTime:   b.histogram(EngineStartDuration),
		startAs:     newLabelled[Started](b.label(EngineStartDuration)),
		overdue:     b.counter(SweepOverdue),
		overdueAs:   newLabelled[Found](b.label(SweepOverdue)),
		requestTime: b.histogram(RequestDuration),
	}
	away := b.find(EngineAway)
	gauge, err := meter.Int64Gauge(away.Name, metric.WithUnit(away.Unit), metric.WithDescription(away.Description))
	m.engineAway = gauge
	return m, errors.Join(append(b.errs, err)...)
}

// Levels is how much there is of what rises and falls.
type Levels struct {
	Waiting      int64 // deliveries
	Held         int64 // deliveries
	Outbox       map[OutboxClass]int64
	StoreLog     int64 // bytes
	Refusing     bool
	SendersBusy  int64
	WindowEvents int64
	WindowBytes  int64
}

// ObserveLevels calls read whenever metrics are collected, until stop is called. read must be
// cheap: a scrape waits for it.
func (m *Metrics) ObserveLevels(read func(context.Context) Levels) (stop func() error, err error) {
	if m == nil {
		return func() error { return nil }, nil
	}
	b := newBuilder(m.meter)
	waiting, held, outbox := b.observed(BacklogWaiting), b.observed(BacklogHeld), b.observed(OutboxRows)
	log, refusing, busy := b.observed(StoreLogBytes), b.observed(IntakeRefusing), b.observed(SendersBusy)
	events, bytes := b.observed(WindowEvents), b.observed(WindowBytes)
	if err := errors.Join(b.errs...); err != nil {
		return nil, err
	}
	class := b.label(OutboxRows)
	registration, err := m.meter.RegisterCallback(func(ctx context.Context, o metric.Observer) error {
		now := read(ctx)
		o.ObserveInt64(waiting, now.Waiting)
		o.ObserveInt64(held, now.Held)
		for _, c := range class.Values {
			o.ObserveInt64(outbox, now.Outbox[OutboxClass(c)], metric.WithAttributes(attribute.String(class.Key, c)))
		}
		o.ObserveInt64(log, now.StoreLog)
		o.ObserveInt64(refusing, oneIf(now.Refusing))
		o.ObserveInt64(busy, now.SendersBusy)
		o.ObserveInt64(events, now.WindowEvents)
		o.ObserveInt64(bytes, now.WindowBytes)
		return nil
	}, waiting, held, outbox, log, refusing, busy, events, bytes)
	if err != nil {
		return nil, fmt.Errorf("observe levels: %w", err)
	}
	return registration.Unregister, nil
}

// builder makes instruments as the catalogue describes them and gathers what goes wrong.
type builder struct {
	meter     metric.Meter
	catalogue map[string]Instrument
	errs      []error
}

func newBuilder(meter metric.Meter) *builder {
	b := &builder{meter: meter, catalogue: map[string]Instrument{}}
	for _, i := range Catalogue() {
		b.catalogue[i.Name] = i
	}
	return b
}

func (b *builder) find(name string) Instrument {
	i, ok := b.catalogue[name]
	b.check(name, ok, nil)
	return i
}

func (b *builder) check(name string, known bool, err error) {
	switch {
	case !known:
		b.errs = append(b.errs, fmt.Errorf("metric %s is not in the catalogue", name))
	case err != nil:
		b.errs = append(b.errs, fmt.Errorf("make metric %s: %w", name, err))
	}
}

// label is the metric's only label.
func (b *builder) label(name string) Label {
	if labels := b.find(name).Labels; len(labels) == 1 {
		return labels[0]
	}
	b.errs = append(b.errs, fmt.Errorf("metric %s has not one label", name))
	return Label{}
}

func (b *builder) counter(name string) metric.Int64Counter {
	i := b.find(name)
	c, err := b.meter.Int64Counter(name, metric.WithUnit(i.Unit), metric.WithDescription(i.Description))
	b.check(name, true, err)
	return c
}

func (b *builder) histogram(name string) metric.Float64Histogram {
	i := b.find(name)
	h, err := b.meter.Float64Histogram(name, metric.WithUnit(i.Unit), metric.WithDescription(i.Description),
		metric.WithExplicitBucketBoundaries(i.Buckets...))
	b.check(name, true, err)
	return h
}

func (b *builder) intHistogram(name string) metric.Int64Histogram {
	i := b.find(name)
	h, err := b.meter.Int64Histogram(name, metric.WithUnit(i.Unit), metric.WithDescription(i.Description),
		metric.WithExplicitBucketBoundaries(i.Buckets...))
	b.check(name, true, err)
	return h
}

func (b *builder) observed(name string) metric.Int64ObservableGauge {
	i := b.find(name)
	g, err := b.meter.Int64ObservableGauge(name, metric.WithUnit(i.Unit), metric.WithDescription(i.Description))
	b.check(name, true, err)
	return g
}
