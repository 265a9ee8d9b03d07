package engine

import (
	"strconv"
	"testing"

	"github.com/stretchr/testify/assert"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	"go.temporal.io/sdk/client"
	sdkotel "go.temporal.io/sdk/contrib/opentelemetry"
)

// counting counts what it makes.
type counting struct {
	client.MetricsHandler
	made *int
}

func (c counting) WithTags(tags map[string]string) client.MetricsHandler {
	*c.made++
	return counting{c.MetricsHandler.WithTags(tags), c.made}
}

func (c counting) Counter(name string) client.MetricsCounter {
	*c.made++
	return c.MetricsHandler.Counter(name)
}

func TestMetricsAreMadeOnce(t *testing.T) {
	reader := metric.NewManualReader()
	meter := metric.NewMeterProvider(metric.WithReader(reader)).Meter("test")
	made := 0
	handler := &cachedMetrics{of: counting{sdkotel.NewMetricsHandler(sdkotel.MetricsHandlerOptions{Meter: meter}), &made}}
	for range 3 {
		handler.WithTags(map[string]string{"a": "1", "b": "2"}).Counter("calls").Inc(1)
		handler.WithTags(map[string]string{"b": "2", "a": "1"}).Counter("calls").Inc(1)
		handler.WithTags(map[string]string{"a": "1"}).WithTags(map[string]string{"b": "3"}).Counter("calls").Inc(1)
	}
	assert.Equal(t, 5, made, "three sets of tags, two counters")

	var got metricdata.ResourceMetrics
	assert.NoError(t, reader.Collect(t.Context(), &got))
	sum, ok := got.ScopeMetrics[0].Metrics[0].Data.(metricdata.Sum[int64])
	assert.True(t, ok)
	counts := map[string]int64{}
	for _, point := range sum.DataPoints {
		counts[point.Attributes.Encoded(attribute.DefaultEncoder())] = point.Value
	}
	assert.Equal(t, map[string]int64{"a=1,b=2": 6, "a=1,b=3": 3}, counts)
}

func TestMetricsThatHaveNoRoomStillCount(t *testing.T) {
	handler := &cachedMetrics{of: client.MetricsNopHandler}
	for i := range maxMetrics + 10 {
		assert.NotNil(t, handler.WithTags(map[string]string{"run": strconv.Itoa(i)}))
	}
	assert.Len(t, handler.tagged.made, maxMetrics)
}
