package rows

import (
	"context"
	"errors"

	"github.com/postrider/postrider/activities"
	"github.com/postrider/postrider/webhook"
)

var errDied = errors.New("the worker dies")

// FirstAttempts sends whatever waits for its turn and says how all stand.
func (r *Rows) FirstAttempts(_ context.Context, _ int64, endpointKeys []int64) ([]activities.Standing, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := r.called("FirstAttempts"); err != nil {
		return nil, err
	}
	standings := make([]activities.Standing, len(endpointKeys))
	for i, key := range endpointKeys {
		row, err := r.get(key)
		if err != nil {
			return nil, err
		}
		r.dispatch(row)
		standings[i] = activities.Standing{Delivery: row.Delivery, InFlight: row.sending}
	}
	return standings, nil
}

// Delivery reads one row.
func (r *Rows) Delivery(_ context.Context, _, endpointKey int64) (webhook.Delivery, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := r.called("Delivery"); err != nil {
		return webhook.Delivery{}, err
	}
	row, err := r.get(endpointKey)
	if err != nil {
		return webhook.Delivery{}, err
	}
	return row.Delivery, nil
}

// Save writes a row that changed without an attempt.
func (r *Rows) Save(_ context.Context, before, after webhook.Delivery) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := r.called("Save"); err != nil {
		return err
	}
	return r.write(before, after, false)
}

// Attempt makes a retry.
func (r *Rows) Attempt(_ context.Context, d webhook.Delivery, lost int) (webhook.Delivery, error) {
	answer, made, err := r.begin(d, lost)
	if err != nil || !made {
		return r.deliveryOf(d), err
	}
	if answer.during != nil {
		answer.during()
	}
	if answer.dies {
		panic(errDied) // Temporal sees a time-out, the test environment this: both use up an attempt
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if answer.unrecorded {
		return d, activities.ErrUnrecorded
	}
	lostOnes := d
	lostOnes.Attempts += lost
	after := lostOnes.Apply(answer.result(r.cfg.Now()), r.cfg.Now(), r.cfg.Random())
	if after.WaitingFor == webhook.WaitingForNothing {
		after.Reported = after.Attempts
	}
	if err := r.write(d, after, after.Wish != d.Wish); err != nil {
		return d, errors.Join(activities.ErrUnrecorded, err)
	}
	r.recorded(d.EndpointID, after.Attempts)
	return after, nil
}

// begin makes the request, unless there is a reason not to.
func (r *Rows) begin(d webhook.Delivery, lost int) (answer Answer, made bool, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := r.called("Attempt"); err != nil {
		return answer, false, err
	}
	row, err := r.get(d.EndpointKey)
	if err != nil {
		return answer, false, err
	}
	if d.Wish == webhook.WishCancel {
		return answer, false, r.write(d, d.Finish(webhook.DeliveryCancelled, webhook.ReasonCancelled, r.cfg.Now()), true)
	}
	answer = row.next()
	for answer.gate != webhook.WaitingForNothing && d.Wish != webhook.WishNone { // what a person asked for does not wait
		answer = row.next()
	}
	if answer.gate != webhook.WaitingForNothing {
		return answer, false, r.write(d, d.Wait(answer.gate, r.cfg.Now()), false)
	}
	r.request(row, d.Attempts+lost+1)
	return answer, true, nil
}

// RecordWish does to the rows what the store does.
func (r *Rows) RecordWish(_ context.Context, _ int64, endpointID string, wish webhook.Wish) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := r.called("RecordWish"); err != nil {
		return err
	}
	for _, row := range r.rows {
		if endpointID != "" && row.EndpointID != endpointID {
			continue
		}
		switch waits := row.WaitingFor != webhook.WaitingForNothing && row.State != webhook.DeliveryHeld; {
		case row.State.Open():
			row.Wish = wish
			if waits && wish == webhook.WishRetry && !row.sending {
				row.Delivery = row.Wait(webhook.WaitingForTurn, r.cfg.Now())
			}
		case wish == webhook.WishRetry && row.State != webhook.DeliveryDelivered:
			r.revive(row)
		}
	}
	return nil
}

// Settle ends an open delivery that the dispatcher is not sending.
func (r *Rows) Settle(_ context.Context, _, endpointKey int64, state webhook.DeliveryState, reason string) (activities.Standing, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := r.called("Settle"); err != nil {
		return activities.Standing{}, err
	}
	row, err := r.get(endpointKey)
	if err != nil {
		return activities.Standing{}, err
	}
	if !row.State.Final() && !row.sending {
		row.Delivery = row.Finish(state, reason, r.cfg.Now())
	}
	return activities.Standing{Delivery: row.Delivery, InFlight: row.sending}, nil
}

// write needs r.mu.
func (r *Rows) write(before, after webhook.Delivery, clearWish bool) error {
	row, err := r.get(before.EndpointKey)
	if err != nil {
		return err
	}
	if row.State.Final() || row.Attempts != before.Attempts {
		return webhook.Errorf(webhook.Conflict, "", "the delivery has changed")
	}
	if !clearWish && !after.State.Final() {
		after.Wish = row.Wish
	}
	row.Delivery = after
	return nil
}

func (r *Rows) deliveryOf(d webhook.Delivery) webhook.Delivery {
	r.mu.Lock()
	defer r.mu.Unlock()
	if row, err := r.get(d.EndpointKey); err == nil {
		return row.Delivery
	}
	return d
}
