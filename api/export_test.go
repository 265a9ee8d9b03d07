package api

import (
	"net/http"

	"github.com/danielgtaylor/huma/v2"
)

// RouteLine is a line of the route table, for tests.
type RouteLine struct {
	Method, Path, Name string
	Open, Admin        bool
}

// Inside is the handler together with the document and the table that it was made from.
func Inside(d Deps) (http.Handler, *huma.OpenAPI, []RouteLine) {
	s := &server{Deps: d.withDefaults()}
	s.keys = newKeyCache(s.Store, s.Now)
	b := s.build()
	var lines []RouteLine
	for _, r := range s.routes() {
		lines = append(lines, RouteLine{r.method, r.path, r.name, r.access == open, r.access == admin})
	}
	return b.engine, b.api.OpenAPI(), lines
}

// What the tests of the parts need.
var (
	ParseEvent = parseEvent
	Decode     = decode
	ProblemOf  = problemOf
	TimeRange  = timeRange
)
