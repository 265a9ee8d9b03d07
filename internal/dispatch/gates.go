package dispatch

import (
	"net/http"
	"time"

	"github.com/postrider/postrider/webhook"
)

// isBroken reports whether the endpoint has failed so often that it is only probed; needs d.mu.
func (d *Dispatcher) isBroken(q *queue) bool { return q.failures >= d.cfg.BreakerAfter }

// mayBegin reports whether the endpoint may be sent what is next in line; needs d.mu.
func (d *Dispatcher) mayBegin(q *queue) bool {
	return q.inFlight < d.allowed(q) && (!d.isBroken(q) || !time.Now().Before(q.probeAt))
}

// hastens reports whether the endpoint may be sent something that a person wants: beside all else there is a place in
// flight for that, whatever the endpoint has answered; needs d.mu.
func (d *Dispatcher) hastens(q *queue) bool { return len(q.wished) > 0 && q.inFlight <= d.allowed(q) }

// allowed is how many requests the endpoint may have in flight now; needs d.mu.
func (d *Dispatcher) allowed(q *queue) int {
	switch {
	case d.isBroken(q):
		return 1
	case q.failures > 0 && d.lane.lags():
		return 1 // the engine is behind with what has failed already
	default:
		return d.cfg.EndpointCap
	}
}

// gate is why an endpoint's delivery has to wait, when it has to; needs d.mu.
func (d *Dispatcher) gate(q *queue) webhook.WaitingFor {
	switch {
	case q.inFlight < d.allowed(q) && d.busy < d.cfg.Senders && (!q.isSlow() || d.slow < d.mostSlow()):
		return webhook.WaitingForNothing
	case d.isBroken(q):
		return webhook.WaitingForBreaker
	case q.inFlight >= d.allowed(q):
		return webhook.WaitingForCap
	default:
		return webhook.WaitingForTurn
	}
}

// rest has the next probe of an endpoint that is down wait, twice as long each time: one that refuses at once would else be
// asked, and what waits for it be begun, as fast as this machine can. Retries whose time has come do not wait for that: their
// back-off is pause enough; needs d.mu.
func (d *Dispatcher) rest(q *queue, result webhook.AttemptResult) {
	now := time.Now()
	if !d.isBroken(q) || now.Before(q.probeAt) || !isDown(result.Status) {
		return
	}
	q.pause = min(max(2*q.pause, leastPause), d.cfg.ProbePause)
	q.probeAt = now.Add(q.pause)
	time.AfterFunc(q.pause, func() {
		d.mu.Lock()
		defer d.mu.Unlock()
		d.makeReady(q)
		d.pump()
	})
}

// leastPause is that after the first probe.
const leastPause = 10 * time.Millisecond

// isDown reports whether a failed attempt says that the endpoint is not there, or can't do its work just now. With other
// answers it refuses the one delivery, and the next one may be as it wants it. 0 is no answer.
func isDown(status int) bool {
	switch status {
	case http.StatusRequestTimeout, http.StatusTooManyRequests:
		return true
	default:
		return status < 400 || status >= 500
	}
}
