package telemetry

import (
	"strconv"
	"sync"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"

	"github.com/postrider/postrider/webhook"
)

// labelled holds the options of a metric with one label, made once for each of its values: an
// attribute set costs several allocations to build.
type labelled[T ~string] map[T]options

type options struct {
	add    []metric.AddOption
	record []metric.RecordOption
}

func optionsOf(attrs ...attribute.KeyValue) options {
	o := metric.WithAttributeSet(attribute.NewSet(attrs...))
	return options{[]metric.AddOption{o}, []metric.RecordOption{o}}
}

func newLabelled[T ~string](l Label) labelled[T] {
	m := labelled[T]{}
	for _, v := range l.Values {
		m[T(v)] = optionsOf(attribute.String(l.Key, v))
	}
	return m
}

func (l labelled[T]) add(v T) []metric.AddOption       { return l.of(v).add }
func (l labelled[T]) record(v T) []metric.RecordOption { return l.of(v).record }

func (l labelled[T]) of(v T) options {
	if o, ok := l[v]; ok {
		return o
	}
	return l[other]
}

// attemptKind is the labels of one attempt.
type attemptKind struct {
	outcome webhook.Outcome
	class   webhook.ErrorClass
	first   bool
}

func attemptOptions() map[attemptKind][]metric.AddOption {
	m := map[attemptKind][]metric.AddOption{}
	for _, outcome := range outcomeLabel().Values {
		for _, class := range errorClassLabel().Values {
			for _, first := range []bool{true, false} {
				kind := attemptKind{webhook.Outcome(outcome), webhook.ErrorClass(class), first}
				m[kind] = optionsOf(attribute.String("outcome", outcome), attribute.String("error_class", class),
					attribute.String("first", strconv.FormatBool(first))).add
			}
		}
	}
	return m
}

// requestKinds makes the options of each method, route and status when they are first met; the
// route table bounds how many there are.
type requestKinds struct {
	mu    sync.RWMutex
	known map[requestKind][]metric.RecordOption
}

type requestKind struct {
	method, route string
	status        int
}

func (k *requestKinds) options(method, route string, status int) []metric.RecordOption {
	kind := requestKind{knownMethod(method), route, status}
	k.mu.RLock()
	o, ok := k.known[kind]
	k.mu.RUnlock()
	if ok {
		return o
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.known == nil {
		k.known = map[requestKind][]metric.RecordOption{}
	}
	k.known[kind] = optionsOf(kind.attributes()...).record
	return k.known[kind]
}

// knownMethod is the method, or the conventions' word for one that a client made up.
func knownMethod(method string) string {
	switch method {
	case "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "CONNECT", "TRACE":
		return method
	}
	return "_OTHER"
}

// attributes follows the semantic conventions: http.route only where a route matched, error.type
// only for a fault of the server's own.
func (k requestKind) attributes() []attribute.KeyValue {
	attrs := []attribute.KeyValue{
		attribute.String("http.request.method", k.method),
		attribute.Int("http.response.status_code", k.status),
	}
	if k.route != "" {
		attrs = append(attrs, attribute.String("http.route", k.route))
	}
	if k.status >= 500 {
		attrs = append(attrs, attribute.String("error.type", strconv.Itoa(k.status)))
	}
	return attrs
}
