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

// endpoint registers an endpoint for everything and returns its ID.
func (r *rig) endpoint(as string) string {
	r.t.Helper()
	return r.do(call{
		method: "POST", path: "/v1/endpoints", body: `{"url":"https://example.com/hook","event_types":["*"]}`, as: as,
	}).is(http.StatusCreated).str("id")
}

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
