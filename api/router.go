package api

import "net/http"

// access says who may call a route.
type access int

const (
	open  access = iota // anybody
	key                 // a key; a tenant's key for that tenant only
	admin               // an admin key
)

// route is one line of the table.
type route struct {
	method, path string
	name         string // operationId
	access       access
	status       int // of success
	handler      handler
	more         []int // statuses beyond those that follow from the rest
}

// routes is the whole API. What each route is for stands in texts.go under its name.
func (s *server) routes() []route {
	const get, post, put, patch, del = http.MethodGet, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete
	const ok, created, accepted, empty = http.StatusOK, http.StatusCreated, http.StatusAccepted, http.StatusNoContent
	const conflict, busy, away = http.StatusConflict, http.StatusTooManyRequests, http.StatusServiceUnavailable
	return []route{
		{post, "/v1/events", "postEvent", key, accepted, plain(s.postEvent, describePostEvent), []int{conflict, busy}},
		{post, "/v1/events/batch", "postEvents", key, accepted, plain(s.postBatch, describePostBatch), []int{busy}},
		{get, "/v1/events", "listEvents", key, ok, typed(s.listEvents), nil},
		{get, "/v1/events/{id}", "getEvent", key, ok, typed(s.getEvent), nil},
		{post, "/v1/events/{id}/retry", "retryEvent", key, accepted, typed(s.retryEvent), []int{conflict}},
		{post, "/v1/events/{id}/cancel", "cancelEvent", key, accepted, typed(s.cancelEvent), []int{conflict}},
		{get, "/v1/deliveries", "listDeliveries", key, ok, typed(s.listDeliveries), nil},
		{get, "/v1/attempts", "listAttempts", key, ok, typed(s.listAttempts), nil},

		{post, "/v1/endpoints", "createEndpoint", key, created, typed(s.createEndpoint), []int{conflict}},
		{get, "/v1/endpoints", "listEndpoints", key, ok, typed(s.listEndpoints), nil},
		{get, "/v1/endpoints/{id}", "getEndpoint", key, ok, typed(s.getEndpoint), nil},
		{patch, "/v1/endpoints/{id}", "updateEndpoint", key, ok, typed(s.updateEndpoint), nil},
		{del, "/v1/endpoints/{id}", "deleteEndpoint", key, empty, typed(s.deleteEndpoint), nil},
		{post, "/v1/endpoints/{id}/pause", "pauseEndpoint", key, ok, typed(s.pauseEndpoint), nil},
		{post, "/v1/endpoints/{id}/resume", "resumeEndpoint", key, ok, typed(s.resumeEndpoint), nil},
		{post, "/v1/endpoints/{id}/recover", "recoverEndpoint", key, accepted, typed(s.recoverEndpoint), nil},
		{post, "/v1/endpoints/{id}/test", "testEndpoint", key, accepted, typed(s.testEndpoint), []int{busy}},
		{get, "/v1/endpoints/{id}/secret", "getSecret", key, ok, typed(s.getSecret), nil},
		{post, "/v1/endpoints/{id}/rotate-secret", "rotateSecret", key, ok, typed(s.rotateSecret), []int{conflict}},
		{get, "/v1/endpoints/{id}/stats", "getStats", key, ok, typed(s.getStats), nil},

		{put, "/v1/event-types/{name}", "putEventType", key, ok, typed(s.putEventType), []int{created}},
		{get, "/v1/event-types/{name}", "getEventType", key, ok, typed(s.getEventType), nil},
		{get, "/v1/event-types", "listEventTypes", key, ok, typed(s.listEventTypes), nil},
		{del, "/v1/event-types/{name}", "deleteEventType", key, empty, typed(s.deleteEventType), nil},
		{put, "/v1/tenants/{id}", "putTenant", admin, ok, typed(s.putTenant), []int{created}},
		{get, "/v1/tenants/{id}", "getTenant", key, ok, typed(s.getTenant), nil},
		{get, "/v1/tenants", "listTenants", admin, ok, typed(s.listTenants), nil},
		{post, "/v1/keys", "createKey", admin, created, typed(s.createKey), nil},
		{get, "/v1/keys", "listKeys", admin, ok, typed(s.listKeys), nil},
		{del, "/v1/keys/{id}", "revokeKey", admin, empty, typed(s.revokeKey), nil},

		{get, "/healthz", "health", open, ok, typed(s.health), nil},
		{get, "/readyz", "ready", open, ok, typed(s.ready), []int{away}},
		{get, "/metrics", "metrics", open, ok, undocumented(s.metrics), nil},
		{get, "/openapi.json", "openapiJSON", open, ok, undocumented(s.openapiJSON), nil},
		{get, "/openapi.yaml", "openapiYAML", open, ok, undocumented(s.openapiYAML), nil},
		{get, "/docs", "docs", open, ok, undocumented(s.docs), nil},
		{get, "/docs/{file}", "docsFile", open, ok, undocumented(s.docsFile), nil},
	}
}
