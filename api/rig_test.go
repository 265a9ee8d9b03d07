package api_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/postrider/postrider/api"
	"github.com/postrider/postrider/sender"
	"github.com/postrider/postrider/store"
	"github.com/postrider/postrider/store/sqlite"
	"github.com/postrider/postrider/webhook"
)

// rig is the API over a real store and a fake intake. Every answer that it gets is checked against
// the OpenAPI document.
type rig struct {
	t       *testing.T
	store   *sqlite.DB
	intake  *intake
	engine  *engine
	handler http.Handler
	doc     *huma.OpenAPI
	routes  []api.RouteLine
	log     *bytes.Buffer
	clock   *clock
	admin   string            // the admin key
	tenants map[string]string // key by tenant
}

// clock stands still until it is moved.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) Move(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

func newRig(t *testing.T, change ...func(*api.Deps)) *rig {
	t.Helper()
	db := openStore(t)
	r := &rig{
		t: t, store: db, engine: &engine{}, log: &bytes.Buffer{}, tenants: map[string]string{},
		clock: &clock{now: time.Date(2026, 11, 25, 9, 30, 0, 123456000, time.UTC)},
	}
	node, err := db.RegisterNode(t.Context(), "test")
	if err != nil {
		t.Fatal(err)
	}
	r.intake = &intake{DB: db, node: node, now: r.clock.Now, status: webhook.IntakeStatus{SendersUp: true}}
	deps := api.Deps{
		Store: db, Intake: r.intake, Engine: r.engine, CheckURL: sender.Guard{}.CheckURL, CheckHeaders: sender.CheckHeaders,
		Now: r.clock.Now, Version: "1.2.3", Logger: slog.New(slog.NewJSONHandler(r.log, nil)),
	}
	for _, c := range change {
		c(&deps)
	}
	r.handler, r.doc, r.routes = api.Inside(deps)
	r.admin = r.key("")
	return r
}

// migrated is the file of an empty store; migrating one takes longer than most tests do.
var migrated = sync.OnceValues(func() ([]byte, error) {
	dir, err := os.MkdirTemp("", "postrider-api")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "store.db")
	db, err := sqlite.Open(context.Background(), path, sqlite.Options{})
	if err != nil {
		return nil, err
	}
	if err := db.Close(); err != nil {
		return nil, err
	}
	return os.ReadFile(path)
})

// openStore opens an empty store.
func openStore(t *testing.T) *sqlite.DB {
	t.Helper()
	path := filepath.Join(t.TempDir(), "store.db")
	text, err := migrated()
	if err == nil {
		err = os.WriteFile(path, text, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	db, err := sqlite.Open(t.Context(), path, sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}

// key makes a key for a tenant, or an admin key.
func (r *rig) key(tenant string) string {
	r.t.Helper()
	text, key := api.NewAPIKey(tenant, "test", r.clock.Now())
	if err := r.store.CreateAPIKey(r.t.Context(), key); err != nil {
		r.t.Fatal(err)
	}
	return text
}

// tenant is the key of a tenant.
func (r *rig) tenant(name string) string {
	if r.tenants[name] == "" {
		r.tenants[name] = r.key(name)
	}
	return r.tenants[name]
}

// call is one request.
type call struct {
	method, path string
	body         string
	as           string // key; empty: admin; "-": none
	mediaType    string // of the body; empty: JSON
	header       map[string]string
}

func (r *rig) get(path string) *answer { return r.do(call{method: "GET", path: path}) }

func (r *rig) post(path, body string) *answer {
	return r.do(call{method: "POST", path: path, body: body})
}

// do makes a call and checks that the answer is as documented.
func (r *rig) do(c call) *answer {
	r.t.Helper()
	req := httptest.NewRequestWithContext(r.t.Context(), c.method, c.path, strings.NewReader(c.body))
	switch c.as {
	case "-":
	case "":
		req.Header.Set("Authorization", "Bearer "+r.admin)
	default:
		req.Header.Set("Authorization", "Bearer "+c.as)
	}
	if c.body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	if c.mediaType != "" {
		req.Header.Set("Content-Type", c.mediaType)
	}
	for name, value := range c.header {
		req.Header.Set(name, value)
	}
	w := httptest.NewRecorder()
	r.handler.ServeHTTP(w, req)
	a := &answer{t: r.t, call: c, status: w.Code, header: w.Header(), text: w.Body.Bytes()}
	r.conforms(a)
	return a
}

// conforms checks an answer against the OpenAPI document.
func (r *rig) conforms(a *answer) {
	r.t.Helper()
	op := r.operation(a.call.method, a.call.path)
	if op == nil {
		return
	}
	response := op.Responses[strconv.Itoa(a.status)]
	if response == nil {
		if a.status != http.StatusInternalServerError {
			r.t.Errorf("%s answers %d, which is not documented: %s", a, a.status, a.text)
		}
		return
	}
	mediaType, _, _ := strings.Cut(a.header.Get("Content-Type"), ";")
	media := response.Content[mediaType]
	if media == nil {
		if len(a.text) > 0 || len(response.Content) > 0 {
			r.t.Errorf("%s answers %d with %q, which is not documented", a, a.status, mediaType)
		}
		return
	}
	result := &huma.ValidateResult{}
	var value any
	if err := json.Unmarshal(a.text, &value); err != nil {
		r.t.Errorf("%s answers %q: %v", a, a.text, err)
	}
	huma.Validate(r.doc.Components.Schemas, media.Schema, huma.NewPathBuffer(nil, 0), huma.ModeReadFromServer, value, result)
	for _, err := range result.Errors {
		r.t.Errorf("%s answers %d not as documented: %v in %s", a, a.status, err, a.text)
	}
}

// operation finds the documented operation of a path.
func (r *rig) operation(method, path string) *huma.Operation {
	path, _, _ = strings.Cut(path, "?")
	var found *huma.Operation
	for template, item := range r.doc.Paths {
		if !matches(template, path) {
			continue
		}
		op := map[string]*huma.Operation{
			"GET": item.Get, "POST": item.Post, "PUT": item.Put, "PATCH": item.Patch, "DELETE": item.Delete,
		}[method]
		if op != nil && (found == nil || template == path) {
			found = op
		}
	}
	return found
}

func matches(template, path string) bool {
	want, got := strings.Split(template, "/"), strings.Split(path, "/")
	if len(want) != len(got) {
		return false
	}
	for i := range want {
		if want[i] != got[i] && !strings.HasPrefix(want[i], "{") {
			return false
		}
	}
	return true
}

// answer is what came back.
type answer struct {
	t      *testing.T
	call   call
	status int
	header http.Header
	text   []byte
}

func (a *answer) String() string { return a.call.method + " " + a.call.path }

// is fails the test unless the status is the wanted one.
func (a *answer) is(status int) *answer {
	a.t.Helper()
	if a.status != status {
		a.t.Fatalf("%s %s: status %d, want %d: %s", a, a.call.body, a.status, status, a.text)
	}
	return a
}

// at is the value at a path such as "data.0.id" in the answer; nil if there is none.
func (a *answer) at(path string) any {
	a.t.Helper()
	var value any
	d := json.NewDecoder(bytes.NewReader(a.text))
	if err := d.Decode(&value); err != nil {
		a.t.Fatalf("%s: %v in %q", a, err, a.text)
	}
	for name := range strings.SplitSeq(path, ".") {
		switch v := value.(type) {
		case map[string]any:
			value = v[name]
		case []any:
			i, err := strconv.Atoi(name)
			if err != nil || i >= len(v) {
				return nil
			}
			value = v[i]
		default:
			return nil
		}
	}
	return value
}

// str is the string at a path; empty if there is none.
func (a *answer) str(path string) string {
	a.t.Helper()
	s, _ := a.at(path).(string)
	return s
}

// len is the length of the list at a path.
func (a *answer) len(path string) int {
	a.t.Helper()
	l, _ := a.at(path).([]any)
	return len(l)
}

// equal fails the test unless the value at the path is the wanted one.
func (a *answer) equal(path string, want any) *answer {
	a.t.Helper()
	if n, ok := want.(int); ok {
		want = float64(n)
	}
	got, _ := json.Marshal(a.at(path))
	if w, _ := json.Marshal(want); !bytes.Equal(got, w) {
		a.t.Errorf("%s: %s is %s, want %s", a, path, got, w)
	}
	return a
}

// fields is the faulty fields of a problem, in order.
func (a *answer) fields() []string {
	a.t.Helper()
	var p struct {
		Errors []struct{ Field, Detail string }
	}
	if err := json.Unmarshal(a.text, &p); err != nil {
		a.t.Fatalf("%s: %v in %q", a, err, a.text)
	}
	fields := []string{}
	for _, e := range p.Errors {
		if e.Detail == "" {
			a.t.Errorf("%s: field %s has no detail", a, e.Field)
		}
		fields = append(fields, e.Field)
	}
	return fields
}

// endpoint registers an endpoint for everything and returns its ID.
func (r *rig) endpoint(as string) string {
	r.t.Helper()
	return r.do(call{
		method: "POST", path: "/v1/endpoints", body: `{"url":"https://example.com/hook","event_types":["*"]}`, as: as,
	}).is(http.StatusCreated).str("id")
}

// intake stores events with a delivery to each subscribed endpoint, and delivers nothing.
type intake struct {
	*sqlite.DB
	node   int64
	now    func() time.Time
	mu     sync.Mutex
	status webhook.IntakeStatus
	refuse error // what Accept answers

	posted  []webhook.Event
	changed []webhook.Endpoint
}

func (i *intake) Accept(ctx context.Context, events []webhook.Event) ([]store.Accepted, error) {
	return i.accept(ctx, events, "")
}

func (i *intake) Test(ctx context.Context, e webhook.Endpoint) (store.Accepted, error) {
	event := webhook.Event{Tenant: e.Tenant, ID: webhook.NewID(webhook.EventIDPrefix), Type: webhook.TestEventType, Data: []byte(`{}`)}
	results, err := i.accept(ctx, []webhook.Event{event}, e.ID)
	if err != nil {
		return store.Accepted{}, err
	}
	results[0].Event.Tenant, results[0].Event.ID, results[0].Event.Type = event.Tenant, event.ID, event.Type
	return results[0], nil
}

func (i *intake) accept(ctx context.Context, events []webhook.Event, only string) ([]store.Accepted, error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.refuse != nil {
		return nil, i.refuse
	}
	stored := make([]store.NewEvent, len(events))
	ids := make([][]string, len(events))
	for n, e := range events {
		version, endpoints, err := i.TenantEndpoints(ctx, e.Tenant)
		if err != nil {
			return nil, err
		}
		stored[n] = store.NewEvent{
			Tenant: e.Tenant, ID: e.ID, Type: e.Type, Data: e.Data, TraceParent: e.TraceParent, CreatedAt: i.now(),
			Fingerprint: webhook.FingerprintOf(e.Type, e.Data), EndpointsVersion: version, Owner: i.node,
		}
		for _, ep := range endpoints {
			if ep.ID == only || only == "" && webhook.MatchEventType(ep.EventTypes, e.Type) {
				stored[n].Deliveries = append(stored[n].Deliveries, store.NewDelivery{EndpointKey: ep.Key, Policy: ep.Policy, WaitingFor: webhook.WaitingForTurn})
				ids[n] = append(ids[n], ep.ID)
			}
		}
	}
	results, err := i.DB.Accept(ctx, stored)
	for n := range results {
		if results[n].Status == store.AcceptedNew {
			results[n].EndpointIDs = ids[n]
		}
	}
	i.posted = append(i.posted, events...)
	return results, err
}

func (i *intake) Wish(ctx context.Context, w store.WishRequest) (webhook.Event, []webhook.Delivery, error) {
	w.Owner = i.node
	return i.DB.Wish(ctx, w)
}

func (i *intake) EndpointChanged(_ context.Context, e webhook.Endpoint) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.changed = append(i.changed, e)
}

func (i *intake) Status() webhook.IntakeStatus { return i.status }

// last is the event that was posted last.
func (i *intake) last() webhook.Event {
	i.mu.Lock()
	defer i.mu.Unlock()
	if len(i.posted) == 0 {
		return webhook.Event{}
	}
	return i.posted[len(i.posted)-1]
}

// engine shows one workflow, or an error.
type engine struct {
	view webhook.WorkflowView
	err  error
}

func (e *engine) Workflow(context.Context, string) (webhook.WorkflowView, error) {
	return e.view, e.err
}

var errBroken = errors.New("disk on fire at /var/lib")

// attempt writes what an attempt at an event's delivery came to.
func (r *rig) attempt(tenant, eventID, endpointID string, result webhook.AttemptResult) {
	r.t.Helper()
	ctx := r.t.Context()
	event, err := r.store.Event(ctx, tenant, eventID)
	if err != nil {
		r.t.Fatal(err)
	}
	endpoint, err := r.store.Endpoint(ctx, tenant, endpointID)
	if err != nil {
		r.t.Fatal(err)
	}
	row, err := r.store.LoadDelivery(ctx, event.UID, endpoint.Key)
	if err != nil {
		r.t.Fatal(err)
	}
	after := row.Apply(result, r.clock.Now(), 0.5)
	err = errors.Join(r.store.Apply(ctx, []store.Change{{
		Delivery: after, ExpectAttempts: row.Attempts, Attempts: []webhook.Attempt{{
			ID: webhook.NewID(webhook.AttemptIDPrefix), EventUID: event.UID, EndpointKey: endpoint.Key, Tenant: tenant, EventID: eventID,
			EventType: event.Type, EndpointID: endpointID, Number: after.Attempts, Outcome: result.Outcome, Status: result.Status,
			ErrorClass: result.ErrorClass, Error: result.Error, RequestHeaders: result.RequestHeaders, ResponseHeaders: result.ResponseHeaders,
			ResponseBody: result.ResponseBody, StartedAt: r.clock.Now(), Duration: result.Duration,
		}},
	}})...)
	if err != nil {
		r.t.Fatal(err)
	}
}

// stream makes a call whose body has no known length and returns the status.
func (r *rig) stream(method, path, body string) int {
	req := httptest.NewRequestWithContext(r.t.Context(), method, path, struct{ *strings.Reader }{strings.NewReader(body)})
	req.ContentLength = -1
	req.Header.Set("Authorization", "Bearer "+r.admin)
	req.Header.Set("Content-Type", "application/json")
	w := httptest.NewRecorder()
	r.handler.ServeHTTP(w, req)
	return w.Code
}
