package dispatch

import (
	"time"

	"github.com/postrider/postrider/store"
)

// What a fake Engine answers with.
var (
	ErrStarted    = errStarted
	ErrNoWorkflow = errNoWorkflow
)

// The lane's pace.
const (
	Crowd       = crowd
	LaneFloor   = laneFloor
	LaneStarved = laneStarved
	LaneInsists = laneInsists
)

// InWindow is how many deliveries are in memory to be sent.
func (d *Dispatcher) InWindow() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.size
}

// SetQuick sets how many first attempts count as in flight to quick endpoints.
func (d *Dispatcher) SetQuick(requests int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.quick = requests
}

// Rest has an endpoint that is down not probed for that long.
func (d *Dispatcher) Rest(endpointKey int64, pause time.Duration) {
	d.mu.Lock()
	defer d.mu.Unlock()
	q := d.queue(endpointKey)
	q.failures, q.probeAt = d.cfg.BreakerAfter, time.Now().Add(pause)
}

// LineUp puts outbox rows into the lane. A zero due is none.
func (d *Dispatcher) LineUp(row store.OutboxRow, due time.Time) {
	d.lane.mu.Lock()
	defer d.lane.mu.Unlock()
	d.lane.putBack(&item{OutboxRow: row, due: due})
}

// LineUpFailed puts an event whose retry at an endpoint is due then into the lane.
func (d *Dispatcher) LineUpFailed(eventUID, endpointKey int64, due time.Time) {
	d.lane.mu.Lock()
	defer d.lane.mu.Unlock()
	d.lane.putBack(&item{OutboxRow: store.OutboxRow{EventUID: eventUID, Kind: store.OutboxStart, Class: store.OutboxUndelivered}, endpoint: endpointKey, due: due})
}

// LineUpLater is LineUp for a row that was tried in vain and is to be tried again then.
func (d *Dispatcher) LineUpLater(row store.OutboxRow, due, then time.Time) {
	d.lane.mu.Lock()
	defer d.lane.mu.Unlock()
	d.lane.later = append(d.lane.later, &item{OutboxRow: row, due: due, after: then})
}

// NextInLane takes the row whose turn it is; 0 if none is. Its work counts as done.
func (d *Dispatcher) NextInLane() (eventUID int64) {
	uid, done := d.BeginInLane()
	done()
	return uid
}

// BeginInLane takes the row whose turn it is; 0 if none is.
func (d *Dispatcher) BeginInLane() (eventUID int64, done func()) {
	i, _ := d.lane.next()
	if i == nil {
		return 0, func() {}
	}
	return i.EventUID, func() {
		d.lane.mu.Lock()
		defer d.lane.mu.Unlock()
		*d.lane.under(i)--
		delete(d.lane.at, i.EventUID)
	}
}

// SetLately sets when a delivered event was last started.
func (d *Dispatcher) SetLately(t time.Time) {
	d.lane.mu.Lock()
	defer d.lane.mu.Unlock()
	d.lane.lately = t
}

// NoteCall tells the lane how a call of the engine ended, and returns how many it may have under way.
func (d *Dispatcher) NoteCall(err error, now time.Time) int {
	d.lane.engine.note(err, now)
	return d.lane.engine.workers(now)
}

// Pressure is what bounds intake.
type Pressure struct{ *pressure }

// NewPressure aims at that long a wait.
func NewPressure(aim time.Duration) Pressure { return Pressure{newPressure(aim)} }

// Enter lets events in or refuses them.
func (p Pressure) Enter(events []store.NewEvent, now time.Time) (func(time.Time), error) {
	return p.enter(events, now)
}

// Adapt is called every second.
func (p Pressure) Adapt() { p.adapt() }

// Limit is how much may wait.
func (p Pressure) Limit() int { return p.limit }

// NoteRetry tells the lane that a retry was made now that was due then.
func (d *Dispatcher) NoteRetry(due, now time.Time) { d.lane.pace.retry(due, now) }

// ForgetRetries makes the lane forget those that came late.
func (d *Dispatcher) ForgetRetries() { d.lane.pace = pace{} }

// FillLane takes all room in the lane.
func (d *Dispatcher) FillLane() {
	d.lane.mu.Lock()
	defer d.lane.mu.Unlock()
	for seq := range int64(laneWindow) {
		d.lane.known[-1-seq] = struct{}{}
	}
}

// DrainLane gives the room back.
func (d *Dispatcher) DrainLane() {
	d.lane.mu.Lock()
	defer d.lane.mu.Unlock()
	clear(d.lane.known)
}

// TakenIn reports whether the lane keeps an event that was just accepted in memory.
func (d *Dispatcher) TakenIn(seq int64) bool {
	d.lane.takeIn([]*event{{seq: seq}}, false)
	d.lane.mu.Lock()
	defer d.lane.mu.Unlock()
	_, known := d.lane.known[seq]
	return known
}

// DeliveredInLane is how many events are to be started among the delivered ones.
func (d *Dispatcher) DeliveredInLane() int {
	d.lane.mu.Lock()
	defer d.lane.mu.Unlock()
	return len(d.lane.rest)
}
