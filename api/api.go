// Package api is Postrider's REST API: it reads requests, checks who asks and what for, calls the
// store and the intake, and renders what they answer. The routes are one table (router.go); the
// OpenAPI document is made from that table and the Go types, and served with a page that shows it.
//
// Errors are RFC 9457 problem documents with a stable code, and every faulty field is named.
package api

import (
	"context"
	"log/slog"
	"net/http"
	"time"

	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/noop"

	"github.com/postrider/postrider/store"
	"github.com/postrider/postrider/webhook"
)

// Store is what the API reads and writes by itself; what has to be delivered goes by the Intake.
// The methods are those of store.Store.
type Store interface {
	Event(ctx context.Context, tenant, id string) (webhook.Event, error)
	EventData(ctx context.Context, uid int64) ([]byte, error)
	ListEvents(ctx context.Context, q store.EventQuery) (store.Page[webhook.Event], error)
	ListDeliveries(ctx context.Context, q store.DeliveryQuery) (store.Page[webhook.Delivery], error)
	ListAttempts(ctx context.Context, q store.AttemptQuery) (store.Page[webhook.Attempt], error)

	CreateEndpoint(ctx context.Context, e webhook.Endpoint) (webhook.Endpoint, error)
	Endpoint(ctx context.Context, tenant, id string) (webhook.Endpoint, error)
	AnyEndpoint(ctx context.Context, tenant, id string) (webhook.Endpoint, error)
	UpdateEndpoint(ctx context.Context, tenant, id string, change func(*webhook.Endpoint) error) (webhook.Endpoint, error)
	DeleteEndpoint(ctx context.Context, tenant, id string, now time.Time) (webhook.Endpoint, error)
	ListEndpoints(ctx context.Context, q store.EndpointQuery) (store.Page[webhook.Endpoint], error)
	EndpointStats(ctx context.Context, key int64, since time.Time) (store.EndpointStats, error)

	store.Catalogue
	Ready(ctx context.Context) error
}

// Intake is the part of the dispatcher that the API calls.
type Intake interface {
	// Accept stores events and sees to their delivery; of each event, Tenant, ID, Type, Data and
	// TraceParent are given. The answer has one entry for each, with the endpoint IDs also of new
	// ones. RateLimited or Unavailable, with RetryAfter, when the intake refuses. Of several events some
	// may have been stored then, which are delivered; whoever posts all again is told that these are there.
	Accept(ctx context.Context, events []webhook.Event) ([]store.Accepted, error)
	// Wish commits a cancel or retry and wakes what has to act on it. Errors as store.Events.Wish.
	Wish(ctx context.Context, w store.WishRequest) (webhook.Event, []webhook.Delivery, error)
	// Test sends an event of type webhook.TestEventType to this endpoint only. The answer's Event has
	// Tenant, ID and Type. Errors as Accept.
	Test(ctx context.Context, e webhook.Endpoint) (store.Accepted, error)
	// EndpointChanged says that an endpoint was made, changed, paused, resumed or deleted; it is
	// called after the commit.
	EndpointChanged(ctx context.Context, e webhook.Endpoint)
	// Status says whether events are taken in and got out.
	Status() webhook.IntakeStatus
}

// Engine shows a workflow as Temporal sees it: NotFound when there is none, any other error when
// Temporal cannot be asked.
type Engine interface {
	Workflow(ctx context.Context, workflowID string) (webhook.WorkflowView, error)
}

// Deps is what the API works with. Store, Intake, CheckURL and CheckHeaders must be given.
type Deps struct {
	Store  Store
	Intake Intake
	Engine Engine // nil: workflows are shown as unknown

	// CheckURL and CheckHeaders name what is wrong with an endpoint's URL (field "url") and headers
	// (fields "headers.<name>").
	CheckURL     func(string) []webhook.FieldError
	CheckHeaders func(map[string]string) []webhook.FieldError

	Metrics http.Handler // of /metrics; nil: 404
	// Observe is told of every request. route is the template, such as "/v1/events/{id}"; empty
	// where none matched. Nil: nobody is told.
	Observe func(ctx context.Context, method, route string, status int, took time.Duration)
	Tracer  trace.Tracer     // nil: no spans
	Logger  *slog.Logger     // nil: no logs
	Now     func() time.Time // nil: time.Now

	Version      string // shown by /healthz and in the OpenAPI document; empty: "dev"
	MaxBodyBytes int64  // of a request; 0: webhook.MaxBodyBytes. A batch may be 16 times as long
}

// batchFactor is how many times longer than other requests a batch may be.
const batchFactor = 16

// withDefaults fills in what may be left out, and panics if something else is missing.
func (d Deps) withDefaults() Deps {
	if d.Store == nil || d.Intake == nil || d.CheckURL == nil || d.CheckHeaders == nil {
		panic("api: Store, Intake, CheckURL and CheckHeaders must be given")
	}
	if d.Tracer == nil {
		d.Tracer = noop.NewTracerProvider().Tracer("")
	}
	if d.Logger == nil {
		d.Logger = slog.New(slog.DiscardHandler)
	}
	if d.Now == nil {
		d.Now = time.Now
	}
	if d.Version == "" {
		d.Version = "dev"
	}
	if d.MaxBodyBytes == 0 {
		d.MaxBodyBytes = webhook.MaxBodyBytes
	}
	return d
}

// server handles the requests.
type server struct {
	Deps
	keys    *keyCache
	openapi document
}

// New is the handler of the whole API. It panics when d lacks something that it must have.
func New(d Deps) http.Handler {
	s := &server{Deps: d.withDefaults()}
	s.keys = newKeyCache(s.Store, s.Now)
	return s.build().engine
}
