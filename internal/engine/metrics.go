package engine

import (
	"slices"
	"sync"

	"go.temporal.io/sdk/client"
)

// maxMetrics bounds what cachedMetrics keeps of each kind; what it has no room for is made anew each time.
const maxMetrics = 1000

// cachedMetrics keeps the handlers and instruments that it got from another handler. The SDK asks for some of them
// several times a workflow, always for the same few dozen, and each is a sorted set of attributes.
type cachedMetrics struct {
	of       client.MetricsHandler
	tagged   cache[client.MetricsHandler]
	counters cache[client.MetricsCounter]
	gauges   cache[client.MetricsGauge]
	timers   cache[client.MetricsTimer]
}

// Unwrap returns the handler that does the work.
func (m *cachedMetrics) Unwrap() client.MetricsHandler { return m.of }

// WithTags returns the handler whose metrics have these tags too.
func (m *cachedMetrics) WithTags(tags map[string]string) client.MetricsHandler {
	key := tagsKey(tags)
	if h, ok := m.tagged.find(string(key)); ok {
		return h
	}
	return m.tagged.keep(string(key), &cachedMetrics{of: m.of.WithTags(tags)})
}

// Counter returns the counter of that name.
func (m *cachedMetrics) Counter(name string) client.MetricsCounter {
	if c, ok := m.counters.find(name); ok {
		return c
	}
	return m.counters.keep(name, m.of.Counter(name))
}

// Gauge returns the gauge of that name.
func (m *cachedMetrics) Gauge(name string) client.MetricsGauge {
	if g, ok := m.gauges.find(name); ok {
		return g
	}
	return m.gauges.keep(name, m.of.Gauge(name))
}

// Timer returns the timer of that name.
func (m *cachedMetrics) Timer(name string) client.MetricsTimer {
	if t, ok := m.timers.find(name); ok {
		return t
	}
	return m.timers.keep(name, m.of.Timer(name))
}

// tagsKey is the same for the same tags.
func tagsKey(tags map[string]string) []byte {
	names := make([]string, 0, 8)
	for name := range tags {
		names = append(names, name)
	}
	slices.Sort(names)
	key := make([]byte, 0, 128)
	for _, name := range names {
		key = append(append(append(append(key, name...), 0), tags[name]...), 0)
	}
	return key
}

type cache[V any] struct {
	mu   sync.RWMutex
	made map[string]V
}

func (c *cache[V]) find(key string) (V, bool) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	v, ok := c.made[key]
	return v, ok
}

// keep returns what is kept: v, unless another was first.
func (c *cache[V]) keep(key string, v V) V {
	c.mu.Lock()
	defer c.mu.Unlock()
	if first, ok := c.made[key]; ok {
		return first
	}
	if c.made == nil {
		c.made = map[string]V{}
	}
	if len(c.made) < maxMetrics {
		c.made[key] = v
	}
	return v
}
