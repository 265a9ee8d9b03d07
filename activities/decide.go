package activities

import (
	"time"

	"github.com/postrider/postrider/webhook"
)

// rule is one of Deliver's five.
type rule int

const (
	ruleFinal rule = iota + 1
	ruleReport
	ruleNotDue
	ruleWaits
	ruleSpent
	ruleSend
)

// step is what Deliver does on one invocation.
type step struct {
	rule rule
	base int // with ruleSend: the row's Base from now on
	lost int // with ruleSend: attempts that were begun and never recorded
}

// decide follows the rules for a row whose activity is at Temporal's attempt t (1 for the first).
// The invocation's own attempt has the number base + t.
func decide(d webhook.Delivery, t int, now time.Time) step {
	switch {
	case d.State.Final():
		return step{rule: ruleFinal}
	case d.WaitingFor == webhook.WaitingForEngine: // that it is invoked says that it is no longer paused there
		d.WaitingFor, d.State = webhook.WaitingForNothing, webhook.DeliveryRetrying
		return decide(d, t, now)
	case d.State == webhook.DeliveryHeld || d.WaitingFor != webhook.WaitingForNothing:
		return step{rule: ruleWaits}
	case d.Attempts > d.Reported:
		return step{rule: ruleReport}
	case t == 1: // a first send, a forced retry, or a Reset from the Temporal UI
		return step{rule: ruleSend, base: d.Attempts}
	case d.Base+t <= d.Attempts: // Temporal's records fell back
		if d.DueAt.After(now) && d.Wish != webhook.WishRetry {
			return step{rule: ruleNotDue}
		}
		return step{rule: ruleSend, base: d.Attempts + 1 - t}
	}
	// Attempts that Temporal counted and the row did not were begun by a worker that died.
	lost := d.Base + t - 1 - d.Attempts
	if lost >= d.AttemptsLeft() { // Temporal counts on past the budget after a Reset, for one
		return step{rule: ruleSpent}
	}
	return step{rule: ruleSend, base: d.Base, lost: lost}
}
