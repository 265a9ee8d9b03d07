// Package scrape reads a process's metrics in Prometheus' text format.
package scrape

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
)

// Metrics are values by metric name; of a metric with labels the sum over all of its series, and by name{label="value"} that over
// those with the label. A histogram is its _sum and its _count, whatever the labels.
type Metrics map[string]float64

// Read scrapes a URL.
func Read(ctx context.Context, url string) (_ Metrics, err error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return nil, err
	}
	resp, err := (&http.Client{}).Do(req)
	if err != nil {
		return nil, fmt.Errorf("read the metrics: %w", err)
	}
	defer func() { err = errors.Join(err, resp.Body.Close()) }()
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("read the metrics: %s", resp.Status)
	}
	return sum(resp.Body)
}

// sum is the metrics of the families that Prometheus' parser reads.
func sum(r io.Reader) (Metrics, error) {
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(r)
	if err != nil {
		return nil, fmt.Errorf("read the metrics: %w", err)
	}
	m := Metrics{}
	for name, family := range families {
		for _, series := range family.GetMetric() {
			if h := series.GetHistogram(); h != nil {
				m[name+"_sum"] += h.GetSampleSum()
				m[name+"_count"] += float64(h.GetSampleCount())
				continue
			}
			value := series.GetGauge().GetValue() + series.GetCounter().GetValue() + series.GetUntyped().GetValue() // of which it is one
			m[name] += value
			for _, label := range series.GetLabel() {
				m[fmt.Sprintf("%s{%s=%q}", name, label.GetName(), label.GetValue())] += value
			}
		}
	}
	return m, nil
}
