package telemetry

import (
	"context"
	"time"

	"go.opentelemetry.io/otel/metric"

	"github.com/postrider/postrider/webhook"
)

// Metrics records what happens, in the field's own words. Its methods allocate nothing, are safe
// for concurrent use, and do nothing on a nil *Metrics.
type Metrics struct {
	meter metric.Meter

	accepted     metric.Int64Counter
	acceptedAs   labelled[Intake]
	deliveries   metric.Int64Counter
	deliveryAs   labelled[webhook.DeliveryState]
	latency      metric.Float64Histogram
	endAttempts  metric.Int64Histogram
	endAs        labelled[webhook.DeliveryState]
	attempts     metric.Int64Counter
	attemptAs    map[attemptKind][]metric.AddOption
	attemptTime  metric.Float64Histogram
	attemptEnd   labelled[webhook.Outcome]
	commitTime   metric.Float64Histogram
	commitSize   metric.Int64Histogram
	startTime    metric.Float64Histogram
	startAs      labelled[Started]
	engineAway   metric.Int64Gauge
	overdue      metric.Int64Counter
	overdueAs    labelled[Found]
	requestTime  metric.Float64Histogram
	requestKinds requestKinds
}

// Accepted records that n events were posted and what became of them.
func (m *Metrics) Accepted(ctx context.Context, what Intake, n int) {
	if m != nil && n > 0 {
		m.accepted.Add(ctx, int64(n), m.acceptedAs.add(what)...)
	}
}

// Attempt records an HTTP request to a receiver. first says that it was its delivery's first.
func (m *Metrics) Attempt(ctx context.Context, result webhook.AttemptResult, first bool) {
	if m == nil {
		return
	}
	kind := attemptKind{result.Outcome, result.ErrorClass, first}
	options, ok := m.attemptAs[kind]
	if !ok {
		options = m.attemptAs[attemptKind{other, other, first}]
	}
	m.attempts.Add(ctx, 1, options...)
	if result.Outcome != webhook.OutcomeUnknown { // nobody knows how long that took
		m.attemptTime.Record(ctx, result.Duration.Seconds(), m.attemptEnd.record(result.Outcome)...)
	}
}

// Delivery records that d has just come into its state. For one that has ended it also records how
// many attempts that took, and for one that was delivered how long it took from accepting it.
func (m *Metrics) Delivery(ctx context.Context, d webhook.Delivery) {
	if m == nil {
		return
	}
	m.deliveries.Add(ctx, 1, m.deliveryAs.add(d.State)...)
	if !d.State.Final() {
		return
	}
	m.endAttempts.Record(ctx, int64(d.Attempts), m.endAs.record(d.State)...)
	if d.State == webhook.DeliveryDelivered {
		m.latency.Record(ctx, max(0, d.CompletedAt.Sub(d.CreatedAt)).Seconds())
	}
}

// Commit records one group commit to the store that served so many calls.
func (m *Metrics) Commit(ctx context.Context, calls int, took time.Duration) {
	if m == nil {
		return
	}
	m.commitTime.Record(ctx, took.Seconds())
	m.commitSize.Record(ctx, int64(calls))
}

// EngineStart records one StartWorkflow.
func (m *Metrics) EngineStart(ctx context.Context, how Started, took time.Duration) {
	if m != nil {
		m.startTime.Record(ctx, took.Seconds(), m.startAs.record(how)...)
	}
}

// EngineAway records whether Temporal is away.
func (m *Metrics) EngineAway(ctx context.Context, away bool) {
	if m != nil {
		m.engineAway.Record(ctx, oneIf(away))
	}
}

// Overdue records what the sweep found about an overdue delivery.
func (m *Metrics) Overdue(ctx context.Context, what Found) {
	if m != nil {
		m.overdue.Add(ctx, 1, m.overdueAs.add(what)...)
	}
}

// Request records a request to the API. route is the template, such as "/v1/events/{id}", never a
// path; empty where none matched.
func (m *Metrics) Request(ctx context.Context, method, route string, status int, took time.Duration) {
	if m != nil {
		m.requestTime.Record(ctx, took.Seconds(), m.requestKinds.options(method, route, status)...)
	}
}

func oneIf(b bool) int64 {
	if b {
		return 1
	}
	return 0
}
