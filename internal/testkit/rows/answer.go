package rows

import (
	"time"

	"github.com/postrider/postrider/webhook"
)

// Answer is what happens when a delivery is to be sent.
type Answer struct {
	status     int // 0: none in time
	retryAfter time.Duration
	gate       webhook.WaitingFor
	slow       bool
	dies       bool
	unrecorded bool
	during     func()
}

// Status is an answer with this status.
func Status(status int) Answer { return Answer{status: status} }

// Timeout is no answer.
func Timeout() Answer { return Answer{} }

// RetryAfter is an answer with this status that asks for a pause.
func RetryAfter(status int, pause time.Duration) Answer {
	return Answer{status: status, retryAfter: pause}
}

// Gate lets nothing out: the delivery waits for this until Open.
func Gate(why webhook.WaitingFor) Answer { return Answer{gate: why} }

// Slow is in flight until Land, which takes the next answer. It is for what the dispatcher itself
// sends.
func Slow() Answer { return Answer{slow: true} }

// Dies makes the request, and the worker dies before it commits what came of it.
func Dies() Answer { return Answer{dies: true} }

// Unrecorded makes the request, and what came of it can't be committed.
func Unrecorded() Answer { return Answer{unrecorded: true} }

// During calls f while the request of an activity is under way.
func (a Answer) During(f func()) Answer {
	a.during = f
	return a
}

func (a Answer) result(now time.Time) webhook.AttemptResult {
	result := webhook.AttemptResult{Status: a.status, RetryAfter: a.retryAfter, StartedAt: now}
	switch {
	case a.status == 0:
		result.Outcome, result.ErrorClass, result.Error = webhook.OutcomeUnreachable, webhook.ErrorTimeout, "no answer within the time-out"
	case a.status >= 200 && a.status <= 299:
		result.Outcome = webhook.OutcomeDelivered
	default:
		result.Outcome, result.ErrorClass = webhook.OutcomeRejected, webhook.ErrorHTTPStatus
	}
	return result
}

func (r *row) next() Answer {
	a := r.answers[0]
	if len(r.answers) > 1 {
		r.answers = r.answers[1:]
	}
	return a
}
