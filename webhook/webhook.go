// Package webhook is the vocabulary of Postrider: what an event, an endpoint, a
// delivery and an attempt are, which states they pass through and by which rules.
// It is pure: no clock, no randomness, no I/O. Everything else speaks its words.
package webhook

import (
	"log/slog"
	"time"
)

// DefaultTenant is the tenant of whoever names none.
const DefaultTenant = "default"

// TestEventType is the type of the events that try out an endpoint.
const TestEventType = "postrider.test"

// Limits of what is accepted.
const (
	MaxEventIDLength   = 128
	MaxTenantLength    = 64
	MaxEventTypeLength = 128
	MaxBodyBytes       = 1 << 20 // default; configurable
	MaxResponseBytes   = 16 << 10
)

// Tenant is whose events and endpoints they are.
type Tenant struct {
	ID   string
	Name string
	// EndpointsVersion grows by one with every change to the tenant's endpoints. It is read in
	// the transaction that accepts an event, so that an endpoint made a moment ago on another
	// node is never missed.
	EndpointsVersion int64
	CreatedAt        time.Time
}

// EventType is a documented name such as "invoice.paid". Events may carry types that nobody
// has documented.
type EventType struct {
	Tenant      string
	Name        string
	Description string
	CreatedAt   time.Time
	UpdatedAt   time.Time
}

// Event is what happened. It is accepted once and never changed.
type Event struct {
	UID         int64 // the store's row key; grows in the order in which one node accepts
	Tenant      string
	ID          string // unique within the tenant; the idempotency key
	Type        string
	Data        []byte // the exact bytes that are signed and sent; nil where they were not read
	Size        int    // length of the data in bytes, also when Data was not read
	Fingerprint Fingerprint
	TraceParent string // W3C trace context of the request that posted it; may be empty
	Generation  int    // 1, and one more with each retry of a closed event
	State       EventState
	CreatedAt   time.Time
	CompletedAt time.Time // zero while anything is open
}

// WorkflowID is the ID of the event's workflow in Temporal.
func (e Event) WorkflowID() string { return WorkflowID(e.Tenant, e.ID) }

// WorkflowID is the event ID itself for the default tenant, else "<tenant>/<event id>".
func WorkflowID(tenant, eventID string) string {
	if tenant == DefaultTenant || tenant == "" {
		return eventID
	}
	return tenant + "/" + eventID
}

// EndpointState says whether an endpoint is sent to.
type EndpointState string

// Endpoint states. Deliveries to a paused or disabled endpoint are held, never dropped.
const (
	EndpointEnabled  EndpointState = "enabled"
	EndpointPaused   EndpointState = "paused"   // by a person
	EndpointDisabled EndpointState = "disabled" // by the receiver's 410 Gone
	EndpointDeleted  EndpointState = "deleted"  // kept as a row while deliveries refer to it
)

// Endpoint is a URL that a tenant registered.
type Endpoint struct {
	Key            int64 // the store's row key
	ID             string
	Tenant         string
	URL            string
	Description    string
	EventTypes     []string // patterns, see MatchEventType; at least one
	Headers        map[string]string
	Policy         Policy
	State          EndpointState
	DisabledReason string
	Secrets        []Secret // newest first; those past their expiry are not signed with
	CreatedAt      time.Time
	UpdatedAt      time.Time
}

// Secret is a signing key of an endpoint with a validity window.
type Secret struct {
	ID        string
	Value     SecretValue
	CreatedAt time.Time
	ExpiresAt time.Time // zero: until it is rotated away
}

// SecretValue is the text form of a secret, "whsec_…". It never shows in a log.
type SecretValue string

// String hides the value; convert to string explicitly where the value itself is meant.
func (SecretValue) String() string { return "[redacted]" }

// GoString hides the value from %#v.
func (SecretValue) GoString() string { return "[redacted]" }

// MarshalText hides the value from JSON, and so from logs of what contains it.
func (SecretValue) MarshalText() ([]byte, error) { return []byte("[redacted]"), nil }

// LogValue hides the value from slog.
func (SecretValue) LogValue() slog.Value { return slog.StringValue("[redacted]") }

// Delivery is one event to one endpoint until it is delivered, exhausted, cancelled or expired.
type Delivery struct {
	EventUID    int64
	EndpointKey int64
	Tenant      string
	EventID     string
	EventType   string
	EndpointID  string

	State      DeliveryState
	WaitingFor WaitingFor // not empty: the dispatcher sends it, not Temporal
	Wish       Wish       // what a person asked for and nobody has done yet
	Reason     string     // why it is held, cancelled or expired; one of the Reason constants

	Attempts int // attempts made, the unknown ones included
	Reported int // attempts that Temporal has been told of
	Base     int // attempts made before the present `Deliver` activity's first one
	Budget   int // the attempt with this number is the last

	Policy         Policy // fixed when the event was accepted
	LastStatus     int    // HTTP status of the last attempt; 0: no answer
	LastErrorClass ErrorClass
	LastError      string
	DueAt          time.Time // when the next attempt is due; zero when held or final
	CreatedAt      time.Time
	UpdatedAt      time.Time
	CompletedAt    time.Time
}

// AttemptsLeft is how many more attempts the delivery may make.
func (d Delivery) AttemptsLeft() int { return max(0, d.Budget-d.Attempts) }

// Attempt is one HTTP request of a delivery. Attempts are only ever appended.
type Attempt struct {
	ID          string
	EventUID    int64
	EndpointKey int64
	Tenant      string
	EventID     string
	EventType   string
	EndpointID  string

	Number          int // 1 for the first
	Outcome         Outcome
	Status          int // 0: no answer
	ErrorClass      ErrorClass
	Error           string // safe for users
	RequestHeaders  map[string]string
	ResponseHeaders map[string]string
	ResponseBody    []byte // at most MaxResponseBytes
	StartedAt       time.Time
	Duration        time.Duration
}

// APIKey admits a caller. An admin key has no tenant.
type APIKey struct {
	ID         string
	Tenant     string // empty: admin
	Name       string
	Prefix     string   // the first characters, to tell keys apart
	Hash       [32]byte // SHA-256 of the key; the key itself is never kept
	CreatedAt  time.Time
	LastUsedAt time.Time
	RevokedAt  time.Time
}

// Admin reports whether the key may do everything.
func (k APIKey) Admin() bool { return k.Tenant == "" }
