package dispatch_test

import (
	"log/slog"
	"net/http"
	"testing"
	"time"

	"github.com/postrider/postrider/internal/dispatch"
	"github.com/postrider/postrider/store"
	"github.com/postrider/postrider/webhook"
)

// lane is a dispatcher that does not run, for a look at the order of its lane.
func lane(t *testing.T) *dispatch.Dispatcher {
	t.Helper()
	d, err := dispatch.New(1, nil, nil, nil, slog.New(slog.DiscardHandler), nil, dispatch.Config{Scarce: func(time.Time) bool { return true }})
	if err != nil {
		t.Fatal(err)
	}
	d.SetLately(time.Now())
	return d
}

func wished(uid int64) store.OutboxRow {
	return store.OutboxRow{EventUID: uid, Kind: store.OutboxNudge, Class: store.OutboxWish, Wish: webhook.WishCancel}
}

func undelivered(uid int64) store.OutboxRow {
	return store.OutboxRow{EventUID: uid, Kind: store.OutboxStart, Class: store.OutboxUndelivered}
}

func delivered(uid int64) store.OutboxRow {
	return store.OutboxRow{EventUID: uid, Kind: store.OutboxStart, Class: store.OutboxDelivered}
}

func TestTheLaneTakesWishesThenFailedEventsByDueTimeThenDeliveredOnes(t *testing.T) {
	t.Parallel()
	d, now := lane(t), time.Now()
	d.LineUp(delivered(7), time.Time{})
	d.LineUp(undelivered(5), now.Add(3*time.Second))
	d.LineUp(undelivered(3), now.Add(time.Second))
	d.LineUp(wished(1), time.Time{})
	d.LineUp(delivered(8), time.Time{})
	d.LineUp(undelivered(4), now.Add(2*time.Second))
	d.LineUp(wished(2), time.Time{})
	var got []int64
	for range 7 {
		got = append(got, d.NextInLane())
	}
	equal(t, "order", got, []int64{1, 2, 3, 4, 5, 7, 8})
	if uid := d.NextInLane(); uid != 0 {
		t.Errorf("got event %d from an empty lane", uid)
	}
}

func TestALookAtAWishDoesNotWaitForAnEngineThatIsAway(t *testing.T) {
	t.Parallel()
	d, now := lane(t), time.Now()
	d.NoteCall(webhook.Errorf(webhook.Unavailable, "", "nobody there"), now.Add(time.Hour))
	d.LineUp(wished(1), time.Time{})
	d.LineUp(store.OutboxRow{EventUID: 2, Kind: store.OutboxLook, Class: store.OutboxWish}, time.Time{})
	equal(t, "order", []int64{d.NextInLane(), d.NextInLane()}, []int64{2, 0})
	d.NoteCall(nil, now)
	equal(t, "order when it is back", []int64{d.NextInLane(), d.NextInLane()}, []int64{1, 0})
}

func TestEndpointsTakeTurnsInTheLane(t *testing.T) {
	t.Parallel()
	d, now := lane(t), time.Now()
	for uid := range int64(4) {
		d.LineUpFailed(10+uid, 1, now.Add(time.Duration(uid)*time.Second)) // of one that is down
	}
	d.LineUpFailed(20, 2, now.Add(time.Hour))
	d.LineUpFailed(21, 2, now.Add(time.Minute))
	var got []int64
	for range 6 {
		got = append(got, d.NextInLane())
	}
	equal(t, "order", got, []int64{10, 21, 11, 20, 12, 13})
}

func TestOneRowOfAnEventIsWorkedOnAtATime(t *testing.T) {
	t.Parallel()
	d := lane(t)
	for _, uid := range []int64{1, 1, 2} {
		d.LineUp(wished(uid), time.Time{})
	}
	uid, done := d.BeginInLane()
	equal(t, "order", []int64{uid, d.NextInLane(), d.NextInLane()}, []int64{1, 0, 2}) // the second steps aside
	done()
	for uid = 0; uid == 0; { // it comes again after a millisecond
		uid = d.NextInLane()
	}
	if uid != 1 {
		t.Errorf("got event %d, want the second row of 1", uid)
	}
}

func TestDeliveredEventsYieldToFirstAttemptsDownToAFloor(t *testing.T) {
	t.Parallel()
	d := lane(t)
	d.SetQuick(dispatch.Crowd)
	fresh := delivered(1)
	fresh.CreatedAt = time.Now()
	d.LineUp(fresh, time.Time{})
	d.LineUp(delivered(2), time.Time{})
	d.SetLately(time.Now().Add(time.Hour)) // the last one was begun just now
	if uid := d.NextInLane(); uid != 0 {
		t.Errorf("got event %d right after another, while first attempts crowd", uid)
	}
	d.SetLately(time.Now().Add(-dispatch.LaneFloor))
	if uid := d.NextInLane(); uid != 1 {
		t.Errorf("got event %d, want 1: the floor is reached", uid)
	}
	d.SetQuick(dispatch.Crowd - 1)
	if uid := d.NextInLane(); uid != 2 {
		t.Errorf("got event %d, want 2 at once: there is no crowd", uid)
	}
}

func TestDeliveredEventsYieldToRetriesThatComeLate(t *testing.T) {
	t.Parallel()
	d, now := lane(t), time.Now()
	d.SetLately(now)
	old := delivered(1)
	old.CreatedAt = now.Add(-dispatch.LaneInsists)
	d.LineUp(old, time.Time{})
	d.LineUp(delivered(2), time.Time{})
	for range 20 {
		d.NoteRetry(now.Add(-time.Second), now)
	}
	if uid := d.NextInLane(); uid != 0 {
		t.Errorf("got event %d although a retry came late just now", uid)
	}
	d.SetLately(now.Add(-2 * dispatch.LaneStarved))
	if uid := d.NextInLane(); uid != 1 {
		t.Errorf("got event %d, want 1: the floor is reached", uid)
	}
	d.ForgetRetries()
	if uid := d.NextInLane(); uid != 2 {
		t.Errorf("got event %d, want 2 at once", uid)
	}
}

func TestADeliveredEventThatHasWaitedLongYieldsNoMore(t *testing.T) {
	t.Parallel()
	d := lane(t)
	d.SetQuick(dispatch.Crowd)
	d.SetLately(time.Now())
	old := delivered(1)
	old.CreatedAt = time.Now().Add(-dispatch.LaneInsists)
	d.LineUp(old, time.Time{})
	if uid := d.NextInLane(); uid != 1 {
		t.Errorf("got event %d, want 1", uid)
	}
}

func TestDeliveredEventsAreNotStarvedByFailedOnes(t *testing.T) {
	t.Parallel()
	d, now := lane(t), time.Now()
	d.LineUp(undelivered(1), now)
	d.LineUp(undelivered(2), now.Add(time.Second))
	d.LineUp(delivered(3), time.Time{})
	d.SetLately(now.Add(-2 * dispatch.LaneStarved))
	equal(t, "order", []int64{d.NextInLane(), d.NextInLane(), d.NextInLane()}, []int64{3, 1, 2})
}

func TestAnEventThatCannotBeStartedHoldsUpNoOther(t *testing.T) {
	t.Parallel()
	d, now := lane(t), time.Now()
	d.LineUpLater(undelivered(1), now, now.Add(time.Hour))
	d.LineUpLater(undelivered(2), now.Add(time.Second), now.Add(-time.Millisecond))
	d.LineUp(undelivered(3), now.Add(2*time.Second))
	equal(t, "order", []int64{d.NextInLane(), d.NextInLane(), d.NextInLane()}, []int64{2, 3, 0})
}

func TestAnOverloadedEngineGetsHalfTheCallsAndMoreByAndBy(t *testing.T) {
	t.Parallel()
	d, now := lane(t), time.Now()
	overloaded := webhook.Errorf(webhook.RateLimited, "", "too many")
	var got []int
	got = append(got, d.NoteCall(nil, now), d.NoteCall(overloaded, now), d.NoteCall(overloaded, now), d.NoteCall(overloaded, now), d.NoteCall(overloaded, now))
	for range 200 {
		d.NoteCall(nil, now)
	}
	got = append(got, d.NoteCall(nil, now))
	equal(t, "calls at once", got, []int{8, 4, 2, 1, 1, 16})
}

func TestAnEngineThatIsAwayIsAskedNowAndThenByOneCall(t *testing.T) {
	t.Parallel()
	d, now := lane(t), time.Now()
	away := webhook.Errorf(webhook.Unavailable, "", "nobody there")
	if got := d.NoteCall(away, now); got != 0 || !d.Status().EngineAway {
		t.Errorf("got %d calls right after it went away, want 0", got)
	}
	if got := d.NoteCall(webhook.Errorf(webhook.Conflict, "", "no"), now.Add(time.Second)); got != 1 {
		t.Errorf("got %d calls a second later, want 1", got)
	}
	if d.NoteCall(nil, now); d.Status().EngineAway {
		t.Error("it is still said to be away")
	}
}

func TestWhatTheLaneHasNoRoomForIsStartedInTheOrderInWhichItCame(t *testing.T) {
	t.Parallel()
	d := lane(t)
	d.FillLane()
	if got := d.TakenIn(1); got {
		t.Error("the lane took an event in, though it is full")
	}
	d.DrainLane()
	if got := d.TakenIn(2); got {
		t.Error("an event overtook one that is to be read")
	}
}

func TestAFirstAttemptThatFailsLateIsNotLeftAmongTheDeliveredOnes(t *testing.T) {
	t.Parallel()
	h := start(t, dispatch.Config{FirstAttempt: dispatch.AheadOfEngine, Scarce: func(time.Time) bool { return true }})
	answer, open := gate()
	r := receive(t, until(answer, http.StatusTeapot))
	endpoint := h.endpoint(r)
	h.SetQuick(dispatch.Crowd)
	event := h.post(1)[0]
	h.await("it has been in flight for more than a second", func() bool {
		h.SetLately(time.Now().Add(time.Hour)) // delivered events yield for long
		return h.DeliveredInLane() == 1
	})
	open()
	h.becomes(event, endpoint, webhook.DeliveryRetrying)
	h.await("its workflow is started before the delivered ones", func() bool { return len(h.engine.started()) == 1 })
}
