package activities

import (
	"time"

	"github.com/postrider/postrider/webhook"
)

// Status says how a delivery stands, in the words that the workflow decides by.
type Status string

// Statuses. The last four are final.
const (
	Failed    Status = "failed"    // the next attempt is due at Due
	Waiting   Status = "waiting"   // the dispatcher sends it when it may
	InFlight  Status = "in_flight" // somebody is sending it
	Delivered Status = "delivered"
	Exhausted Status = "exhausted"
	Cancelled Status = "cancelled"
	Expired   Status = "expired"
)

// Final reports whether the delivery is over.
func (s Status) Final() bool {
	return s == Delivered || s == Exhausted || s == Cancelled || s == Expired
}

// EndpointOutcome is how one delivery stands. It is in stored histories.
type EndpointOutcome struct {
	EndpointID string    `json:"endpoint_id"`
	Status     Status    `json:"status"`
	Due        time.Time `json:"due,omitzero"`
	Attempts   int       `json:"attempts"`
	Reported   int       `json:"reported,omitempty"`
	Budget     int       `json:"budget,omitempty"`
	HTTPStatus int       `json:"http_status,omitempty"`
	Error      string    `json:"error,omitempty"`
	Reason     string    `json:"reason,omitempty"`
}

// KnownOutcome is what a workflow that is started now can be told of a delivery, so that it need not ask: that it is over,
// or that it failed, so that Deliver is next, which reads the row. Should it be wanted again meanwhile, a signal comes. Nil
// is for those that the dispatcher is to send.
func KnownOutcome(d webhook.Delivery) *EndpointOutcome {
	failed := d.State == webhook.DeliveryRetrying && d.WaitingFor == webhook.WaitingForNothing && d.Wish == webhook.WishNone
	if !failed && !d.State.Final() {
		return nil
	}
	o := outcomeOf(Standing{Delivery: d})
	return &o
}

func outcomeOf(s Standing) EndpointOutcome {
	d := s.Delivery
	o := EndpointOutcome{
		EndpointID: d.EndpointID, Attempts: d.Attempts, Reported: d.Reported, Budget: d.Budget,
		HTTPStatus: d.LastStatus, Error: d.LastError, Reason: d.Reason,
	}
	switch {
	case d.State.Final():
		o.Status = Status(d.State) // the four final words are the same in both
	case s.InFlight:
		o.Status = InFlight
	case d.WaitingFor != webhook.WaitingForNothing && d.WaitingFor != webhook.WaitingForEngine:
		o.Status = Waiting
	default: // also what was paused in Temporal: the workflow asks when it has no activity that could go on
		o.Status, o.Due = Failed, d.DueAt
	}
	return o
}
