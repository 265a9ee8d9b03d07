package load_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/postrider/postrider/bench/internal/load"
	"github.com/postrider/postrider/bench/internal/payload"
)

type event struct {
	ID   string          `json:"id"`
	Type string          `json:"type"`
	Data json.RawMessage `json:"data"`

	Tenant string `json:"tenant"`
}

// intake answers as the API does, except that it refuses what refuse says.
type intake struct {
	refuse func(n int) bool

	mu     sync.Mutex
	keys   []string
	events []event
}

func (in *intake) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	var events []event
	if r.URL.Path == "/v1/events" {
		events = make([]event, 1)
		_ = json.Unmarshal(body, &events[0])
	} else {
		_ = json.Unmarshal(body, &events)
	}
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.refuse != nil && in.refuse(len(in.events)) {
		w.Header().Set("Retry-After", "10")
		w.WriteHeader(http.StatusTooManyRequests)
		return
	}
	in.keys = append(in.keys, r.Header.Get("Authorization"))
	in.events = append(in.events, events...)
	w.WriteHeader(http.StatusAccepted)
	type item struct {
		Status int `json:"status"`
	}
	_ = json.NewEncoder(w).Encode(map[string]any{"data": slices.Repeat([]item{{http.StatusAccepted}}, len(events))})
}

func TestEveryEventOfAPlanIsPostedOnceAndNoted(t *testing.T) {
	t.Parallel()
	for name, plan := range map[string]load.Plan{
		"as fast as answered": {N: 100, Size: 200, Connections: 4},
		"at a rate":           {N: 50, Size: 200, Rate: 2000},
		"in batches":          {N: 100, Size: 200, Connections: 2, Batch: 30},
		"from within":         {N: 100, Size: 200, Connections: 4},
		"batches from within": {N: 100, Size: 200, Connections: 2, Batch: 30},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			in := &intake{}
			service := http.NewServeMux()
			service.Handle("/", in)
			service.Handle(load.InsidePath, load.Inside(service))
			server := httptest.NewServer(service)
			defer server.Close()
			run := load.Run
			if strings.HasSuffix(name, "from within") {
				run = load.RunInside
			}
			plan.URL, plan.Key, plan.EventType = server.URL, "secret", "bench.sent"
			posts, err := run(t.Context(), plan)
			if err != nil {
				t.Fatal(err)
			}
			sent := map[string]load.Post{}
			for _, p := range posts {
				if p.Status != http.StatusAccepted || p.AnsweredNS < p.SentNS || p.LateNS < 0 {
					t.Errorf("noted %+v", p)
				}
				sent[p.EventID] = p
			}
			if len(sent) != plan.N || len(in.events) != plan.N {
				t.Errorf("%d events noted, %d arrived; want %d", len(sent), len(in.events), plan.N)
			}
			for _, e := range in.events {
				at, whole := payload.SentAt(e.Data, plan.Size)
				if p, ok := sent[e.ID]; !ok || !whole || at != p.SentNS || e.Type != plan.EventType {
					t.Errorf("%s arrived as %s %s, noted %+v", e.ID, e.Type, e.Data, p)
				}
			}
			if slices.ContainsFunc(in.keys, func(k string) bool { return k != "Bearer secret" }) {
				t.Errorf("keys %q", in.keys)
			}
		})
	}
}

func TestARefusedEventIsNotedAndNotTriedAgain(t *testing.T) {
	t.Parallel()
	in := &intake{refuse: func(n int) bool { return n >= 3 }}
	server := httptest.NewServer(in)
	defer server.Close()
	posts, err := load.Run(t.Context(), load.Plan{URL: server.URL, EventType: "bench.sent", N: 5, Connections: 1})
	if err != nil {
		t.Fatal(err)
	}
	var statuses []int
	for _, p := range posts {
		statuses = append(statuses, p.Status)
		if p.RetryAfter != (p.Status == http.StatusTooManyRequests) {
			t.Errorf("noted %+v", p)
		}
	}
	if want := []int{202, 202, 202, 429, 429}; !slices.Equal(statuses, want) {
		t.Errorf("got %v, want %v", statuses, want)
	}
}

func TestForATimeEventsArePostedAsFastAsTheyAreAnswered(t *testing.T) {
	t.Parallel()
	in := &intake{}
	server := httptest.NewServer(in)
	defer server.Close()
	plan := load.Plan{URL: server.URL, Tenant: "noisy", EventType: "bench.sent", Seconds: 0.05, Connections: 2, Batch: 3}
	posts, err := load.Run(t.Context(), plan)
	if err != nil || len(posts) == 0 || len(posts)%3 != 0 || len(posts) != len(in.events) {
		t.Fatalf("%d noted, %d arrived, %v", len(posts), len(in.events), err)
	}
	ids := map[string]bool{}
	for i, p := range posts {
		ids[p.EventID] = true
		if p.Status != http.StatusAccepted || in.events[i].Tenant != "noisy" {
			t.Errorf("noted %+v, arrived %+v", p, in.events[i])
		}
	}
	if len(ids) != len(posts) {
		t.Errorf("%d different events of %d", len(ids), len(posts))
	}
}

func TestHowLongALoadLastsIsKnownWhereItHasATime(t *testing.T) {
	t.Parallel()
	for want, plan := range map[time.Duration]load.Plan{
		0:                       {N: 100, Connections: 4},
		1500 * time.Millisecond: {Seconds: 1.5, Connections: 4},
		2 * time.Second:         {N: 100, Rate: 50},
		5 * time.Second:         {N: 100, Rate: 2, Batch: 10},
	} {
		if got := plan.Lasts(); got != want {
			t.Errorf("%+v: got %s, want %s", plan, got, want)
		}
	}
}

func TestAPlanWithoutEventsOrPaceIsRefused(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(load.Inside(&intake{}))
	defer server.Close()
	for _, plan := range []load.Plan{{Connections: 1}, {N: 1}, {Seconds: 1}, {Seconds: 1, Rate: 1}, {Seconds: 1, N: 1, Connections: 1}} {
		if _, err := load.Run(t.Context(), plan); err == nil {
			t.Errorf("%+v: taken", plan)
		}
		plan.URL = server.URL
		if _, err := load.RunInside(t.Context(), plan); err == nil || !strings.Contains(err.Error(), "a plan needs") {
			t.Errorf("%+v from within: %v", plan, err)
		}
	}
}

func TestPostsAreReadAsTheyWereWritten(t *testing.T) {
	t.Parallel()
	want := []load.Post{{"evt_1", 1, 20, 3, 202, false}, {"evt_2", 2, 30, 0, 429, true}}
	var text bytes.Buffer
	if err := load.Write(&text, want); err != nil {
		t.Fatal(err)
	}
	got, err := load.Read(&text)
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("got %+v, %v; want %+v", got, err, want)
	}
	if _, err := load.Read(bytes.NewBufferString("evt_1,1,2,x,202,false\n")); err == nil {
		t.Error("a number that is none was read")
	}
}
