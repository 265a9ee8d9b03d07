// Package store is the contract between Postrider and the database that holds its facts: what was
// accepted, what was attempted, and where each delivery stands. The facts are the truth; Temporal
// and the dispatcher's memory are rebuilt from them.
//
// Two implementations, sqlite and postgres, pass the same conformance suite (storetest). Methods
// return *webhook.Error for what a caller can act on (the kinds are named at each method), and any
// other error when the database failed. All are safe for concurrent use.
//
// The calls marked "group commit" are gathered over all callers into few transactions and return
// when theirs is durable (fsynced).
package store

import (
	"context"
	"time"

	"github.com/postrider/postrider/webhook"
)

// Store is everything that Postrider keeps. Consumers declare the subset that they use.
type Store interface {
	Events
	Dispatch
	Endpoints
	Catalogue
	Nodes
	Retention

	// ID is the random UUID that the database was given when it was made.
	ID() string
	// Ready errs when the store cannot be written to.
	Ready(ctx context.Context) error
	// Close waits for commits under way and closes the database.
	Close() error
}

// Events accepts events and shows what became of them.
type Events interface {
	// Accept stores events with their deliveries and outbox rows; group commit. All of one call
	// are in one transaction. The result has one entry for each event, in order; an error means
	// that nothing of the call was stored. Unavailable "node_removed" if the owner shares the database with others and was
	// taken for dead by them. Called by the API.
	Accept(ctx context.Context, events []NewEvent) ([]Accepted, error)

	// Event finds one event without its data. NotFound.
	Event(ctx context.Context, tenant, id string) (webhook.Event, error)
	// EventData is the event's data. NotFound when the event is gone or its data was expunged.
	EventData(ctx context.Context, uid int64) ([]byte, error)
	// ListEvents lists events without data, newest first.
	ListEvents(ctx context.Context, q EventQuery) (Page[webhook.Event], error)
	// ListDeliveries lists deliveries; of one event in the order of its endpoints, else newest
	// event first.
	ListDeliveries(ctx context.Context, q DeliveryQuery) (Page[webhook.Delivery], error)
	// ListAttempts lists attempts, newest first.
	ListAttempts(ctx context.Context, q AttemptQuery) (Page[webhook.Attempt], error)

	// Wish notes what a person asked of an event's deliveries, and puts a nudge in the outbox in
	// the same commit. It returns the event and the deliveries concerned. NotFound for the event
	// or a named endpoint; Conflict "nothing_to_cancel" or "nothing_to_retry".
	//
	// Cancel concerns open deliveries: their Wish becomes cancel. Retry concerns open deliveries
	// (Wish becomes retry) and those exhausted, cancelled or expired (see below); with Force and
	// EndpointIDs delivered ones too. A delivery brought back from a final state gets
	// Budget = Attempts + Policy.MaximumAttempts, state retrying (pending if never attempted),
	// WaitingFor turn, DueAt now, no reason, Owner the caller's node; held ones stay held.
	// When the event itself was final its Generation grows by one and the outbox row is a start
	// row of class OutboxWish; else it is a nudge of class OutboxWish. Each other node that has some of the event's
	// deliveries to send gets a row of kind OutboxLook.
	Wish(ctx context.Context, w WishRequest) (webhook.Event, []webhook.Delivery, error)
}

// NewEvent is an event to accept.
type NewEvent struct {
	Tenant      string
	ID          string
	Type        string
	Data        []byte
	Fingerprint webhook.Fingerprint
	TraceParent string
	CreatedAt   time.Time
	// EndpointsVersion is the tenant's version that Deliveries was computed from; 0 if the tenant
	// had no row yet. A tenant without a row is made by Accept.
	EndpointsVersion int64
	Deliveries       []NewDelivery
	// Owner is the key of the node that will dispatch it.
	Owner int64
}

// NewDelivery is one endpoint of a new event.
type NewDelivery struct {
	EndpointKey int64
	Policy      webhook.Policy
	// WaitingFor is WaitingForTurn, or WaitingForPaused or WaitingForDisabled: then the delivery is
	// born held.
	WaitingFor webhook.WaitingFor
}

// AcceptStatus says what Accept did with one event.
type AcceptStatus int

// Accept's answers.
const (
	AcceptedNew       AcceptStatus = iota
	AcceptedDuplicate              // same ID and fingerprint: Event is the first one as it stands now
	AcceptedConflict               // same ID, another fingerprint; nothing stored
	AcceptedStale                  // EndpointsVersion is not the current one: recompute and call again
)

// Accepted is Accept's answer for one event.
type Accepted struct {
	Status AcceptStatus
	// Event has UID, State, Generation and CreatedAt; no data.
	Event webhook.Event
	// EndpointIDs of a duplicate's deliveries. For a new event the caller knows them.
	EndpointIDs []string
	// OutboxSeq is the Seq of a new event's start row.
	OutboxSeq int64
}

// WishRequest is what a person asks of an event.
type WishRequest struct {
	Tenant      string
	EventID     string
	EndpointIDs []string // empty: all
	Wish        webhook.Wish
	Force       bool
	Owner       int64 // the node whose lane carries the nudge
	// Quiet puts nothing in the outbox for the workflow: it is itself writing down what it was signalled.
	Quiet bool
	Now   time.Time
}

// Dispatch is what the dispatcher, the engine lane, the workflow's activities and the sweep need.
type Dispatch interface {
	// LoadWork reads an event and all its deliveries. Data is read if withData. NotFound.
	LoadWork(ctx context.Context, uid int64, withData bool) (Work, error)
	// LoadDelivery reads one delivery. NotFound.
	LoadDelivery(ctx context.Context, uid, endpointKey int64) (webhook.Delivery, error)
	// Apply writes delivery changes, the attempts that caused them and the nudges that follow from
	// them; group commit. It returns one error for each change, nil where it was written: Conflict
	// when the row is final or has another number of attempts than ExpectAttempts (nothing of that
	// change is written), NotFound when the row is gone. The event's state and completion time are
	// brought up to date in the same commit. A Wish in the row that the caller has not seen is
	// kept: Delivery.Wish is only written where ClearWish is set.
	Apply(ctx context.Context, changes []Change) []error

	// WaitingEndpoints lists the keys of endpoints for which the owner has rows to send
	// (WaitingFor set, not held).
	WaitingEndpoints(ctx context.Context, owner int64) ([]int64, error)
	// Waiting lists the rows that the owner has to send to one endpoint, with event UIDs above
	// after, in their order. Held rows are not among them.
	Waiting(ctx context.Context, owner, endpointKey, after int64, limit int) ([]WaitingRow, error)
	// Release turns held deliveries of an endpoint that wait for why into waiting for their turn:
	// at most limit rows, owned by owner from now on. It returns how many. Called until 0.
	Release(ctx context.Context, endpointKey int64, why []webhook.WaitingFor, owner int64, limit int, now time.Time) (int, error)
	// WishEndpoint puts the wish on open deliveries of an endpoint that do not have it yet, with the
	// reason and nudges, at most limit rows. It returns how many. Called until 0, after an endpoint
	// was deleted.
	WishEndpoint(ctx context.Context, endpointKey int64, wish webhook.Wish, reason string, owner int64, limit int, now time.Time) (int, error)

	// OutOfStep lists endpoints whose open deliveries do not follow their state yet: enabled ones with
	// deliveries held for a pause or for being disabled, and deleted ones with open deliveries that
	// have no wish to cancel. Called at start and now and then, in case a node died between
	// changing an endpoint and Release or WishEndpoint.
	OutOfStep(ctx context.Context, limit int) ([]webhook.Endpoint, error)

	// Outbox lists the owner's outbox rows of one class with Seq above after, in order.
	Outbox(ctx context.Context, owner int64, class OutboxClass, after int64, limit int) ([]OutboxRow, error)
	// OutboxDone deletes outbox rows; group commit.
	OutboxDone(ctx context.Context, seqs []int64) error
	// Overdue lists open deliveries that Temporal has (WaitingFor empty) and that were due before
	// the given time, longest overdue first, whoever owns them.
	Overdue(ctx context.Context, before time.Time, limit int) ([]OverdueRow, error)
	// Completed lists those of the events that were completed, all of their deliveries being final, before the given time.
	Completed(ctx context.Context, uids []int64, before time.Time) ([]int64, error)
	// LogBytes is how long the write-ahead log is that can't be written over yet because something still reads from it; 0 where
	// there is none, or the database has more than one process. It is measured every second and costs nothing to ask.
	LogBytes() int64
	// Backlog counts the owner's rows that have not been delivered or handed to Temporal.
	Backlog(ctx context.Context, owner int64) (Backlog, error)
}

// Work is an event with its deliveries in the order of their endpoint keys.
type Work struct {
	Event      webhook.Event
	Deliveries []webhook.Delivery
}

// Change is one delivery as it shall be. Only the fields that change after accept are written:
// State, WaitingFor, Reason, Attempts, Reported, Base, Budget, Last…, DueAt, UpdatedAt, CompletedAt.
type Change struct {
	Delivery webhook.Delivery
	// ExpectAttempts is the number of attempts of the row that the change was computed from.
	ExpectAttempts int
	// Attempts to append, oldest first; their Number is set.
	Attempts []webhook.Attempt
	// ClearWish also writes Delivery.Wish; but a wish to cancel stays in a row that stays open.
	ClearWish bool
	// Owner, if not 0, becomes the row's owner.
	Owner int64
	// Settler, if not 0, is the node that ends a delivery without an attempt. The change is refused with Conflict
	// "waits_elsewhere" when the row waits to be sent by another node: that may have it in flight.
	Settler int64
	// Nudge puts an outbox row of kind OutboxNudge and class OutboxWish for Owner (or the row's
	// owner) in the same commit.
	Nudge bool
	// Failed moves the event's start row, if it is still in the outbox, to class OutboxUndelivered.
	Failed bool
}

// WaitsElsewhere is the code of the Conflict that Change.Settler tells of.
const WaitsElsewhere = "waits_elsewhere"

// WaitingRow is one row of Waiting.
type WaitingRow struct {
	Delivery webhook.Delivery
	// Event has no data; Size tells how much there is.
	Event webhook.Event
	// StartSeq is the Seq of the event's start row, if it is still in the outbox: then no workflow
	// of this event has been started yet, or only just now. Else 0.
	StartSeq int64
}

// OutboxKind says what the engine lane has to do.
type OutboxKind string

// Outbox kinds.
const (
	OutboxStart OutboxKind = "start" // start the event's workflow
	OutboxNudge OutboxKind = "nudge" // tell it that something happened, or what a person wishes
	OutboxLook  OutboxKind = "look"  // of the dispatcher: look at the rows of a wish that another node was told of
)

// OutboxClass orders the lane: lower goes first.
type OutboxClass int

// Outbox classes. Accept writes OutboxDelivered; a failed first attempt moves its event up.
const (
	OutboxWish        OutboxClass = 0
	OutboxUndelivered OutboxClass = 1
	OutboxDelivered   OutboxClass = 2
)

// OutboxRow is one thing for the engine lane to do, in the same commit as the fact it follows.
type OutboxRow struct {
	Seq       int64
	EventUID  int64
	Kind      OutboxKind
	Class     OutboxClass
	CreatedAt time.Time
	// EndpointID and Wish of a nudge that carries one delivery's news or a person's wish; a wish
	// without EndpointID is for all.
	EndpointID string
	Wish       webhook.Wish
}

// OverdueRow is one row of Overdue.
type OverdueRow struct {
	EventUID    int64
	EndpointKey int64
	EndpointID  string
	WorkflowID  string
	Attempts    int
	DueAt       time.Time
}

// Backlog is how much a node has yet to do.
type Backlog struct {
	Waiting map[string]int64 // by tenant: deliveries with WaitingFor set that are not held
	Outbox  int64
	Bytes   int64 // data of the events of Waiting rows; an estimate will do
	Held    int64
}

// AllWaiting is Waiting of all tenants.
func (b Backlog) AllWaiting() int64 {
	var all int64
	for _, n := range b.Waiting {
		all += n
	}
	return all
}

// Endpoints is the endpoints of tenants. Every change adds one to the tenant's EndpointsVersion in
// the same transaction.
type Endpoints interface {
	// CreateEndpoint stores e with its secrets and returns it with Key, making the tenant if need
	// be. Conflict "too_many_endpoints" is the caller's to decide, not the store's.
	CreateEndpoint(ctx context.Context, e webhook.Endpoint) (webhook.Endpoint, error)
	// Endpoint finds one with its secrets. NotFound, also when it was deleted. tenant "" is any.
	Endpoint(ctx context.Context, tenant, id string) (webhook.Endpoint, error)
	// AnyEndpoint also finds one that was deleted: what was sent to it is still there.
	AnyEndpoint(ctx context.Context, tenant, id string) (webhook.Endpoint, error)
	// UpdateEndpoint writes URL, Description, EventTypes, Headers, Policy, State, DisabledReason
	// and Secrets (replacing the list) as left by change, which is called inside the transaction
	// with the current endpoint and may err to abort. NotFound.
	UpdateEndpoint(ctx context.Context, tenant, id string, change func(*webhook.Endpoint) error) (webhook.Endpoint, error)
	// DeleteEndpoint marks the endpoint deleted and forgets its secrets. NotFound.
	DeleteEndpoint(ctx context.Context, tenant, id string, now time.Time) (webhook.Endpoint, error)
	// ListEndpoints lists endpoints that are not deleted, oldest first.
	ListEndpoints(ctx context.Context, q EndpointQuery) (Page[webhook.Endpoint], error)
	// TenantEndpoints reads a tenant's version and all its endpoints with secrets, in one
	// snapshot. A tenant without a row has version 0 and no endpoints.
	TenantEndpoints(ctx context.Context, tenant string) (version int64, endpoints []webhook.Endpoint, err error)
	// EndpointByKey finds an endpoint by its row key, deleted ones too (State tells). NotFound.
	EndpointByKey(ctx context.Context, key int64) (webhook.Endpoint, error)
	// EndpointsChanged lists the keys of endpoints whose UpdatedAt is at or after since, deleted
	// ones included, so that every node learns of pauses and new secrets.
	EndpointsChanged(ctx context.Context, since time.Time) ([]int64, error)
	// EndpointStats counts an endpoint's deliveries by state, and its attempts by outcome since.
	EndpointStats(ctx context.Context, key int64, since time.Time) (EndpointStats, error)
}

// EndpointStats is what became of an endpoint's deliveries.
type EndpointStats struct {
	Deliveries    map[webhook.DeliveryState]int64
	Attempts      map[webhook.Outcome]int64
	LastAttemptAt time.Time
}

// Catalogue is tenants, event types and API keys.
type Catalogue interface {
	// PutTenant makes or renames a tenant. created tells which.
	PutTenant(ctx context.Context, t webhook.Tenant) (stored webhook.Tenant, created bool, err error)
	// Tenant finds one. NotFound.
	Tenant(ctx context.Context, id string) (webhook.Tenant, error)
	// ListTenants lists them by ID.
	ListTenants(ctx context.Context, q PageQuery) (Page[webhook.Tenant], error)

	// PutEventType makes or changes an event type.
	PutEventType(ctx context.Context, t webhook.EventType) (stored webhook.EventType, created bool, err error)
	// EventType finds one. NotFound.
	EventType(ctx context.Context, tenant, name string) (webhook.EventType, error)
	// ListEventTypes lists a tenant's event types by name.
	ListEventTypes(ctx context.Context, tenant string, q PageQuery) (Page[webhook.EventType], error)
	// DeleteEventType forgets one. NotFound.
	DeleteEventType(ctx context.Context, tenant, name string) error

	// CreateAPIKey stores a key's hash. Conflict "key_exists" if the hash is there already.
	CreateAPIKey(ctx context.Context, k webhook.APIKey) error
	// APIKeyByHash finds a key that is not revoked. NotFound.
	APIKeyByHash(ctx context.Context, hash [32]byte) (webhook.APIKey, error)
	// ListAPIKeys lists a tenant's keys, newest first; tenant "" lists all, admin keys included.
	ListAPIKeys(ctx context.Context, tenant string, q PageQuery) (Page[webhook.APIKey], error)
	// APIKeyUsed notes that a key was used at a time, if that is later than what is noted.
	APIKeyUsed(ctx context.Context, id string, at time.Time) error
	// RevokeAPIKey ends a key. tenant "" is any. NotFound.
	RevokeAPIKey(ctx context.Context, tenant, id string, now time.Time) error
}

// Nodes are the processes that share the database. Times are the database's own.
type Nodes interface {
	// RegisterNode makes or renews the node with this name and returns its key.
	RegisterNode(ctx context.Context, name string) (int64, error)
	// RenewNode says that the node is alive. NotFound when it was taken for dead and removed.
	RenewNode(ctx context.Context, key int64) error
	// ReleaseNode says that the node has stopped: its work may be taken over at once.
	ReleaseNode(ctx context.Context, key int64) error
	// TakeOver gives the waiting deliveries and outbox rows of nodes that were not renewed for
	// deadAfter to the given node, at most limit rows a call, and returns how many rows and to
	// which endpoints. A dead node without rows is removed. Postgres uses SKIP LOCKED.
	TakeOver(ctx context.Context, key int64, deadAfter time.Duration, limit int) (rows int, endpointKeys []int64, err error)
}

// Retention deletes what is old, in small steps.
type Retention interface {
	// DeleteEvents deletes at most limit final events that were completed before the given time,
	// with bodies, deliveries and attempts, and returns how many. Events with open deliveries are
	// never deleted.
	DeleteEvents(ctx context.Context, before time.Time, limit int) (int, error)
	// ExpireHeld ends at most limit deliveries that have been held since before the given time as
	// expired, with nudges for their owners, and returns how many.
	ExpireHeld(ctx context.Context, before, now time.Time, limit int) (int, error)
	// Compact gives space back to the file system, a little at a time. It may do nothing.
	Compact(ctx context.Context) error
}
