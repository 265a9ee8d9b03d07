// Package activities is what a DeliverEvent workflow does outside of itself: make first attempts,
// make one retry, write down a person's wish, end a delivery. Each is thin: the rows and the
// requests are behind Dispatcher, which the worker's maker hands in.
package activities

import (
	"context"
	"errors"
	"time"

	"github.com/postrider/postrider/webhook"
)

// Names under which the activities are registered. They are in stored histories: never rename.
const (
	FirstAttemptsName = "FirstAttempts"
	DeliverName       = "Deliver"
	RecordWishName    = "RecordWish"
	SettleName        = "Settle"
)

// ResultVersion is the `v` of every activity result that this code writes.
const ResultVersion = 1

// Dispatcher is the part of the dispatcher that the activities need.
type Dispatcher interface {
	// FirstAttempts makes the event's first attempts at these endpoints, or returns what came of
	// them. It waits for at most about a second. A delivery that is being sent is InFlight.
	FirstAttempts(ctx context.Context, uid int64, endpointKeys []int64) ([]Standing, error)
	// Delivery reads one delivery's row. NotFound.
	Delivery(ctx context.Context, uid, endpointKey int64) (webhook.Delivery, error)
	// Save writes a delivery that changed without an attempt. Conflict when the row has been
	// changed by somebody else meanwhile.
	Save(ctx context.Context, before, after webhook.Delivery) error
	// Attempt makes the delivery's next attempt if it may be sent to now and commits what came of
	// it. If not, it commits that the delivery waits. Either way it returns the row as it is now.
	// lost is the number of attempts before this one that were begun and never recorded. An error
	// wraps ErrUnrecorded if the request was made.
	Attempt(ctx context.Context, d webhook.Delivery, lost int) (webhook.Delivery, error)
	// RecordWish writes a person's wish to the open deliveries; endpointID "" is all.
	RecordWish(ctx context.Context, uid int64, endpointID string, wish webhook.Wish) error
	// Settle ends an open delivery that nobody is sending, or says that it is in flight.
	Settle(ctx context.Context, uid, endpointKey int64, state webhook.DeliveryState, reason string) (Standing, error)
}

// ErrUnrecorded says that an attempt was made and that what came of it could not be committed.
var ErrUnrecorded = errors.New("the attempt was made and not recorded")

// Standing is a delivery's row, and whether a request is under way for it.
type Standing struct {
	Delivery webhook.Delivery
	InFlight bool
}

// Activities are the methods that the worker registers.
type Activities struct {
	dispatcher Dispatcher
	now        func() time.Time
}

// New makes the activities; now is the clock.
func New(dispatcher Dispatcher, now func() time.Time) *Activities {
	return &Activities{dispatcher: dispatcher, now: now}
}
