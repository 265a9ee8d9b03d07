package storetest

import (
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/postrider/postrider/store"
	"github.com/postrider/postrider/webhook"
)

// start is when the tests take place; a time with a fraction that databases like to lose.
var start = time.Date(2024, 5, 6, 7, 8, 9, 123_456_000, time.UTC) //nolint:gochecknoglobals // constant

// stranger is the key of a node that no test registers: where databases are emptied for the next test, keys go on.
const stranger = int64(1) << 40

// fixture is an empty store with a node, and short ways to fill it.
type fixture struct {
	store.Store
	t     *testing.T
	owner int64
	ids   atomic.Int64
}

func newFixture(t *testing.T, s store.Store) *fixture {
	t.Helper()
	f := &fixture{Store: s, t: t}
	owner, err := s.RegisterNode(t.Context(), "node-a")
	f.ok(err)
	f.owner = owner
	return f
}

// ok fails the test if err is one.
func (f *fixture) ok(err error) {
	f.t.Helper()
	if err != nil {
		f.t.Fatal(err)
	}
}

// kind fails the test unless err is of the kind.
func (f *fixture) kind(err error, want webhook.Kind) {
	f.t.Helper()
	if !errors.Is(err, want) {
		f.t.Fatalf("error is %v, want kind %s", err, want)
	}
}

// conflict fails the test unless err is a Conflict with the code.
func (f *fixture) conflict(err error, code string) {
	f.t.Helper()
	f.kind(err, webhook.Conflict)
	if e, ok := webhook.AsError(err); !ok || e.Code != code {
		f.t.Fatalf("error is %v, want code %s", err, code)
	}
}

func equal[T any](t *testing.T, what string, got, want T) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatalf("%s (-want +got):\n%s", what, diff)
	}
}

func (f *fixture) id(prefix string) string { return fmt.Sprintf("%s%06d", prefix, f.ids.Add(1)) }

// endpoint makes an enabled endpoint of a tenant.
func (f *fixture) endpoint(tenant string) webhook.Endpoint {
	f.t.Helper()
	e, err := f.CreateEndpoint(f.t.Context(), newEndpoint(tenant, f.id(webhook.EndpointIDPrefix)))
	f.ok(err)
	return e
}

func newEndpoint(tenant, id string) webhook.Endpoint {
	return webhook.Endpoint{
		ID: id, Tenant: tenant, URL: "https://example.com/hook", Description: "orders", EventTypes: []string{"invoice.*", "order.paid"},
		Headers: map[string]string{"x-token": "t", "x-more": "ü"}, Policy: webhook.DefaultPolicy(), State: webhook.EndpointEnabled,
		Secrets: []webhook.Secret{
			{ID: "sec_2", Value: "whsec_bmV3", CreatedAt: start},
			{ID: "sec_1", Value: "whsec_b2xk", CreatedAt: start.Add(-time.Hour), ExpiresAt: start.Add(time.Hour)},
		},
		CreatedAt: start, UpdatedAt: start,
	}
}

// newEvent is an event of a tenant to the endpoints, each waiting for its turn.
func (f *fixture) newEvent(tenant string, endpoints ...webhook.Endpoint) store.NewEvent {
	f.t.Helper()
	version, _, err := f.TenantEndpoints(f.t.Context(), tenant)
	f.ok(err)
	id := f.id(webhook.EventIDPrefix)
	data := []byte(`{"id":"` + id + `"}`)
	e := store.NewEvent{
		Tenant: tenant, ID: id, Type: "invoice.paid", Data: data, Fingerprint: webhook.FingerprintOf("invoice.paid", data),
		TraceParent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
		CreatedAt:   start, EndpointsVersion: version, Owner: f.owner,
	}
	for _, p := range endpoints {
		e.Deliveries = append(e.Deliveries, store.NewDelivery{EndpointKey: p.Key, Policy: p.Policy, WaitingFor: webhook.WaitingForTurn})
	}
	return e
}

// accept stores events that must be new.
func (f *fixture) accept(events ...store.NewEvent) []webhook.Event {
	f.t.Helper()
	accepted, err := f.Accept(f.t.Context(), events)
	f.ok(err)
	var stored []webhook.Event
	for i, a := range accepted {
		if a.Status != store.AcceptedNew {
			f.t.Fatalf("event %s: status %d, want new", events[i].ID, a.Status)
		}
		stored = append(stored, a.Event)
	}
	return stored
}

// send accepts one event of the default tenant to the endpoints.
func (f *fixture) send(endpoints ...webhook.Endpoint) webhook.Event {
	f.t.Helper()
	return f.accept(f.newEvent(webhook.DefaultTenant, endpoints...))[0]
}

// held accepts one event whose only delivery is born held.
func (f *fixture) held(endpoint webhook.Endpoint, why webhook.WaitingFor, at time.Time) webhook.Event {
	f.t.Helper()
	e := f.newEvent(endpoint.Tenant, endpoint)
	e.CreatedAt, e.Deliveries[0].WaitingFor = at, why
	return f.accept(e)[0]
}

func (f *fixture) delivery(event webhook.Event, endpoint webhook.Endpoint) webhook.Delivery {
	f.t.Helper()
	d, err := f.LoadDelivery(f.t.Context(), event.UID, endpoint.Key)
	f.ok(err)
	return d
}

func (f *fixture) event(e webhook.Event) webhook.Event {
	f.t.Helper()
	w, err := f.LoadWork(f.t.Context(), e.UID, false)
	f.ok(err)
	return w.Event
}

// apply writes changes that must succeed.
func (f *fixture) apply(changes ...store.Change) {
	f.t.Helper()
	for _, err := range f.Apply(f.t.Context(), changes) {
		f.ok(err)
	}
}

// attempt is the change that follows from one more attempt of the delivery with that status.
func (f *fixture) attempt(d webhook.Delivery, status int, at time.Time) store.Change {
	f.t.Helper()
	result := webhook.AttemptResult{Outcome: webhook.OutcomeRejected, Status: status, ErrorClass: webhook.ErrorHTTPStatus, Error: fmt.Sprintf("status %d", status)}
	switch {
	case status == 0:
		result.Outcome, result.ErrorClass, result.Error = webhook.OutcomeUnreachable, webhook.ErrorTimeout, "no answer"
	case status < 300:
		result.Outcome, result.ErrorClass, result.Error = webhook.OutcomeDelivered, "", ""
	}
	after := d.Apply(result, at, 0.5)
	return store.Change{
		Delivery: after, ExpectAttempts: d.Attempts,
		Attempts: []webhook.Attempt{{
			ID: f.id(webhook.AttemptIDPrefix), EventUID: d.EventUID, EndpointKey: d.EndpointKey, Tenant: d.Tenant, EventID: d.EventID,
			EventType: d.EventType, EndpointID: d.EndpointID, Number: after.Attempts, Outcome: result.Outcome, Status: status,
			ErrorClass: result.ErrorClass, Error: result.Error, StartedAt: at.Add(-time.Millisecond), Duration: time.Millisecond,
		}},
	}
}

// try makes one attempt of a delivery and stores it.
func (f *fixture) try(event webhook.Event, endpoint webhook.Endpoint, status int, at time.Time) webhook.Delivery {
	f.t.Helper()
	f.apply(f.attempt(f.delivery(event, endpoint), status, at))
	return f.delivery(event, endpoint)
}

// cleared empties the outbox.
func (f *fixture) cleared() {
	f.t.Helper()
	var seqs []int64
	for class := store.OutboxWish; class <= store.OutboxDelivered; class++ {
		for _, r := range f.outbox(class) {
			seqs = append(seqs, r.Seq)
		}
	}
	f.ok(f.OutboxDone(f.t.Context(), seqs))
}

func (f *fixture) outbox(class store.OutboxClass) []store.OutboxRow {
	f.t.Helper()
	rows, err := f.Outbox(f.t.Context(), f.owner, class, 0, 1000)
	f.ok(err)
	return rows
}

// waiting is the UIDs of the events that the owner has to send to the endpoint.
func (f *fixture) waiting(owner int64, endpoint webhook.Endpoint) []int64 {
	f.t.Helper()
	rows, err := f.Waiting(f.t.Context(), owner, endpoint.Key, 0, 1000)
	f.ok(err)
	uids := []int64{}
	for _, r := range rows {
		uids = append(uids, r.Event.UID)
	}
	return uids
}

func uidsOf(events ...webhook.Event) []int64 {
	uids := []int64{}
	for _, e := range events {
		uids = append(uids, e.UID)
	}
	return uids
}

func isConflict(err error) bool { return errors.Is(err, webhook.Conflict) }
