package telemetry_test

import (
	"bufio"
	"context"
	"net/http/httptest"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/postrider/postrider/internal/telemetry"
	"github.com/postrider/postrider/webhook"
)

func TestEveryMetricOfTheCatalogueIsScrapedWithinItsLabels(t *testing.T) {
	t.Parallel()
	tel, _ := newTelemetry(t, telemetry.Config{Version: "1.2.3"})
	recordEverything(t, tel.Metrics)
	scraped := scrape(t, tel)
	for _, i := range telemetry.Catalogue() {
		t.Run(i.Name, func(t *testing.T) {
			t.Parallel()
			name := prometheusName(i)
			series := scraped[name]
			if len(series) == 0 {
				t.Fatalf("%s is not there", name)
			}
			if i.Series() > 0 && len(series) > i.Series() {
				t.Errorf("%d series, budget is %d", len(series), i.Series())
			}
			for _, labels := range series {
				withinBudget(t, i, labels)
			}
		})
	}
}

func TestEveryScrapedPostriderMetricIsInTheCatalogue(t *testing.T) {
	t.Parallel()
	tel, _ := newTelemetry(t, telemetry.Config{})
	recordEverything(t, tel.Metrics)
	known := map[string]bool{}
	for _, i := range telemetry.Catalogue() {
		known[prometheusName(i)] = true
	}
	for name := range scrape(t, tel) {
		if strings.HasPrefix(name, "postrider_") && !known[name] &&
			!strings.HasSuffix(name, "_sum") && !strings.HasSuffix(name, "_bucket") {
			t.Errorf("%s is not in the catalogue", name)
		}
	}
}

func TestScrapedNamesAreThePromisedOnes(t *testing.T) {
	t.Parallel()
	tel, _ := newTelemetry(t, telemetry.Config{})
	recordEverything(t, tel.Metrics)
	scraped := scrape(t, tel)
	for _, name := range []string{
		"postrider_events_accepted_total", "postrider_deliveries_total", "postrider_attempts_total",
		"postrider_attempt_duration_seconds_count", "postrider_delivery_latency_seconds_count",
		"postrider_commit_size_count", "postrider_engine_away", "postrider_dispatch_window_bytes",
		"postrider_sweep_overdue_total", "http_server_request_duration_seconds_count",
		"go_goroutines", "process_open_fds", "target_info",
	} {
		if _, ok := scraped[name]; !ok {
			t.Errorf("%s is not there", name)
		}
	}
}

func TestAnUnlistedValueIsCountedAsOther(t *testing.T) {
	t.Parallel()
	tel, _ := newTelemetry(t, telemetry.Config{})
	ctx := t.Context()
	for _, made := range []string{"made", "up"} {
		tel.Metrics.Accepted(ctx, telemetry.Intake(made), 1)
		tel.Metrics.Attempt(ctx, webhook.AttemptResult{Outcome: webhook.Outcome(made)}, true)
		tel.Metrics.Request(ctx, made, "", 405, time.Millisecond)
	}
	scraped := scrape(t, tel)
	for name, want := range map[string]map[string]string{
		"postrider_events_accepted_total":            {"status": "other"},
		"postrider_attempts_total":                   {"outcome": "other", "error_class": "other", "first": "true"},
		"http_server_request_duration_seconds_count": {"http_request_method": "_OTHER", "http_response_status_code": "405"},
	} {
		if got := scraped[name]; len(got) != 1 || !covers(got[0], want) {
			t.Errorf("%s: got %v, want one series with %v", name, got, want)
		}
	}
}

func TestANilMetricsRecordsNothing(t *testing.T) {
	t.Parallel()
	recordEverything(t, nil)
}

func TestRecordingDoesNotAllocate(t *testing.T) {
	tel, _ := newTelemetry(t, telemetry.Config{})
	for name, record := range hotPath(t.Context(), tel.Metrics) {
		record() // what is met for the first time may
		if n := testing.AllocsPerRun(100, record); n != 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
}

func BenchmarkRecording(b *testing.B) {
	tel, err := telemetry.New(b.Context(), telemetry.Config{})
	if err != nil {
		b.Fatal(err)
	}
	for name, record := range hotPath(b.Context(), tel.Metrics) {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				record()
			}
		})
	}
}

// hotPath is what is recorded for every event.
func hotPath(ctx context.Context, m *telemetry.Metrics) map[string]func() {
	result := webhook.AttemptResult{Outcome: webhook.OutcomeRejected, ErrorClass: webhook.ErrorHTTPStatus, Duration: time.Millisecond}
	return map[string]func(){
		"accepted": func() { m.Accepted(ctx, telemetry.IntakeNew, 1) },
		"attempt":  func() { m.Attempt(ctx, result, true) },
		"delivery": func() { m.Delivery(ctx, delivery(webhook.DeliveryDelivered)) },
		"commit":   func() { m.Commit(ctx, 32, time.Millisecond) },
		"start":    func() { m.EngineStart(ctx, telemetry.StartedNew, time.Millisecond) },
		"request":  func() { m.Request(ctx, "POST", "/v1/events", 202, time.Millisecond) },
	}
}

func delivery(state webhook.DeliveryState) webhook.Delivery {
	accepted := time.Unix(1614265330, 0)
	return webhook.Delivery{State: state, Attempts: 1, CreatedAt: accepted, CompletedAt: accepted.Add(time.Second)}
}

func recordEverything(t *testing.T, m *telemetry.Metrics) {
	t.Helper()
	ctx := t.Context()
	for _, what := range []telemetry.Intake{telemetry.IntakeNew, telemetry.IntakeDuplicate, telemetry.IntakeConflict, telemetry.IntakeRefused} {
		m.Accepted(ctx, what, 3)
	}
	for _, state := range []webhook.DeliveryState{
		webhook.DeliveryRetrying, webhook.DeliveryHeld, webhook.DeliveryDelivered,
		webhook.DeliveryExhausted, webhook.DeliveryCancelled, webhook.DeliveryExpired,
	} {
		m.Delivery(ctx, delivery(state))
	}
	m.Attempt(ctx, webhook.AttemptResult{Outcome: webhook.OutcomeDelivered, Status: 204}, true)
	m.Attempt(ctx, webhook.AttemptResult{Outcome: webhook.OutcomeUnreachable, ErrorClass: webhook.ErrorDNS}, false)
	m.Commit(ctx, 12, time.Millisecond)
	m.EngineStart(ctx, telemetry.StartedExists, time.Millisecond)
	m.EngineAway(ctx, true)
	m.Overdue(ctx, telemetry.FoundIdle)
	m.Request(ctx, "POST", "/v1/events", 202, time.Millisecond)
	m.Request(ctx, "GET", "", 500, time.Millisecond)
	stop, err := m.ObserveLevels(func(context.Context) telemetry.Levels {
		return telemetry.Levels{Waiting: 7, Refusing: true, Outbox: map[telemetry.OutboxClass]int64{telemetry.OutboxWish: 2}}
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
}

// scrape is the label sets of every series, by name.
func scrape(t *testing.T, tel *telemetry.Telemetry) map[string][]map[string]string {
	t.Helper()
	answer := httptest.NewRecorder()
	tel.PrometheusHandler.ServeHTTP(answer, httptest.NewRequestWithContext(t.Context(), "GET", "/metrics", nil))
	series := map[string][]map[string]string{}
	line := regexp.MustCompile(`^([a-z_]+)(?:\{(.*)\})? \S+$`)
	pair := regexp.MustCompile(`([a-z_]+)="([^"]*)"`)
	for lines := bufio.NewScanner(answer.Body); lines.Scan(); {
		found := line.FindStringSubmatch(lines.Text())
		if found == nil {
			continue
		}
		labels := map[string]string{}
		for _, p := range pair.FindAllStringSubmatch(found[2], -1) {
			labels[p[1]] = p[2]
		}
		series[found[1]] = append(series[found[1]], labels)
	}
	return series
}

// prometheusName is the name of a series that the metric always has.
func prometheusName(i telemetry.Instrument) string {
	name := strings.ReplaceAll(i.Name, ".", "_")
	if i.Unit == "s" {
		name += "_seconds"
	}
	switch i.Kind {
	case telemetry.Counter:
		name += "_total"
	case telemetry.Histogram:
		name += "_count"
	}
	return name
}

func withinBudget(t *testing.T, i telemetry.Instrument, got map[string]string) {
	t.Helper()
	for key, value := range got {
		at := slices.IndexFunc(i.Labels, func(l telemetry.Label) bool { return strings.ReplaceAll(l.Key, ".", "_") == key })
		if at < 0 {
			t.Errorf("label %s is not in the catalogue", key)
		} else if values := i.Labels[at].Values; values != nil && !slices.Contains(values, value) {
			t.Errorf("label %s has the unlisted value %q", key, value)
		}
	}
}

func covers(got, want map[string]string) bool {
	for key, value := range want {
		if got[key] != value {
			return false
		}
	}
	return true
}

func TestTheOperationsPageListsEveryMetricWithItsLabels(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../docs/operations.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, i := range telemetry.Catalogue() {
		name := strings.TrimSuffix(prometheusName(i), "_count")
		at := slices.IndexFunc(strings.Split(string(page), "\n"), func(line string) bool { return strings.HasPrefix(line, "| `"+name+"` |") })
		if at < 0 {
			t.Errorf("%s is missing", name)
			continue
		}
		row := strings.Split(string(page), "\n")[at]
		for _, l := range i.Labels {
			if i.Name != telemetry.RequestDuration && !strings.Contains(row, "`"+l.Key+"`") {
				t.Errorf("%s: its label %s is missing", name, l.Key)
			}
		}
	}
}
