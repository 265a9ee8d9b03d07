package dispatch

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/postrider/postrider/store"
	"github.com/postrider/postrider/webhook"
)

// spill marks endpoints that have rows which are not in memory.
func (d *Dispatcher) spill(endpointKeys ...int64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, key := range endpointKeys {
		d.spillLocked(key)
	}
}

// spillLocked needs d.mu.
func (d *Dispatcher) spillLocked(endpointKey int64) {
	d.queue(endpointKey).leaveOut(0)
	d.wakeFeeder()
}

func (d *Dispatcher) wakeFeeder() { poke(d.feed) }

// feedLoop reads on where rows were left out of the window for want of room.
func (d *Dispatcher) feedLoop(ctx context.Context) error {
	ticker := time.NewTicker(time.Second)
	defer ticker.Stop()
	for {
		for d.feedAll(ctx) {
			continue
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-d.feed:
		case <-ticker.C:
		}
	}
}

// feedAll feeds every endpoint that has rows and room once, and reports whether any was fed.
func (d *Dispatcher) feedAll(ctx context.Context) bool {
	fed := false
	for _, q := range d.hungry() {
		if ctx.Err() != nil {
			return false
		}
		n, err := d.feedQueue(ctx, q)
		if err != nil {
			d.log.WarnContext(ctx, "waiting deliveries not read", "error", err)
			return false
		}
		fed = fed || n > 0
	}
	return fed
}

// hungry are the queues that have rows outside the window and are at most half full, or of whose rows a person wants some.
func (d *Dispatcher) hungry() []*queue {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.starved = false
	var found []*queue
	for _, q := range d.queues {
		switch {
		case len(q.wanted) > 0 && len(q.wished) < mostWished:
			found = append(found, q)
		case !d.halfEmpty(q):
		case len(q.entries) < d.capacity():
			found = append(found, q)
		default:
			d.starved = true
		}
	}
	return found
}

// halfEmpty reports whether it is time to read on; needs d.mu.
func (d *Dispatcher) halfEmpty(q *queue) bool {
	return q.spilled && len(q.entries) <= d.cfg.QueueSize/2
}

// mostWished is how many of an endpoint's deliveries that a person wants are taken into the window at once, whether or not
// it has room.
const mostWished = 32

func (d *Dispatcher) feedQueue(ctx context.Context, q *queue) (int, error) {
	hurried, err := d.feedWanted(ctx, q)
	if err != nil {
		return hurried, err
	}
	n, err := d.feedOn(ctx, q)
	return hurried + n, err
}

// feedWanted reads the rows that a person wants sent now.
func (d *Dispatcher) feedWanted(ctx context.Context, q *queue) (n int, err error) {
	for {
		d.mu.Lock()
		if len(q.wanted) == 0 || len(q.wished) >= mostWished {
			d.mu.Unlock()
			return n, nil
		}
		uid := q.wanted[0]
		q.wanted = q.wanted[1:]
		d.mu.Unlock()
		rows, err := d.store.Waiting(ctx, d.node, q.key, uid-1, 1)
		if err != nil {
			d.spill(q.key) // it has its turn with the others
			return n, fmt.Errorf("read a delivery that is wanted: %w", err)
		}
		if len(rows) == 0 || rows[0].Event.UID != uid {
			continue // it has been sent, or it is another node's
		}
		d.mu.Lock()
		d.take(q, rows[0])
		d.hasten(uid, q.key)
		d.pump()
		d.mu.Unlock()
		n++
	}
}

// feedOn reads on where the window ends.
func (d *Dispatcher) feedOn(ctx context.Context, q *queue) (int, error) {
	d.mu.Lock()
	if !d.halfEmpty(q) {
		d.mu.Unlock()
		return 0, nil
	}
	q.cursor = max(0, min(q.cursor, q.missed-1))
	q.missed = nothingMissed
	cursor, limit := q.cursor, d.capacity()-len(q.entries)
	d.mu.Unlock()
	if limit <= 0 {
		return 0, nil
	}
	rows, err := d.store.Waiting(ctx, d.node, q.key, cursor, limit)
	if err != nil {
		return 0, fmt.Errorf("read waiting deliveries: %w", err)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, row := range rows {
		d.take(q, row)
		if row.Delivery.Wish != webhook.WishNone {
			d.hasten(row.Event.UID, q.key)
		}
	}
	if len(rows) > 0 {
		q.cursor = rows[len(rows)-1].Delivery.EventUID
	}
	q.spilled = len(rows) == limit || q.missed != nothingMissed
	d.pump()
	return len(rows), nil
}

// take puts a row into the window, unless it is there; needs d.mu.
func (d *Dispatcher) take(q *queue, row store.WaitingRow) {
	ev := d.events[row.Event.UID]
	if ev == nil {
		ev = &event{Event: row.Event, seq: row.StartSeq, partial: true}
		ev.begun = row.StartSeq == 0 || d.started.has(ev.UID)
		d.events[ev.UID] = ev
	}
	e := &entry{event: ev, queue: q, row: row.Delivery, read: d.now(), parked: ev.begun || ev.asked}
	at := slices.IndexFunc(ev.entries, func(known *entry) bool { return known.row.EndpointKey == row.Delivery.EndpointKey })
	if at >= 0 {
		known := ev.entries[at]
		if known.state != finished {
			// It is there. Or its attempt has been committed, and a newer row too, such as of a held delivery that was
			// let go, but who made the attempt has not come round to saying so.
			known.again = known.again || isNewer(row.Delivery, known.row)
			return
		}
		if row.Delivery.UpdatedAt.Before(known.row.UpdatedAt) {
			return // what was read is older than what is known
		}
		e.read = time.Time{} // read once more before it is sent
		ev.entries[at] = e
	} else {
		ev.entries = append(ev.entries, e)
	}
	ev.open++
	d.size++
	d.enqueue(e)
}

// isNewer reports whether a row has been written since.
func isNewer(row, known webhook.Delivery) bool {
	return row.Attempts > known.Attempts || row.UpdatedAt.After(known.UpdatedAt)
}
