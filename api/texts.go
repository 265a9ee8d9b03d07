package api

import "github.com/danielgtaylor/huma/v2"

const introduction = `Durable webhooks: post an event once, and every endpoint that is subscribed to it gets it, signed ` +
	`(Standard Webhooks 1.0.0), retried for days if need be.

Bodies and answers are JSON. Errors are problem documents (RFC 9457) with a stable ` + "`code`" + ` and every faulty field named. ` +
	"What is answered 429 or 503 has a `Retry-After` and may be sent again unchanged: `backlog_full`, `tenant_backlog_full`, `disk_full`, `store_log_full`, `store_slow`, " +
	"`store_unavailable`, `endpoints_changing`, `unavailable`. What is wrong with a request as a whole: `malformed_json`, `unreadable_body`, `unsupported_media_type`, `too_large`, " +
	"`too_many_events`, `unauthorized`, `forbidden`, `no_such_route`, `method_not_allowed`, `internal_error`. " +
	`Lists come in pages: pass ` + "`next_cursor`" + ` as ` + "`cursor`" + ` to go on. Times are RFC 3339 in UTC.

A key belongs to a tenant and sees only that tenant, or is an admin key. A tenant's key that names another tenant gets 403; what is ` +
	`another tenant's is not found. An admin key that names no tenant lists all tenants, writes for the one called ` + "`default`" +
	`, and finds events and event types there, too.`

func tags() []*huma.Tag {
	return []*huma.Tag{
		{Name: "events", Description: "What happened. An event is accepted once and never changed."},
		{Name: "deliveries", Description: "One event to one endpoint, until it is delivered, exhausted, cancelled or expired."},
		{Name: "attempts", Description: "The HTTP requests that were made."},
		{Name: "endpoints", Description: "The URLs that events are delivered to."},
		{Name: "event-types", Description: "The event types that you document. Events may have other types, too."},
		{Name: "tenants", Description: "Whose events and endpoints they are. A tenant comes into being with its first event or endpoint."},
		{Name: "keys", Description: "API keys. They are stored hashed, and a revoked one is useless within a second."},
		{Name: "operations", Description: "For those who run Postrider."},
	}
}

// text is what a route is for: a line, and what else there is to know.
func text(name string) (summary, description string) {
	t, ok := map[string][2]string{
		"postEvent": {"Post an event", "When this answers 202 the event is stored durably and will be delivered. Receivers get exactly the bytes of `data` as they stood in the request.\n\n" +
			"Posting again is safe: the same id with the same type and data answers `duplicate: true` and the first event's state; with other ones 409 `event_exists`."},
		"postEvents": {"Post up to 1,000 events", "A JSON array, or one event a line (NDJSON). The events that are valid are stored in one commit, of the others nothing is; the answer has a result for each, in order. " +
			"Each event may be as long as a single one; the whole batch 16 times that."},
		"listEvents":     {"List events", "Newest first."},
		"getEvent":       {"Show an event", "`include=deliveries` shows what became of it at each endpoint, `include=data` what was posted, `include=workflow` what Temporal knows about it."},
		"retryEvent":     {"Retry an event", "Makes the next attempt of its deliveries now: of those that are to be retried anyway, and of those that are exhausted, cancelled or expired, which get their attempts anew. 409 `nothing_to_retry` if there are none. With `force` and `endpoint_ids`, also delivered ones."},
		"cancelEvent":    {"Cancel an event", "Ends its open deliveries. An attempt in flight counts first. 409 `nothing_to_cancel` if none is open."},
		"listDeliveries": {"List deliveries", "Newest event first; those of one event in the order of its endpoints."},
		"listAttempts":   {"List attempts", "Newest first."},

		"createEndpoint": {"Register an endpoint", "The answer has the secret to verify deliveries with. Of the policy any part may be left out. With an `id` of your own it is safe to post again: 409 `endpoint_exists` says that it is there, or was until it was deleted."},
		"listEndpoints":  {"List endpoints", "Oldest first."},
		"getEndpoint":    {"Show an endpoint", ""},
		"updateEndpoint": {"Change an endpoint", "What is left out stays; so do the parts of the policy. `headers` are replaced as a whole. Deliveries of events that were accepted before keep the policy of that time."},
		"deleteEndpoint": {"Delete an endpoint", "Its open deliveries are cancelled. What was sent to it can still be listed by its ID."},
		"pauseEndpoint":  {"Pause an endpoint", "Its deliveries are held until it is resumed."},
		"resumeEndpoint": {"Resume an endpoint", "Also one that was disabled by its own 410 Gone. What was held is delivered."},
		"recoverEndpoint": {"Send again what an endpoint did not take", "Retries a page of its exhausted deliveries, newest event first, and lists those that it retries. `created_at` says which, such as those since it went down; " +
			"go on with `next_cursor` as `cursor` until it is null. An endpoint that is paused or disabled has to be resumed for them to be sent."},
		"testEndpoint": {"Send a test event", "An event of type `postrider.test`, to this endpoint only."},
		"getSecret":    {"Show the secrets", ""},
		"rotateSecret": {"Rotate the secret", "Requests are signed with the old secret, too, until the overlap is over."},
		"getStats":     {"Count deliveries and attempts", ""},

		"putEventType":    {"Document an event type", "Makes it (201) or changes it (200)."},
		"getEventType":    {"Show an event type", ""},
		"listEventTypes":  {"List event types", "By name."},
		"deleteEventType": {"Forget an event type", "Events and endpoints that name it stay as they are."},
		"putTenant":       {"Make or rename a tenant", "Makes it (201) or changes it (200). Needs an admin key."},
		"getTenant":       {"Show a tenant", ""},
		"listTenants":     {"List tenants", "By ID. Needs an admin key."},
		"createKey":       {"Make an API key", "The key is in the answer this once. Needs an admin key."},
		"listKeys":        {"List API keys", "Newest first. Needs an admin key."},
		"revokeKey":       {"Revoke an API key", "Needs an admin key."},

		"health": {"Whether the process lives", ""},
		"ready":  {"Whether the process does its work", "200 when the store can be written to, senders are up and events are taken in; else 503."},
	}[name]
	if !ok {
		panic("api: no text for " + name)
	}
	return t[0], t[1]
}
