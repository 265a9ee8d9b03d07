package webhook

import "time"

// IntakeStatus says whether a node takes events in and gets them out.
type IntakeStatus struct {
	Refusing   bool          // intake answers RateLimited or Unavailable
	Reason     string        // why it refuses; safe for users
	RetryAfter time.Duration // when to ask again
	SendersUp  bool
	EngineAway bool  // Temporal cannot be reached; first attempts go on
	Backlog    int64 // deliveries that wait for the dispatcher
}
