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
			"rows{class=\"a b\"} 2\nrows{class=\"c\"} 1.5e+03\n\nrefusing 1\n"))
	}))
	defer server.Close()
	got, err := Read(t.Context(), server.URL)
	if want := (Metrics{"rows": 1502, "refusing": 1}); err != nil || !maps.Equal(got, want) {
		t.Errorf("got %v, %v; want %v", got, err, want)
	}
}

func TestALineWithoutAValueIsNoMetric(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"rows", "rows many", `rows{class="a"}`} {
		if got, err := parse(strings.NewReader(text)); err == nil {
			t.Errorf("%q: got %v", text, got)
		}
	}
}
