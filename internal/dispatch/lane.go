package dispatch

import (
	"context"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/postrider/postrider/store"
	"github.com/postrider/postrider/webhook"
)

// lane is the way to the engine: it starts workflows and wakes them, from outbox rows written in
// the same commit as the fact that they follow. What is in memory is a window onto those rows.
//
// The order is: people's wishes and news, then events that the engine is to deliver itself, then
// events with a failed first attempt, endpoint by endpoint, by the time of their retry, then delivered ones. The last
// yield to retries that come late, and to intake and first attempts, to these the less the longer they have waited; but never
// below a floor.
type lane struct {
	d      *Dispatcher
	engine engineState

	wake      chan struct{}
	finished  chan struct{} // a row is done
	pace      pace
	readAfter time.Time // of hand alone: the store failed and rests until then

	mu      sync.Mutex
	looks   []*item // at wishes of which other nodes have told; they do not need the engine
	wishes  []*item
	news    map[int64]*item    // those of wishes that only tell of an outcome, by event
	joined  int                // items that have joined one of news
	fresh   []*item            // first attempts left to the workflow
	failed  failedItems        // first attempt failed
	rest    []*item            // delivered, or parked
	later   []*item            // failed, and to be done again after a while
	young   []*event           // accepted less than a second ago, oldest first; their first attempts are under way
	left    []*event           // accepted just now, oldest first; their first attempts are left to the workflow
	known   map[int64]struct{} // outbox rows in memory, by Seq
	unread  [3]bool            // by class: there are outbox rows that are not in memory
	cursor  [3]int64
	behind  bool               // of events just accepted, rows are left to be read in their turn
	passed  bool               // a row has moved up since the class of undelivered ones was begun to be read
	reading bool               // a page of outbox rows is being read
	working int                // items that a worker has, without looks
	looking int                // looks that a worker has
	at      map[int64]struct{} // their events: two at a time could both start its workflow
	lately  time.Time          // when one of rest was last begun
	done    []int64            // rows that are done and not deleted yet
}

// item is one outbox row.
type item struct {
	store.OutboxRow
	due      time.Time
	endpoint int64  // key of the one that is due first; 0: not known
	event    *event // nil: read it
	tries    int
	after    time.Time // not before; it failed
	joined   []*item   // news of other deliveries of the event, for the same signal
}

const (
	laneWorkers = 16                     // calls of the engine at once
	lookers     = 4                      // looks at once, beside them
	crowd       = 16                     // rows to be stored and first attempts in flight that make intake busy, if processors are scarce
	laneWindow  = 20_000                 // items in memory
	laneFloor   = 100 * time.Millisecond // between two of rest, while first attempts are under way
	laneYields  = 30 * time.Second       // so long the oldest of rest may have waited for that; then the floor rises
	laneInsists = 10 * time.Minute       // until here, where it yields no more
	laneStarved = 100 * time.Millisecond // the same while others of the lane are ahead
	youth       = time.Second            // after which a workflow is started although a first attempt is not over
	lagging     = 2_000                  // failed events waiting for the engine
)

func newLane(d *Dispatcher) *lane {
	return &lane{d: d, wake: make(chan struct{}, 1), finished: make(chan struct{}, 1), news: map[int64]*item{}, known: map[int64]struct{}{}, at: map[int64]struct{}{}, engine: engineState{limit: laneWorkers / 2}}
}

func (l *lane) run(ctx context.Context) error {
	items := make(chan *item)
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { defer close(items); return l.hand(ctx, items) })
	group.Go(func() error { return l.deleteDone(ctx) })
	for range laneWorkers + lookers {
		group.Go(func() error {
			for i := range items {
				l.work(ctx, i)
			}
			return nil
		})
	}
	return group.Wait()
}

// hand gives the workers one item after the other, in the lane's order.
func (l *lane) hand(ctx context.Context, items chan<- *item) error {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		l.age()
		l.refill(ctx)
		i, wait := l.next()
		if i != nil {
			select {
			case items <- i:
				continue
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		timer.Reset(wait)
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-l.wake:
		case <-timer.C:
		}
	}
}

// next is the item whose turn it is, or how long to wait for one.
func (l *lane) next() (*item, time.Duration) {
	busy := l.d.isBusy()
	now := time.Now()
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lineUpAgain(now)
	idle := 100 * time.Millisecond
	if len(l.left) > 0 {
		idle = l.d.cfg.Reserve / 4
	}
	look := len(l.looks) > 0 && l.looking < lookers
	if l.working >= l.engine.workers(now) && !look {
		return nil, idle
	}
	var i *item
	switch {
	case look:
		i, l.looks = l.looks[0], l.looks[1:]
	case len(l.wishes) > 0:
		i = l.takeWish()
	case len(l.rest) > 0 && now.Sub(l.lately) > laneStarved:
		i, l.rest, l.lately = l.rest[0], l.rest[1:], now
	case len(l.fresh) > 0:
		i, l.fresh = l.fresh[0], l.fresh[1:]
	case l.failed.size() > 0:
		i = l.failed.pop()
	case len(l.rest) > 0:
		if wait := l.yields(now, busy) - now.Sub(l.lately); wait > 0 {
			return nil, wait
		}
		i, l.rest, l.lately = l.rest[0], l.rest[1:], now
	default:
		l.lately = now
		if l.isEmpty() {
			idle = time.Second
		}
		return nil, idle
	}
	if _, busy := l.at[i.EventUID]; busy {
		i.after = now.Add(time.Millisecond)
		l.later = append(l.later, i)
		return nil, 0 // look at the next
	}
	l.at[i.EventUID] = struct{}{}
	*l.under(i)++
	return i, 0
}

// under is how many like the item a worker has; needs l.mu.
func (l *lane) under(i *item) *int {
	if i.Kind == store.OutboxLook {
		return &l.looking
	}
	return &l.working
}

// yields is the least time between two delivered events: while retries come late, or while first attempts are under way;
// needs l.mu.
func (l *lane) yields(now time.Time, busy bool) time.Duration {
	gap := l.pace.between(now)
	if !busy {
		return gap
	}
	waited := now.Sub(l.rest[0].CreatedAt)
	left := float64(laneInsists-waited) / float64(laneInsists-laneYields)
	return max(gap, time.Duration(max(0, min(1, left))*float64(laneFloor)))
}

// lineUpAgain lines items up whose time to be done again has come. Until then they hold up nothing
// that is behind them; needs l.mu.
func (l *lane) lineUpAgain(now time.Time) {
	l.later = slices.DeleteFunc(l.later, func(i *item) bool {
		if i.after.After(now) {
			return false
		}
		l.putBack(i)
		return true
	})
}

// takeIn takes in events that were just accepted; needs d.mu.
func (l *lane) takeIn(events []*event, byWorkflow bool) {
	l.mu.Lock()
	for _, ev := range events {
		_, read := l.known[ev.seq]
		switch {
		case read: // refill saw the row before we came here
			ev.inLane = true
			if byWorkflow {
				ev.left = ev.CreatedAt
				l.left = append(l.left, ev)
			}
		case len(l.known) >= laneWindow || !byWorkflow && l.behind:
			// Refill reads the row, after those that were left out before it: what waits in memory is the oldest.
			l.unread[store.OutboxDelivered], l.behind = true, true
			l.leave(ev, byWorkflow)
		case byWorkflow:
			l.add(ev, &l.fresh)
			l.leave(ev, true)
		case ev.overAtOnce():
			l.add(ev, &l.rest)
		default:
			l.known[ev.seq] = struct{}{}
			l.young = append(l.young, ev)
		}
	}
	l.mu.Unlock()
	l.poke()
}

// leave leaves first attempts to the workflow for Reserve, but where the workflow is to make them, for
// as long as it takes; needs l.mu.
func (l *lane) leave(ev *event, byWorkflow bool) {
	if byWorkflow && l.d.cfg.FirstAttempt == Auto {
		ev.left = ev.CreatedAt
		l.left = append(l.left, ev)
	}
}

// elsewhere gives a workflow that has just been started FirstWait to ask here for its first attempts.
// If it does not, it has asked another node, which can't make them.
func (l *lane) elsewhere(ev *event) {
	if ev == nil || !l.d.cfg.Shared || l.d.cfg.FirstAttempt != ByWorkflow {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	ev.left = time.Now()
	l.left = append(l.left, ev)
}

// overAtOnce: it has nothing to be sent first.
func (ev *event) overAtOnce() bool { return len(ev.entries) == 0 && !ev.partial }

// add needs l.mu.
func (l *lane) add(ev *event, queue *[]*item) {
	ev.inLane = true
	l.known[ev.seq] = struct{}{}
	*queue = append(*queue, newStart(ev))
}

func newStart(ev *event) *item {
	return &item{event: ev, OutboxRow: store.OutboxRow{Seq: ev.seq, EventUID: ev.UID, Kind: store.OutboxStart, CreatedAt: ev.CreatedAt}}
}

// firstAttemptsOver hands an event whose first attempts are all over to the engine; needs d.mu.
func (l *lane) firstAttemptsOver(ev *event) {
	l.mu.Lock()
	defer l.mu.Unlock()
	defer l.poke()
	if ev.inLane || ev.begun || ev.seq == 0 {
		return
	}
	if _, known := l.known[ev.seq]; !known {
		l.unread[store.OutboxDelivered] = true // refill reads the row
		return
	}
	ev.inLane = true
	i := newStart(ev)
	for _, e := range ev.entries {
		if e.row.State == webhook.DeliveryRetrying && (i.due.IsZero() || e.row.DueAt.Before(i.due)) {
			i.due, i.endpoint = e.row.DueAt, e.row.EndpointKey
		}
	}
	if i.due.IsZero() {
		l.rest = append(l.rest, i)
	} else {
		l.failed.push(i)
	}
}

// movedUp notes that the event's start row is in the class of undelivered ones now, for this delivery; needs d.mu.
func (l *lane) movedUp(ev *event, row webhook.Delivery) {
	l.mu.Lock()
	defer l.mu.Unlock()
	defer l.poke()
	_, known := l.known[ev.seq]
	switch {
	case ev.seq == 0:
	case !known:
		l.unread[store.OutboxUndelivered], l.passed = true, true
	case ev.aged && !ev.begun: // it waits among the delivered ones; whichever comes first starts the workflow
		ev.aged = false
		i := newStart(ev)
		i.due, i.endpoint = row.DueAt, row.EndpointKey
		l.failed.push(i)
	}
}

// age starts workflows whose first attempts are taking long, and takes first attempts away from
// workflows that do not come for them.
func (l *lane) age() {
	now, reserve := time.Now(), l.d.cfg.Reserve
	if l.d.cfg.FirstAttempt == ByWorkflow {
		reserve = l.d.cfg.FirstWait
	}
	var late []*event
	l.mu.Lock()
	for len(l.young) > 0 && now.Sub(l.young[0].CreatedAt) >= youth {
		if ev := l.young[0]; !ev.inLane {
			l.add(ev, &l.rest)
			ev.aged = true
		}
		l.young[0] = nil
		l.young = l.young[1:]
	}
	for len(l.left) > 0 && now.Sub(l.left[0].left) >= reserve {
		late = append(late, l.left[0])
		l.left[0] = nil
		l.left = l.left[1:]
	}
	l.mu.Unlock()
	if len(late) == 0 {
		return
	}
	l.d.mu.Lock()
	defer l.d.mu.Unlock()
	for _, ev := range late {
		l.d.release(ev)
	}
}

// isEmpty reports whether there is nothing to be done before somebody pokes; needs l.mu.
func (l *lane) isEmpty() bool {
	return len(l.young)+len(l.left)+len(l.later)+l.working+l.looking == 0 && !slices.Contains(l.unread[:], true)
}

// free reports whether the engine can take n events at once.
func (l *lane) free(n int) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.engine.quick(l.d.cfg.EngineQuick) &&
		len(l.looks)+len(l.wishes)+len(l.fresh)+l.failed.size()+len(l.rest)+len(l.later)+l.working+n <= 4
}

// lags reports whether the engine is behind with what has failed.
func (l *lane) lags() bool { return l.failed.size() > lagging }

func (l *lane) poke() { poke(l.wake) }

// poke wakes who waits for the channel, which holds one.
func poke(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
