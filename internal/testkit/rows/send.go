package rows

import (
	"time"

	"github.com/postrider/postrider/webhook"
)

// Open is a gate that opens: the dispatcher sends what waited, and tells the workflow.
func (r *Rows) Open(endpointID string) {
	r.Send(endpointID)
	r.cfg.Outcome(endpointID)
}

// Send is the dispatcher sending a delivery that waits, without telling anybody.
func (r *Rows) Send(endpointID string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	row := r.find(endpointID)
	if row.State.Open() && row.WaitingFor != webhook.WaitingForNothing {
		row.Delivery = row.Wait(webhook.WaitingForTurn, r.cfg.Now())
		r.dispatch(row)
	}
}

// Land ends a slow request with the next answer, and tells the workflow.
func (r *Rows) Land(endpointID string) {
	r.mu.Lock()
	row := r.find(endpointID)
	row.sending = false
	r.commit(row, row.next())
	r.mu.Unlock()
	r.cfg.Outcome(endpointID)
}

// Revive is somebody who wants an ended delivery to be tried again, by the API.
func (r *Rows) Revive(endpointID string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.revive(r.find(endpointID))
}

// revive needs r.mu.
func (r *Rows) revive(row *row) {
	row.Budget = row.Attempts + row.Policy.MaximumAttempts
	row.Wish, row.Reason, row.CompletedAt = webhook.WishNone, "", time.Time{}
	row.Delivery = row.Wait(webhook.WaitingForTurn, r.cfg.Now())
}

// dispatch sends a delivery whose turn it is; needs r.mu.
func (r *Rows) dispatch(row *row) {
	if row.State.Final() || row.sending || row.WaitingFor != webhook.WaitingForTurn {
		return
	}
	if row.Wish == webhook.WishCancel {
		row.Delivery = row.Finish(webhook.DeliveryCancelled, webhook.ReasonCancelled, r.cfg.Now())
		return
	}
	answer := row.next()
	if answer.gate != webhook.WaitingForNothing {
		row.Delivery = row.Wait(answer.gate, r.cfg.Now())
		return
	}
	r.request(row, row.Attempts+1)
	if answer.slow {
		row.sending = true
		return
	}
	r.commit(row, answer)
}

// request needs r.mu.
func (r *Rows) request(row *row, number int) {
	r.made = append(r.made, Made{EndpointID: row.EndpointID, Number: number, At: r.cfg.Now()})
}

// commit needs r.mu.
func (r *Rows) commit(row *row, answer Answer) {
	now := r.cfg.Now()
	row.Delivery = row.Apply(answer.result(now), now, r.cfg.Random())
	r.recorded(row.EndpointID, row.Attempts)
}

// recorded needs r.mu.
func (r *Rows) recorded(endpointID string, number int) {
	for i := len(r.made) - 1; i >= 0; i-- {
		if m := &r.made[i]; m.EndpointID == endpointID && m.Number == number {
			m.Recorded = true
			return
		}
	}
}
