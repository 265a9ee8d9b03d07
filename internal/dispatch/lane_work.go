package dispatch

import (
	"context"
	"errors"
	"time"

	"github.com/postrider/postrider/activities"
	"github.com/postrider/postrider/internal/telemetry"
	"github.com/postrider/postrider/store"
	"github.com/postrider/postrider/webhook"
	"github.com/postrider/postrider/workflows"
)

// work does one item. One that can't be done now is done later: the row stays.
func (l *lane) work(ctx context.Context, i *item) {
	err := l.do(ctx, i)
	away := errors.Is(err, webhook.Unavailable) || errors.Is(err, webhook.RateLimited)
	if i.Kind != store.OutboxLook && l.engine.note(err, time.Now()) {
		l.d.metrics.EngineAway(ctx, away)
		l.d.log.WarnContext(ctx, "engine reached or lost", "away", away, telemetry.KeyError, err)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	*l.under(i)--
	delete(l.at, i.EventUID)
	switch {
	case err == nil:
		for _, row := range append(i.joined, i) {
			if row.Seq != 0 {
				l.done = append(l.done, row.Seq)
			}
		}
		if i.Kind == store.OutboxStart {
			l.d.load.outbox.Add(-1)
		}
		poke(l.finished)
	case ctx.Err() != nil:
	default:
		if !away {
			l.d.log.WarnContext(ctx, "workflow not started or woken", telemetry.KeyError, err, "event_uid", i.EventUID, "kind", i.Kind)
		}
		i.tries++
		i.after = time.Now().Add(min(100*time.Millisecond<<min(i.tries, 8), 10*time.Second))
		l.later = append(l.later, i)
	}
	l.poke()
}

// putBack needs l.mu.
func (l *lane) putBack(i *item) {
	switch {
	case i.Kind == store.OutboxLook:
		l.looks = append(l.looks, i)
	case i.Kind != store.OutboxStart || i.Class == store.OutboxWish && i.event == nil:
		l.addWish(i)
	case !i.due.IsZero():
		l.failed.push(i)
	default:
		l.rest = append(l.rest, i)
	}
}

func (l *lane) do(ctx context.Context, i *item) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	switch i.Kind {
	case store.OutboxStart:
		return l.start(ctx, i)
	case store.OutboxLook:
		return l.d.lookAtWishes(ctx, i.EventUID)
	default:
		return l.nudge(ctx, i)
	}
}

func (l *lane) start(ctx context.Context, i *item) error {
	work, err := l.d.workOf(ctx, i)
	if errors.Is(err, webhook.NotFound) {
		return nil // deleted by retention
	}
	if err != nil {
		return err
	}
	if i.tries > 0 && l.exists(ctx, work.Event) {
		return nil
	}
	l.d.begin(work.Event.UID)
	err = l.startWork(telemetry.WithTraceParent(ctx, work.Event.TraceParent), work, work.Event.Generation > 1)
	if err == nil {
		l.elsewhere(i.event)
	}
	return err
}

// exists reports whether a start that seemed to fail has done its work all the same. Asking is cheap;
// in Temporal a start that comes twice leaves a history behind that nobody deletes for weeks.
func (l *lane) exists(ctx context.Context, event webhook.Event) bool {
	known, err := l.d.engine.Describe(ctx, event.WorkflowID())
	return err == nil && known.UID == event.UID && known.Generation >= event.Generation
}

// startWork starts the event's workflow. again admits that an earlier run of it has closed.
func (l *lane) startWork(ctx context.Context, work store.Work, again bool) error {
	begun := time.Now()
	how, err := telemetry.StartedNew, l.d.engine.Start(ctx, inputOf(work), again)
	switch {
	case errors.Is(err, errStarted):
		how, err = telemetry.StartedExists, nil
		// It may have been told to wait for what was over before this process knew of it.
		l.signalOutcome(work.Event.UID, "")
	case err != nil:
		how = telemetry.StartedFailed
	default:
		l.engine.took(time.Since(begun))
	}
	l.d.metrics.EngineStart(ctx, how, time.Since(begun))
	return err
}

// nudge signals the workflow what the row says. A workflow that is not there is started, unless
// there is nothing left for it to do.
func (l *lane) nudge(ctx context.Context, i *item) error {
	event, err := l.d.eventOf(ctx, i.EventUID)
	if err == nil {
		if err = l.signal(ctx, event, i); !errors.Is(err, errNoWorkflow) {
			return err
		}
	}
	work, err := l.d.store.LoadWork(ctx, i.EventUID, false)
	switch {
	case errors.Is(err, webhook.NotFound):
		return nil // deleted by retention
	case err != nil:
		return err
	case work.Event.State.Final():
		return nil
	}
	known, err := l.d.engine.Describe(ctx, work.Event.WorkflowID())
	if err == nil && known.UID == work.Event.UID && i.Wish != webhook.WishRetry && known.Status == statusTerminated {
		return l.d.cancelTerminated(ctx, work)
	}
	// Either it was never started, or it closed before what was signalled was committed. A start row
	// of the same event, if there is one, finds it started.
	l.d.begin(work.Event.UID)
	if err := l.startWork(ctx, work, true); err != nil {
		return err
	}
	if i.Wish == webhook.WishNone {
		return nil
	}
	return l.signal(ctx, work.Event, i)
}

func (l *lane) signal(ctx context.Context, event webhook.Event, i *item) error {
	id := event.WorkflowID()
	switch i.Wish {
	case webhook.WishCancel:
		return l.d.engine.Signal(ctx, id, workflows.SignalCancel, workflows.WishSignal{EndpointID: i.EndpointID, Recorded: true})
	case webhook.WishRetry:
		return l.d.engine.Signal(ctx, id, workflows.SignalRetry, workflows.WishSignal{EndpointID: i.EndpointID, Recorded: true})
	default:
		return l.d.engine.Signal(ctx, id, workflows.SignalOutcome, i.outcome())
	}
}

// readRows makes the lane look at the outbox.
func (l *lane) readRows() {
	l.mu.Lock()
	l.unread = [3]bool{true, true, true}
	l.cursor = [3]int64{}
	l.mu.Unlock()
	l.poke()
}

// readWishes makes the lane look for people's wishes and news.
func (l *lane) readWishes() {
	l.mu.Lock()
	l.unread[store.OutboxWish] = true
	l.mu.Unlock()
	l.poke()
}

// refill reads outbox rows that are not in memory, as far as there is room.
func (l *lane) refill(ctx context.Context) {
	if time.Now().Before(l.readAfter) {
		return
	}
	failed := !l.readAfter.IsZero()
	l.readAfter = time.Time{}
	for class := store.OutboxWish; class <= store.OutboxDelivered; class++ {
		if err := l.refillClass(ctx, class); err != nil {
			if !failed && ctx.Err() == nil {
				l.d.log.WarnContext(ctx, "outbox not read", telemetry.KeyError, err)
			}
			l.readAfter = time.Now().Add(storeRest)
			return
		}
	}
}

// storeRest is for how long a store that failed is left alone.
const storeRest = 250 * time.Millisecond

func (l *lane) refillClass(ctx context.Context, class store.OutboxClass) error {
	const page = 1000
	l.mu.Lock()
	unread, cursor := l.unread[class], l.cursor[class]
	full := len(l.known) > laneWindow/2
	switch class {
	case store.OutboxWish:
		full = len(l.looks)+len(l.wishes)+l.joined > laneWindow/2 // others do not hold up people
	case store.OutboxUndelivered:
		full = l.failed.size() > laneWindow/2 // nor what is delivered what is not
		if cursor == 0 {
			l.passed = false
		}
	}
	l.unread[class] = unread && full
	l.reading = unread && !full
	l.mu.Unlock()
	if !unread || full {
		return nil
	}
	rows, err := l.d.store.Outbox(ctx, l.d.node, class, cursor, page)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.reading = false
	if err != nil {
		l.unread[class] = true
		return err
	}
	for _, row := range rows {
		l.cursor[class] = row.Seq
		if _, known := l.known[row.Seq]; known {
			continue
		}
		l.known[row.Seq] = struct{}{}
		i := &item{OutboxRow: row}
		if class == store.OutboxUndelivered {
			i.due = row.CreatedAt
		}
		l.putBack(i)
	}
	if len(rows) == page {
		l.unread[class] = true
	} else if class != store.OutboxWish {
		l.behind = l.behind && class != store.OutboxDelivered
		l.cursor[class] = 0 // rows may move up into a class: begin again next time
		l.unread[class] = l.unread[class] || class == store.OutboxUndelivered && l.passed
	}
	return nil
}

// deleteDone deletes the rows that are done, many at a time.
func (l *lane) deleteDone(ctx context.Context) error {
	const often = 20 * time.Millisecond
	ticker := time.NewTicker(often)
	defer ticker.Stop()
	failing := false
	var deleted []int64 // but known as long as a page that was read before may have them
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-ticker.C:
		}
		l.mu.Lock()
		if !l.reading {
			for _, seq := range deleted {
				delete(l.known, seq)
			}
			deleted = nil
		}
		done := l.done
		l.done = nil
		l.mu.Unlock()
		if len(done) == 0 && len(deleted) == 0 {
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-l.finished:
				ticker.Reset(often) // some more will be soon
			}
			continue
		}
		if len(done) == 0 {
			continue
		}
		if err := l.d.store.OutboxDone(ctx, done); err != nil {
			if !failing {
				l.d.log.WarnContext(ctx, "outbox rows not deleted", telemetry.KeyError, err)
			}
			failing = true
			ticker.Reset(storeRest)
			l.mu.Lock()
			l.done = append(l.done, done...)
			l.mu.Unlock()
			continue
		}
		if failing {
			failing = false
			ticker.Reset(often)
		}
		deleted = append(deleted, done...)
	}
}

// begin notes that the event's workflow may exist from now on, and so may be waiting for news.
func (d *Dispatcher) begin(uid int64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.started.add(uid)
	if ev := d.events[uid]; ev != nil {
		ev.begun = true
	}
}

// eventOf is the event without its data, from memory if it is there.
func (d *Dispatcher) eventOf(ctx context.Context, uid int64) (webhook.Event, error) {
	d.mu.Lock()
	if ev := d.events[uid]; ev != nil {
		event := ev.Event
		d.mu.Unlock()
		event.Data = nil
		return event, nil
	}
	d.mu.Unlock()
	work, err := d.store.LoadWork(ctx, uid, false)
	return work.Event, err
}

// workOf is the event and its deliveries, from memory if they are all there.
func (d *Dispatcher) workOf(ctx context.Context, i *item) (store.Work, error) {
	if i.event != nil {
		d.mu.Lock()
		work := store.Work{Event: i.event.Event}
		work.Event.Data = nil
		partial := i.event.partial
		for _, e := range i.event.entries {
			work.Deliveries = append(work.Deliveries, e.row)
		}
		d.mu.Unlock()
		if !partial {
			return work, nil
		}
	}
	return d.store.LoadWork(ctx, i.EventUID, false)
}

// inputOf is what the event's workflow is started with: in a later generation only the deliveries
// that are open, if any still is.
func inputOf(work store.Work) workflows.DeliverEventInput {
	e := work.Event
	in := workflows.DeliverEventInput{
		V: 1, UID: e.UID, Tenant: e.Tenant, EventID: e.ID, EventType: e.Type, Generation: e.Generation,
		Policies: []webhook.Policy{}, Endpoints: []workflows.EndpointInput{},
	}
	policies := map[string]int{}
	for _, row := range work.Deliveries {
		if e.Generation > 1 && row.State.Final() && !e.State.Final() {
			continue
		}
		key := row.Policy.String()
		index, ok := policies[key]
		if !ok {
			index = len(in.Policies)
			policies[key] = index
			in.Policies = append(in.Policies, row.Policy)
		}
		endpoint := workflows.EndpointInput{ID: row.EndpointID, Key: row.EndpointKey, Policy: index}
		if len(work.Deliveries) <= workflows.ChunkSize {
			endpoint.Outcome = activities.KnownOutcome(row)
		}
		in.Endpoints = append(in.Endpoints, endpoint)
	}
	return in
}

// isBusy reports whether there is a crowd of events to be stored and of first attempts, and too few processors for it. Attempts that
// wait for a slow endpoint need none.
func (d *Dispatcher) isBusy() bool {
	stored := d.pressure.weight()
	d.mu.Lock()
	quick := d.quick
	d.mu.Unlock()
	return stored+quick >= crowd && d.cfg.Scarce(time.Now())
}
