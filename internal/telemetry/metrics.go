package telemetry

import "github.com/postrider/postrider/webhook"

// Names of the metrics. In Prometheus dots become underscores, counters end in _total and units
// are spelled out: postrider_events_accepted_total, postrider_attempt_duration_seconds.
const (
	EventsAccepted      = "postrider.events.accepted"
	Deliveries          = "postrider.deliveries"
	DeliveryLatency     = "postrider.delivery.latency"
	DeliveryAttempts    = "postrider.delivery.attempts"
	Attempts            = "postrider.attempts"
	AttemptDuration     = "postrider.attempt.duration"
	CommitDuration      = "postrider.commit.duration"
	CommitSize          = "postrider.commit.size"
	EngineStartDuration = "postrider.engine.start.duration"
	EngineAway          = "postrider.engine.away"
	SweepOverdue        = "postrider.sweep.overdue"
	BacklogWaiting      = "postrider.backlog.waiting"
	BacklogHeld         = "postrider.backlog.held"
	OutboxRows          = "postrider.outbox.rows"
	StoreLogBytes       = "postrider.store.log.bytes"
	IntakeRefusing      = "postrider.intake.refusing"
	SendersBusy         = "postrider.senders.busy"
	WindowEvents        = "postrider.dispatch.window.events"
	WindowBytes         = "postrider.dispatch.window.bytes"
	RequestDuration     = "http.server.request.duration" // OpenTelemetry's semantic conventions
)

// Intake is what became of a posted event.
type Intake string

// What may become of a posted event.
const (
	IntakeNew       Intake = "new"
	IntakeDuplicate Intake = "duplicate"
	IntakeConflict  Intake = "conflict"
	IntakeRefused   Intake = "refused" // 429 or 503; never stored
)

// Found is what the sweep found at Temporal about an overdue delivery.
type Found string

// What the sweep may find.
const (
	FoundMissing      Found = "missing"       // no workflow: started
	FoundPending      Found = "pending"       // pending there, for later: its time is taken over
	FoundPaused       Found = "paused"        // paused there: held
	FoundIdle         Found = "idle"          // running with nothing pending: nudged
	FoundStuck        Found = "stuck"         // its workflow task fails: left alone
	FoundClosed       Found = "closed"        // settled from its result
	FoundTerminated   Found = "terminated"    // cancelled here
	FoundNotReachable Found = "not_reachable" // Temporal did not answer
)

// Started is how a StartWorkflow ended.
type Started string

// How a StartWorkflow may end.
const (
	StartedNew    Started = "new"
	StartedExists Started = "exists" // the event has a workflow already
	StartedFailed Started = "failed"
)

// InstrumentKind is what an instrument does with what it is given.
type InstrumentKind string

// Kinds of instruments. An observed gauge is read when metrics are collected.
const (
	Counter       InstrumentKind = "counter"
	Histogram     InstrumentKind = "histogram"
	Gauge         InstrumentKind = "gauge"
	ObservedGauge InstrumentKind = "observed gauge"
)

// Label is one label of a metric with every value that it may have. Nil Values: bounded by
// something other than this list, which the instrument's description names.
type Label struct {
	Key    string
	Values []string
}

// Instrument describes one metric.
type Instrument struct {
	Name        string
	Kind        InstrumentKind
	Unit        string // UCUM; s is seconds, By is bytes, words in braces count things
	Description string
	Labels      []Label
	Buckets     []float64 // of a histogram
}

// Series is how many time series the metric may have, histogram buckets not counted; 0: see
// Label.Values.
func (i Instrument) Series() int {
	n := 1
	for _, l := range i.Labels {
		n *= len(l.Values)
	}
	return n
}

// other stands for every label value that is not in the catalogue, so that no mistake elsewhere
// can make series without bound.
const other = "other"

// Catalogue lists every metric of Postrider's own. Temporal's SDK adds its own, named temporal_….
func Catalogue() []Instrument {
	return []Instrument{
		{
			Name: EventsAccepted, Kind: Counter, Unit: "{event}",
			Description: "Events posted, by what became of them.",
			Labels:      []Label{label("status", IntakeNew, IntakeDuplicate, IntakeConflict, IntakeRefused)},
		},
		{
			Name: Deliveries, Kind: Counter, Unit: "{delivery}",
			Description: "Deliveries that came into a state.",
			Labels:      []Label{stateLabel()},
		},
		{
			Name: DeliveryLatency, Kind: Histogram, Unit: "s",
			Description: "Time from accepting an event to its delivery, retries included.",
			Buckets:     latencyBuckets(),
		},
		{
			Name: DeliveryAttempts, Kind: Histogram, Unit: "{attempt}",
			Description: "Attempts that a delivery had made when it ended.",
			Labels: []Label{label("state", webhook.DeliveryDelivered, webhook.DeliveryExhausted,
				webhook.DeliveryCancelled, webhook.DeliveryExpired)},
			Buckets: []float64{0, 1, 2, 3, 5, 8, 12, 15, 25, 50, 100},
		},
		{
			Name: Attempts, Kind: Counter, Unit: "{attempt}",
			Description: "HTTP requests to receivers; first tells a delivery's first from its retries.",
			Labels:      []Label{outcomeLabel(), errorClassLabel(), {"first", []string{"true", "false"}}},
		},
		{
			Name: AttemptDuration, Kind: Histogram, Unit: "s",
			Description: "Time that an HTTP request to a receiver took.",
			Labels:      []Label{outcomeLabel()},
			Buckets:     []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 15, 30, 60},
		},
		{
			Name: CommitDuration, Kind: Histogram, Unit: "s",
			Description: "Time that one group commit to the store took.",
			Buckets:     []float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 5},
		},
		{
			Name: CommitSize, Kind: Histogram, Unit: "{call}",
			Description: "Calls that one group commit served.",
			Buckets:     []float64{1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024},
		},
		{
			Name: EngineStartDuration, Kind: Histogram, Unit: "s",
			Description: "Time that Temporal took to start a workflow.",
			Labels:      []Label{label("result", StartedNew, StartedExists, StartedFailed)},
			Buckets:     []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10},
		},
		{Name: EngineAway, Kind: Gauge, Description: "1 while Temporal does not answer, else 0."},
		{
			Name: SweepOverdue, Kind: Counter, Unit: "{delivery}",
			Description: "Overdue deliveries that the sweep asked Temporal about, by what it found.",
			Labels: []Label{label("found", FoundMissing, FoundPending, FoundPaused, FoundIdle,
				FoundStuck, FoundClosed, FoundTerminated, FoundNotReachable)},
		},
		{Name: BacklogWaiting, Kind: ObservedGauge, Unit: "{delivery}", Description: "Deliveries that this node has yet to send."},
		{Name: BacklogHeld, Kind: ObservedGauge, Unit: "{delivery}", Description: "Deliveries held for a paused or disabled endpoint."},
		{
			Name: OutboxRows, Kind: ObservedGauge, Unit: "{row}",
			Description: "Outbox rows that Temporal has yet to be told of.",
			Labels:      []Label{{"class", []string{string(OutboxWish), string(OutboxUndelivered), string(OutboxDelivered)}}},
		},
		{Name: StoreLogBytes, Kind: ObservedGauge, Unit: "By", Description: "Length of SQLite's write-ahead log while a reader holds it up, else 0."},
		{Name: IntakeRefusing, Kind: ObservedGauge, Description: "1 while posted events are answered 429 or 503, else 0."},
		{Name: SendersBusy, Kind: ObservedGauge, Unit: "{sender}", Description: "Senders with a request in flight."},
		{Name: WindowEvents, Kind: ObservedGauge, Unit: "{event}", Description: "Events in the dispatcher's memory."},
		{Name: WindowBytes, Kind: ObservedGauge, Unit: "By", Description: "Bytes of event data in the dispatcher's memory."},
		{
			Name: RequestDuration, Kind: Histogram, Unit: "s",
			Description: "Time that requests to the API took; the routes are those of the route table.",
			Labels: []Label{
				{"http.request.method", methods()},
				{Key: "http.route"},
				{Key: "http.response.status_code"},
				{Key: "error.type"},
			},
			Buckets: []float64{.001, .0025, .005, .01, .025, .05, .075, .1, .25, .5, .75, 1, 2.5, 5, 7.5, 10},
		},
	}
}

// OutboxClass is a class of outbox rows, as a label.
type OutboxClass string

// Outbox classes, in the order in which Temporal is told of them.
const (
	OutboxWish        OutboxClass = "wish"
	OutboxUndelivered OutboxClass = "undelivered"
	OutboxDelivered   OutboxClass = "delivered"
)

func stateLabel() Label {
	return label("state", webhook.DeliveryPending, webhook.DeliveryRetrying, webhook.DeliveryHeld,
		webhook.DeliveryDelivered, webhook.DeliveryExhausted, webhook.DeliveryCancelled, webhook.DeliveryExpired)
}

func outcomeLabel() Label {
	return label("outcome", webhook.OutcomeDelivered, webhook.OutcomeRejected, webhook.OutcomeUnreachable,
		webhook.OutcomeBlocked, webhook.OutcomeUnknown)
}

func errorClassLabel() Label {
	return label("error_class", webhook.ErrorNone, webhook.ErrorHTTPStatus, webhook.ErrorDNS,
		webhook.ErrorConnectionRefused, webhook.ErrorConnectionReset, webhook.ErrorConnection, webhook.ErrorTimeout,
		webhook.ErrorTLS, webhook.ErrorBlockedAddress, webhook.ErrorProtocol, webhook.ErrorOutcomeUnknown)
}

// label has the given values, and other for all else.
func label[T ~string](key string, values ...T) Label {
	l := Label{Key: key}
	for _, v := range values {
		l.Values = append(l.Values, string(v))
	}
	l.Values = append(l.Values, other)
	return l
}

// methods are those that the semantic conventions know, and their word for all others.
func methods() []string {
	return []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "CONNECT", "TRACE", "_OTHER"}
}

// latencyBuckets go from a millisecond to the three days that the default policy retries for.
func latencyBuckets() []float64 {
	const minute, hour = 60, 3600
	return []float64{
		.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 15, 30,
		minute, 5 * minute, 15 * minute, hour, 6 * hour, 24 * hour, 72 * hour,
	}
}
