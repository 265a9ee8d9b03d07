// Package scrape reads a process's metrics in Prometheus' text format.
package scrape

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Metrics are values by metric name; of a metric with labels the sum over all of its series.
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
	return parse(resp.Body)
}

// parse reads lines such as name{label="value"} 1.5. Time stamps are not understood.
func parse(r io.Reader) (Metrics, error) {
	m := Metrics{}
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		line := strings.TrimSpace(lines.Text())
		if line == "" || line[0] == '#' {
			continue
		}
		end := strings.LastIndexByte(line, ' ')
		value, err := strconv.ParseFloat(line[end+1:], 64)
		if end < 0 || err != nil {
			return nil, fmt.Errorf("read the metrics: %q has no value", line)
		}
		m[line[:strings.IndexAny(line, "{ ")]] += value
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("read the metrics: %w", err)
	}
	return m, nil
}
