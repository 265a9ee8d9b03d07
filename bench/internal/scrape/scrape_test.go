package scrape

import (
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestTheSeriesOfAMetricAreSummed(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte("# HELP rows Rows.\n# TYPE rows gauge\n" +
			"rows{class=\"a b\"} 2\nrows{class=\"c\"} 1.5e+03\n\nrefusing 1\n" +
			"# TYPE late_seconds histogram\nlate_seconds_bucket{le=\"+Inf\"} 4\nlate_seconds_sum 2.5\nlate_seconds_count 4\n"))
	}))
	defer server.Close()
	got, err := Read(t.Context(), server.URL)
	if want := (Metrics{"rows": 1502, `rows{class="a b"}`: 2, `rows{class="c"}`: 1500, "refusing": 1, "late_seconds_sum": 2.5, "late_seconds_count": 4}); err != nil || !maps.Equal(got, want) {
		t.Errorf("got %v, %v; want %v", got, err, want)
	}
}

func TestALineWithoutAValueIsNoMetric(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"rows", "rows many", `rows{class="a"}`} {
		if got, err := sum(strings.NewReader(text)); err == nil {
			t.Errorf("%q: got %v", text, got)
		}
	}
}
