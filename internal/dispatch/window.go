package dispatch

import (
	"math"
	"slices"
	"time"

	"github.com/postrider/postrider/webhook"
)

// event is an event in the window: one with something to send, or one of the latest that are done.
type event struct {
	webhook.Event               // Data only while something is to be sent
	entries       []*entry      // the deliveries that are in the window, each once
	partial       bool          // some deliveries are rows only
	open          int           // entries that are not done
	idle          chan struct{} // closed when open is 0; nil until somebody waits
	seq           int64         // of its start row; 0: unknown or gone
	inLane        bool          // the lane has its start row
	aged          bool          // among the delivered ones, since its first attempts are taking long
	begun         bool          // its workflow may have been started
	asked         bool          // its workflow's FirstAttempts has asked here
	reserved      bool          // its first attempts are left to the workflow, for a moment
	left          time.Time     // since when
}

// entry is one delivery in the window.
type entry struct {
	event  *event
	queue  *queue
	row    webhook.Delivery
	state  entryState
	read   time.Time // when row was read or written
	parked bool      // a workflow was told that it waits or is in flight: it must be woken
	nudged bool      // and what wakes it is committed with the outcome
	late   bool      // it was told so after that, maybe after the nudge was on its way: it is woken once more
	quick  bool      // it is in flight to an endpoint that is quick
	slow   bool      // it is in flight to an endpoint that is slow
	again  bool      // the feeder has read a newer row meanwhile: it must read that once more
}

type entryState int

const (
	queued entryState = iota
	sending
	finished
)

// has reports whether the delivery to the endpoint is, or was, in the window.
func (ev *event) has(endpointKey int64) bool {
	return slices.ContainsFunc(ev.entries, func(e *entry) bool { return e.row.EndpointKey == endpointKey })
}

// toBeSent is the delivery to the endpoint, if it is in the window and not done; else nil.
func (ev *event) toBeSent(endpointKey int64) *entry {
	for _, e := range ev.entries {
		if e.row.EndpointKey == endpointKey && e.state != finished {
			return e
		}
	}
	return nil
}

// queue is the window onto one endpoint's rows, in their order.
type queue struct {
	key      int64
	entries  []*entry
	inFlight int
	failures int           // in a row
	pause    time.Duration // after the last probe that found it down; 0: there was none since it was last delivered to
	probeAt  time.Time     // no probe of what waits here before
	took     time.Duration // how long its answers take, lately
	inReady  bool          // it is in Dispatcher.ready
	spilled  bool          // there are rows that are not in memory
	missed   int64         // lowest event UID of rows left out since the feeder last looked; nothingMissed: none
	cursor   int64         // the feeder has read up to this event UID

	wished []*entry // those of entries that a person wants sent now
	wanted []int64  // event UIDs of rows outside the window that a person wants sent now
}

const nothingMissed = math.MaxInt64

// quickAnswer is how long an endpoint takes that is quick.
const quickAnswer = 100 * time.Millisecond

// isQuick reports whether what waits for its turn will have it shortly; needs d.mu.
func (q *queue) isQuick() bool { return q.took > 0 && q.took < quickAnswer && q.failures == 0 }

// slowAnswer is how long an endpoint takes that is slow, or does not answer at all.
const slowAnswer = time.Second

// isSlow needs d.mu.
func (q *queue) isSlow() bool { return q.took >= slowAnswer }

// leaveOut notes that the row of an event is not in the window; 0: some row, whichever.
func (q *queue) leaveOut(uid int64) {
	q.spilled, q.missed = true, min(q.missed, uid)
}

// queue needs d.mu.
func (d *Dispatcher) queue(key int64) *queue {
	q := d.queues[key]
	if q == nil {
		q = &queue{key: key, missed: nothingMissed}
		d.queues[key] = q
	}
	return q
}

// capacity is how many deliveries one endpoint may have lined up: no more than there is room for
// others, so that endpoints which do not answer never fill the window, however many they are; needs d.mu.
func (d *Dispatcher) capacity() int { return max(0, min(d.cfg.QueueSize, d.cfg.WindowSize-d.size)) }

// room reports whether one more delivery fits into the window; needs d.mu.
func (d *Dispatcher) room(q *queue, bytes int) bool {
	return len(q.entries) < d.capacity() && d.bytes+int64(bytes) <= d.cfg.WindowBytes
}

// admit puts a delivery into the window, or leaves it to the feeder; needs d.mu.
func (d *Dispatcher) admit(ev *event, row webhook.Delivery) *entry {
	q := d.queue(row.EndpointKey)
	behind := q.spilled && row.EventUID > q.cursor // others wait before it
	if behind || !d.room(q, len(ev.Data)) {
		q.leaveOut(row.EventUID)
		ev.partial = true
		return nil
	}
	e := &entry{event: ev, queue: q, row: row, read: d.now()}
	if ev.open == 0 {
		d.bytes += int64(len(ev.Data))
	}
	ev.entries = append(ev.entries, e)
	ev.open++
	d.size++
	return e
}

// enqueue lines a delivery up to be sent; needs d.mu.
func (d *Dispatcher) enqueue(e *entry) {
	e.queue.entries = append(e.queue.entries, e)
	d.makeReady(e.queue)
}

// release lines up first attempts that were left to the workflow; needs d.mu.
func (d *Dispatcher) release(ev *event) {
	if !ev.reserved {
		return
	}
	ev.reserved = false
	for _, e := range ev.entries {
		if e.state == queued {
			d.enqueue(e)
		}
	}
	d.pump()
}

// hasten puts a delivery that a person wants sent now before all others of its endpoint, and reports whether it is in the
// window; needs d.mu.
func (d *Dispatcher) hasten(uid, endpointKey int64) bool {
	ev := d.events[uid]
	if ev == nil {
		return false
	}
	e := ev.toBeSent(endpointKey)
	if e != nil && e.state == queued && !ev.reserved {
		e.queue.wished = append(e.queue.wished, e)
		d.makeReady(e.queue)
	}
	return e != nil
}

// makeReady needs d.mu.
func (d *Dispatcher) makeReady(q *queue) {
	if !q.inReady && (len(q.entries) > 0 && d.mayBegin(q) || d.hastens(q)) {
		q.inReady = true
		if q.isSlow() {
			d.readySlow = append(d.readySlow, q)
		} else {
			d.ready = append(d.ready, q)
		}
	}
}

// pump hands deliveries to the senders, one endpoint after the other; needs d.mu.
func (d *Dispatcher) pump() {
	for d.busy < d.cfg.Senders && !d.stopped && !d.lost {
		q := d.turn()
		if q == nil {
			return
		}
		q.inReady = false
		e := d.next(q)
		if e == nil {
			continue
		}
		e.state = sending
		q.inFlight++
		d.busy++
		if e.quick = q.isQuick(); e.quick {
			d.quick++
		}
		if e.slow = q.isSlow(); e.slow {
			d.slow++
		}
		d.work <- e
		d.makeReady(q)
	}
}

// turn is the endpoint whose turn it is: one of those that are slow, then one of the others. Nil if there is none; needs d.mu.
func (d *Dispatcher) turn() (q *queue) {
	switch {
	case len(d.readySlow) > 0 && d.slow < d.mostSlow() && (d.slowTurn || len(d.ready) == 0):
		q, d.readySlow = d.readySlow[0], d.readySlow[1:]
	case len(d.ready) > 0:
		q, d.ready = d.ready[0], d.ready[1:]
	}
	d.slowTurn = !d.slowTurn
	return q
}

// mostSlow is how many senders may be busy with slow endpoints: they never have them all, however many they are.
func (d *Dispatcher) mostSlow() int { return d.cfg.Senders - d.cfg.Senders/4 }

// next takes the endpoint's first entry that is still to be sent; needs d.mu.
func (d *Dispatcher) next(q *queue) *entry {
	if d.hastens(q) {
		if e := firstQueued(&q.wished); e != nil {
			return e
		}
	}
	if !d.mayBegin(q) {
		return nil
	}
	return firstQueued(&q.entries)
}

func firstQueued(entries *[]*entry) *entry {
	for left := *entries; len(left) > 0; {
		e := left[0]
		left[0] = nil
		left = left[1:]
		if *entries = left; e.state == queued {
			return e
		}
	}
	*entries = nil
	return nil
}

// answered gives back an endpoint's place in flight and notes whether it answered as it should. The
// sender is still busy with the commit: else commits that take long would hold back the endpoint.
func (d *Dispatcher) answered(q *queue, result webhook.AttemptResult) {
	d.mu.Lock()
	defer d.mu.Unlock()
	q.inFlight--
	switch {
	case result.Outcome == "": // nothing was sent
	case q.took == 0:
		q.took = result.Duration // else a first slow answer would pass for a quick one
	default:
		q.took += (result.Duration - q.took) / 8
	}
	switch result.Outcome {
	case "": // nothing was sent
	case webhook.OutcomeDelivered:
		q.failures, q.pause = 0, 0
	default:
		q.failures++
		d.rest(q, result)
	}
	d.makeReady(q)
	d.pump()
	if d.halfEmpty(q) || len(q.wanted) > 0 {
		d.wakeFeeder()
	}
}

// sent finishes an entry that was in flight and gives back its sender; needs d.mu.
func (d *Dispatcher) sent(e *entry, row webhook.Delivery) {
	d.finish(e, row)
	if e.quick {
		d.quick--
	}
	d.free(e.slow)
}

// free gives back a sender; needs d.mu.
func (d *Dispatcher) free(slow bool) {
	d.busy--
	if slow {
		d.slow--
	}
	d.pump()
}

// finish marks a delivery as nothing to be sent by this window; needs d.mu.
func (d *Dispatcher) finish(e *entry, row webhook.Delivery) {
	if e.state == finished {
		return
	}
	e.row, e.state, e.read = row, finished, d.now()
	d.size--
	if e.again {
		e.queue.leaveOut(row.EventUID)
		d.wakeFeeder()
	}
	if d.starved {
		d.wakeFeeder()
	}
	ev := e.event
	ev.open--
	if ev.open > 0 {
		return
	}
	d.bytes -= int64(len(ev.Data))
	ev.Data = nil
	if ev.idle != nil {
		close(ev.idle)
		ev.idle = nil
	}
	if !ev.partial {
		d.lane.firstAttemptsOver(ev)
	}
	d.keepDone(ev)
}

const (
	mostDone  = 8192 // events that are remembered when they are done, and twice as many of their deliveries
	wideEvent = 16   // deliveries of an event that is not remembered: there may be thousands in each
)

// doneEvent is an event with the number of its deliveries when it was done.
type doneEvent struct {
	*event
	deliveries int
}

// keepDone remembers an event for a while, so that its workflow need not read rows; needs d.mu.
func (d *Dispatcher) keepDone(ev *event) {
	if len(ev.entries) > wideEvent {
		ev.entries, ev.partial = nil, true
		d.forget(ev)
		return
	}
	d.done = append(d.done, doneEvent{ev, len(ev.entries)})
	d.doneSize += len(ev.entries)
	for len(d.done) > mostDone || d.doneSize > 2*mostDone {
		old := d.done[0]
		d.done[0] = doneEvent{}
		d.done = d.done[1:]
		d.doneSize -= old.deliveries
		d.forget(old.event)
	}
}

// forget needs d.mu.
func (d *Dispatcher) forget(ev *event) {
	if ev.open == 0 && d.events[ev.UID] == ev {
		delete(d.events, ev.UID)
	}
}
