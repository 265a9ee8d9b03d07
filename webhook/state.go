package webhook

// EventState is the sum of an event's deliveries.
type EventState string

// Event states.
const (
	EventAccepted   EventState = "accepted"   // nothing tried yet
	EventDelivering EventState = "delivering" // something is open
	EventDelivered  EventState = "delivered"  // all delivered
	EventPartial    EventState = "partial"    // some delivered, none open
	EventExhausted  EventState = "exhausted"
	EventExpired    EventState = "expired"
	EventCancelled  EventState = "cancelled"
	EventUnrouted   EventState = "unrouted" // no endpoint was subscribed
)

// Valid reports whether s is one of the constants.
func (s EventState) Valid() bool {
	switch s {
	case EventAccepted, EventDelivering, EventDelivered, EventPartial, EventExhausted, EventExpired, EventCancelled, EventUnrouted:
		return true
	}
	return false
}

// Final reports whether nothing of the event is open.
func (s EventState) Final() bool { return s.Valid() && s != EventAccepted && s != EventDelivering }

// DeliveryState says where a delivery stands.
type DeliveryState string

// Delivery states. The first three are open.
const (
	DeliveryPending   DeliveryState = "pending"  // never tried
	DeliveryRetrying  DeliveryState = "retrying" // tried, and to be tried again
	DeliveryHeld      DeliveryState = "held"     // its endpoint is paused or disabled
	DeliveryDelivered DeliveryState = "delivered"
	DeliveryExhausted DeliveryState = "exhausted" // out of attempts, or refused for good
	DeliveryCancelled DeliveryState = "cancelled"
	DeliveryExpired   DeliveryState = "expired"
)

// DeliveryStates are all of them.
func DeliveryStates() []DeliveryState {
	return []DeliveryState{
		DeliveryPending, DeliveryRetrying, DeliveryHeld, DeliveryDelivered, DeliveryExhausted, DeliveryCancelled, DeliveryExpired,
	}
}

// Valid reports whether s is one of the constants.
func (s DeliveryState) Valid() bool { return s.Open() || s.Final() }

// Open reports whether the delivery may still be sent.
func (s DeliveryState) Open() bool {
	return s == DeliveryPending || s == DeliveryRetrying || s == DeliveryHeld
}

// Final reports whether the delivery is over.
func (s DeliveryState) Final() bool {
	switch s {
	case DeliveryDelivered, DeliveryExhausted, DeliveryCancelled, DeliveryExpired:
		return true
	}
	return false
}

// SumEventState is the state of an event whose deliveries have the given states; how many have each does not matter.
// An event without deliveries is unrouted; it is accepted while all are untouched.
func SumEventState(deliveries []DeliveryState) EventState {
	if len(deliveries) == 0 {
		return EventUnrouted
	}
	count := map[DeliveryState]int{}
	for _, s := range deliveries {
		count[s]++
	}
	switch n := len(deliveries); {
	case count[DeliveryPending] == n:
		return EventAccepted
	case count[DeliveryPending]+count[DeliveryRetrying]+count[DeliveryHeld] > 0:
		return EventDelivering
	case count[DeliveryDelivered] == n:
		return EventDelivered
	case count[DeliveryDelivered] > 0:
		return EventPartial
	case count[DeliveryExhausted] > 0:
		return EventExhausted
	case count[DeliveryExpired] > 0:
		return EventExpired
	default:
		return EventCancelled
	}
}

// WaitingFor names what keeps a delivery that is the dispatcher's to send.
type WaitingFor string

// What a delivery waits for. Empty means that it does not wait at the dispatcher: it is final, or
// Temporal has its next attempt.
const (
	WaitingForNothing  WaitingFor = ""
	WaitingForTurn     WaitingFor = "turn"               // accepted, or asked for by a person; next in line
	WaitingForCap      WaitingFor = "in_flight_cap"      // its endpoint has as many requests in flight as it may
	WaitingForBreaker  WaitingFor = "breaker"            // its endpoint failed 20 times in a row: one probe at a time
	WaitingForPaused   WaitingFor = "endpoint_paused"    // state held
	WaitingForDisabled WaitingFor = "endpoint_disabled"  // state held
	WaitingForEngine   WaitingFor = "paused_in_temporal" // state held
	WaitingForStore    WaitingFor = "store"              // the row or the body could not be read just now
)

// Reasons why a delivery was ended by something other than an attempt.
const (
	ReasonCancelled       = "cancelled"
	ReasonEndpointDeleted = "endpoint_deleted"
	ReasonTerminated      = "terminated_in_temporal"
	ReasonExpunged        = "data_expunged"
	ReasonHeldTooLong     = "held_too_long"
	ReasonOutcomeUnknown  = "outcome_unknown"
	ReasonPermanent       = "permanent_status"
	ReasonOutOfAttempts   = "out_of_attempts"
)

// Wish is what a person asked of a delivery.
type Wish string

// Wishes.
const (
	WishNone   Wish = ""
	WishCancel Wish = "cancel"
	WishRetry  Wish = "retry"
)

// Outcome is how an attempt ended.
type Outcome string

// Outcomes.
const (
	OutcomeDelivered   Outcome = "delivered"   // 2xx
	OutcomeRejected    Outcome = "rejected"    // any other status
	OutcomeUnreachable Outcome = "unreachable" // no answer
	OutcomeBlocked     Outcome = "blocked"     // refused by our own address guard
	OutcomeUnknown     Outcome = "unknown"     // the worker died while it was in flight
)

// ErrorClass says why an attempt was not delivered, in a word that can be counted.
type ErrorClass string

// Error classes.
const (
	ErrorNone              ErrorClass = ""
	ErrorHTTPStatus        ErrorClass = "http_status"
	ErrorDNS               ErrorClass = "dns_error"
	ErrorConnectionRefused ErrorClass = "connection_refused"
	ErrorConnectionReset   ErrorClass = "connection_reset"
	ErrorConnection        ErrorClass = "connection_error"
	ErrorTimeout           ErrorClass = "timeout"
	ErrorTLS               ErrorClass = "tls_error"
	ErrorBlockedAddress    ErrorClass = "blocked_address"
	ErrorProtocol          ErrorClass = "protocol_error"
	ErrorOutcomeUnknown    ErrorClass = "outcome_unknown"
)
