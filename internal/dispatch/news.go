package dispatch

import (
	"context"
	"slices"
	"time"

	"github.com/postrider/postrider/store"
	"github.com/postrider/postrider/webhook"
	"github.com/postrider/postrider/workflows"
)

// mostJoined is how many deliveries one signal tells of.
const mostJoined = 1000

// addWish lines up a wish or news. An event's news that wait together go in one signal: an event with a thousand
// endpoints would else be woken a thousand times; needs l.mu.
func (l *lane) addWish(i *item) {
	if i.isNews() {
		if first := l.news[i.EventUID]; first != nil && len(first.joined)+len(i.joined)+1 < mostJoined {
			first.joined = append(append(first.joined, i), i.joined...)
			l.joined += 1 + len(i.joined)
			i.joined = nil
			return
		}
		l.news[i.EventUID] = i
		l.joined += len(i.joined)
	}
	l.wishes = append(l.wishes, i)
}

// takeWish needs l.mu.
func (l *lane) takeWish() *item {
	i := l.wishes[0]
	l.wishes[0] = nil
	l.wishes = l.wishes[1:]
	if i.isNews() {
		l.joined -= len(i.joined)
		if l.news[i.EventUID] == i {
			delete(l.news, i.EventUID)
		}
	}
	return i
}

// isNews reports whether the item only tells of a delivery's outcome.
func (i *item) isNews() bool { return i.Kind == store.OutboxNudge && i.Wish == webhook.WishNone }

// outcome is the signal for news.
func (i *item) outcome() workflows.OutcomeSignal {
	if len(i.joined) == 0 {
		return workflows.OutcomeSignal{EndpointID: i.EndpointID}
	}
	ids := []string{i.EndpointID}
	for _, other := range i.joined {
		ids = append(ids, other.EndpointID)
	}
	if slices.Contains(ids, "") {
		return workflows.OutcomeSignal{} // any
	}
	return workflows.OutcomeSignal{EndpointIDs: ids}
}

// signalOutcome wakes a workflow for which no row was written. With too many to wake, as after hours without an engine,
// it is left to the search for strays.
func (l *lane) signalOutcome(uid int64, endpointID string) {
	l.mu.Lock()
	if len(l.wishes)+l.joined >= laneWindow {
		l.mu.Unlock()
		return
	}
	l.addWish(&item{OutboxRow: store.OutboxRow{EventUID: uid, Kind: store.OutboxNudge, EndpointID: endpointID}})
	l.mu.Unlock()
	l.poke()
}

// newsLoop looks for nudges that were written for this node by others, such as those of retention.
func (d *Dispatcher) newsLoop(ctx context.Context) error {
	return d.every(ctx, time.Second, "look for news", func(context.Context) error { d.lane.readWishes(); return nil })
}
