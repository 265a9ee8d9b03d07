package telemetry

// Log keys, and the span attributes that say the same. A log line uses these and no others for what
// they name, so that one search finds an event everywhere.
const (
	KeyTenant     = "tenant_id"
	KeyEvent      = "event_id"
	KeyEventType  = "event_type"
	KeyEndpoint   = "endpoint_id"
	KeyAttemptID  = "attempt_id"
	KeyAttempt    = "attempt" // its number; 1 for the first
	KeyWorkflow   = "workflow_id"
	KeyRun        = "run_id"
	KeyState      = "state"
	KeyOutcome    = "outcome"
	KeyErrorClass = "error_class"
	KeyStatus     = "status" // HTTP status; 0: no answer
	KeyWaitingFor = "waiting_for"
	KeyReason     = "reason"
	KeyDueAt      = "due_at"
	KeyNode       = "node_id"
	KeyNodeName   = "node_name"
	KeyAPIKey     = "key_id" // the ID of an API key, never the key
	KeyRequest    = "request_id"
	KeyMethod     = "method"
	KeyRoute      = "route" // the template, such as /v1/events/{id}
	KeyAddress    = "address"
	KeyPath       = "path" // of a file
	KeyVersion    = "version"
	KeyCount      = "count"
	KeyBytes      = "bytes"
	KeyDuration   = "duration"
	KeyError      = "error"
	KeyTraceID    = "trace_id" // added by the log handler
	KeySpanID     = "span_id"  // added by the log handler
)
