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
	case d.State == webhook.DeliveryHeld || d.WaitingFor != webhook.WaitingForNothing:
		return step{rule: ruleWaits}
	case d.Attempts > d.Reported:
		return step{rule: ruleReport}
	case t == 1: // a first send, a forced retry, or a Reset from the Temporal UI
		return step{rule: ruleSend, base: d.Attempts}
	case d.Base+t <= d.Attempts: // Temporal's records fell back
		if d.DueAt.After(now) {
			return step{rule: ruleNotDue}
		}
		return step{rule: ruleSend, base: d.Attempts + 1 - t}
	default:
		// Attempts that Temporal counted and the row did not were begun by a worker that died.
		return step{rule: ruleSend, base: d.Base, lost: d.Base + t - 1 - d.Attempts}
	}
}
