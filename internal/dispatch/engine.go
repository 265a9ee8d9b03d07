package dispatch

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/postrider/postrider/webhook"
	"github.com/postrider/postrider/workflows"
)

// Engine is what the lane and the sweep need of Temporal. *Temporal is one. Errors that say that it
// is not there or overloaded just now are webhook.Unavailable and webhook.RateLimited.
type Engine interface {
	// Start starts an event's workflow. errStarted if this event has one that runs, or, unless
	// again, one that closed.
	Start(ctx context.Context, in workflows.DeliverEventInput, again bool) error
	// Signal errs with errNoWorkflow when no run of it is open.
	Signal(ctx context.Context, workflowID, signal string, payload any) error
	// Describe errs with errNoWorkflow when there is none.
	Describe(ctx context.Context, workflowID string) (Description, error)
	// Running lists the UIDs of events whose workflow runs, a page of them: nil is the first, and a next one of nil the
	// end.
	Running(ctx context.Context, page []byte) (uids []int64, next []byte, err error)
}

var (
	errStarted    = errors.New("the event has a workflow already")
	errNoWorkflow = errors.New("no such workflow")
)

// Description is what the sweep needs to know of a workflow.
type Description struct {
	webhook.WorkflowView
	UID        int64 // of the event that it was started for; 0: unknown
	Generation int
	Failed     bool                          // its workflow task fails again and again
	Result     *workflows.DeliverEventResult // of a closed run
}

// engineState is how the engine has been doing: how many calls it gets at once (more by one with
// each that goes well, half when it is overloaded), whether it is there, and how quick it is.
type engineState struct {
	mu      sync.Mutex
	limit   float64
	away    bool
	pause   time.Time // ask again then
	average time.Duration
}

// note takes in how a call went, and reports whether the engine came back or went away by it.
func (s *engineState) note(err error, now time.Time) (turned bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	was := s.away
	switch {
	case errors.Is(err, webhook.RateLimited):
		s.limit = max(1, s.limit/2)
	case errors.Is(err, webhook.Unavailable):
		s.limit, s.away, s.pause = 1, true, now.Add(500*time.Millisecond)
	case err == nil:
		s.limit, s.away = min(laneWorkers, s.limit+1/s.limit), false
	}
	return s.away != was
}

// took takes in how long a start took.
func (s *engineState) took(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.average += (d - s.average) / 8
}

// workers is how many calls may be under way.
func (s *engineState) workers(now time.Time) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.away && now.Before(s.pause) {
		return 0
	}
	return int(s.limit)
}

// quick reports whether the engine is there and starts workflows in less than limit.
func (s *engineState) quick(limit time.Duration) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return !s.away && s.average < limit
}

func (s *engineState) isAway() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.away
}
