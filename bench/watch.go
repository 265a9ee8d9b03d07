package main

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/postrider/postrider/bench/internal/payload"
	"github.com/postrider/postrider/bench/internal/scrape"
)

// Metrics of Postrider's that are watched.
const (
	backlogMetric    = "postrider_backlog_waiting"
	refusingMetric   = "postrider_intake_refusing"
	outboxMetric     = "postrider_outbox_rows"
	latencySum       = "postrider_delivery_latency_seconds_sum"
	latencyCount     = "postrider_delivery_latency_seconds_count"
	residentMetric   = "process_resident_memory_bytes"
	heapMetric       = "go_memstats_heap_inuse_bytes"
	goroutinesMetric = "go_goroutines"
	retriesMetric    = `postrider_attempts_total{first="false"}`
)

// sample is what was read at a time of payload.Now.
type sample struct {
	at     int64
	values scrape.Metrics
}

// samples are in the order of their times.
type samples []sample

// watch reads every so often until stop is called, and then once more.
func watch(ctx context.Context, every time.Duration, read func(context.Context) (scrape.Metrics, error)) (stop func() (samples, error)) {
	watching, cancel := context.WithCancel(ctx)
	var all samples
	take := func() error {
		values, err := read(ctx)
		if err == nil {
			all = append(all, sample{payload.Now(), values})
		}
		return err
	}
	var failed error
	var ended sync.WaitGroup
	ended.Go(func() {
		_ = poll(watching, every, func() (bool, error) { // ends when stop is called
			failed = take()
			return false, failed
		})
	})
	return func() (samples, error) {
		cancel()
		ended.Wait()
		if failed != nil {
			return nil, failed
		}
		return all, take()
	}
}

// peak is the greatest value.
func (s samples) peak(name string) float64 {
	var most float64
	for _, v := range s {
		most = max(most, v.values[name])
	}
	return most
}

// mean is that of the values read from one time to another; 0 if there were none.
func (s samples) mean(name string, from, to int64) float64 {
	var sum float64
	n := 0
	for _, v := range s {
		if v.at >= from && v.at < to {
			sum += v.values[name]
			n++
		}
	}
	return sum / float64(max(1, n))
}

// growth is by how much the value grew from the first to the last read between two times.
func (s samples) growth(name string, from, to int64) float64 {
	var within samples
	for _, v := range s {
		if v.at >= from && v.at < to {
			within = append(within, v)
		}
	}
	if len(within) == 0 {
		return 0
	}
	return within[len(within)-1].values[name] - within[0].values[name]
}

// times are when a value that counts something reached 1, 2, 3 and so on beyond what it was at first, each placed evenly
// between the two samples around it.
func (s samples) times(name string) []int64 {
	var times []int64
	for i := 1; i < len(s); i++ {
		before, now := s[i-1], s[i]
		n := int64(now.values[name] - s[0].values[name])
		have := int64(len(times))
		for k := have + 1; k <= n; k++ {
			times = append(times, before.at+(now.at-before.at)*(k-have)/(n-have))
		}
	}
	return times
}

// metrics are what the system says of itself.
func (s *system) metrics(ctx context.Context) (scrape.Metrics, error) { return metricsAt(ctx, s.url) }

func metricsAt(ctx context.Context, url string) (scrape.Metrics, error) {
	return scrape.Read(ctx, url+"/metrics")
}

// awaitToldAll waits until Temporal has been told of everything, for as long as anything may take.
func (b *bed) awaitToldAll(ctx context.Context) error {
	within, cancel := context.WithTimeout(ctx, b.wait)
	defer cancel()
	err := poll(within, countEvery, func() (bool, error) {
		m, err := b.metrics(within)
		return m[outboxMetric] == 0, err
	})
	if err != nil {
		return fmt.Errorf("wait until Temporal has been told of everything: %w", err)
	}
	return nil
}
