package workflows_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/postrider/postrider/activities"
	"github.com/postrider/postrider/internal/testkit/rows"
	"github.com/postrider/postrider/webhook"
	"github.com/postrider/postrider/workflows"
)

// manyEndpoints is an event with so many endpoints. The named ones get answers of their own, the others
// a 200.
func manyEndpoints(t *testing.T, count int, special map[int][]rows.Answer) *world {
	t.Helper()
	w := newWorld(t, nil)
	for n := 1; n <= count; n++ {
		answers := special[n]
		if answers == nil {
			answers = status(200)
		}
		w.endpoint(plain(3), answers...)
	}
	return w
}

func TestAnEventWithVeryManyEndpointsIsDeliveredInChunks(t *testing.T) {
	t.Parallel()
	w := manyEndpoints(t, 2500, map[int][]rows.Answer{
		1:    status(500, 500, 200),
		1001: status(500),
		1500: {rows.RetryAfter(503, time.Hour)}, // cancelled
		2000: {rows.RetryAfter(503, time.Hour), rows.Status(200)},
		2500: {rows.Gate(webhook.WaitingForCap), rows.Status(200)},
	})
	w.at(time.Minute, func(w *world) {
		w.signal("cancel", only("ep_1500"))
		w.signal("retry", only("ep_2000"))
		w.Open("ep_2500")
	})
	end := w.run()
	if end.how != failed || end.result.State != webhook.EventPartial || len(end.result.Endpoints) != 2500 {
		t.Errorf("the run is %s, the event %s, with %d outcomes", end.how, end.result.State, len(end.result.Endpoints))
	}
	for id, want := range map[string][]time.Duration{
		"ep_1": seconds(0, 10, 30), "ep_1001": seconds(0, 10, 30), "ep_1500": seconds(0), "ep_2000": seconds(0, 60), "ep_2500": seconds(60), "ep_2499": seconds(0),
	} {
		if diff := cmp.Diff(want, w.times(id)); diff != "" {
			t.Errorf("%s: %s", id, diff)
		}
	}
	count := map[activities.Status]int{}
	for i, o := range end.result.Endpoints {
		count[o.Status]++
		if want := fmt.Sprintf("ep_%d", i+1); o.EndpointID != want {
			t.Fatalf("outcome %d is of %s", i, o.EndpointID)
		}
	}
	want := map[activities.Status]int{activities.Delivered: 2498, activities.Exhausted: 1, activities.Cancelled: 1}
	if diff := cmp.Diff(want, count); diff != "" {
		t.Error(diff)
	}
	if len(w.Made("")) != 2500-1+1+2+2+1 {
		t.Errorf("%d requests", len(w.Made("")))
	}
}

func TestTemporalsCancelReachesEveryChunk(t *testing.T) {
	t.Parallel()
	slow := []rows.Answer{rows.RetryAfter(503, time.Hour)}
	w := manyEndpoints(t, 1002, map[int][]rows.Answer{1: slow, 1000: slow, 1001: slow})
	w.at(time.Minute, func(w *world) { w.env.CancelWorkflow() })
	end := w.run()
	if end.how != canceled || end.result.State != webhook.EventPartial {
		t.Errorf("the run is %s, the event %s", end.how, end.result.State)
	}
	for _, id := range []string{"ep_1", "ep_1000", "ep_1001"} {
		if got := end.of(t, id); got.Status != activities.Cancelled {
			t.Errorf("%s is %s", id, got.Status)
		}
	}
}

func TestTheStatusQueryAnswersForAllChunks(t *testing.T) {
	t.Parallel()
	w := manyEndpoints(t, 1001, map[int][]rows.Answer{1001: status(500, 200)})
	var during workflows.DeliverEventResult
	w.at(5*time.Second, func(w *world) { during = w.status() })
	w.run()
	if during.State != webhook.EventDelivering || len(during.Endpoints) != 1001 || during.Endpoints[0].Status != activities.Delivered {
		t.Errorf("after five seconds the event is %s with %d outcomes", during.State, len(during.Endpoints))
	}
	if after := w.status(); after.State != webhook.EventDelivered {
		t.Errorf("at the end the event is %s", after.State)
	}
}

func TestARetryOpensAChunkThatHasEnded(t *testing.T) {
	t.Parallel()
	for name, asked := range map[string]payload{"for one endpoint": only("ep_1001"), "for all": everything()} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := manyEndpoints(t, 1001, map[int][]rows.Answer{
				1:    {rows.RetryAfter(503, time.Hour), rows.Status(500), rows.Status(200)},
				1001: status(500, 500, 500, 500, 200),
			})
			w.at(time.Minute, func(w *world) { w.signal("retry", asked) })
			end := w.run()
			if end.how != completed || end.result.State != webhook.EventDelivered {
				t.Errorf("the run is %s, the event %s", end.how, end.result.State)
			}
			if diff := cmp.Diff(seconds(0, 10, 30, 60, 120), w.times("ep_1001")); diff != "" {
				t.Error(diff)
			}
			if w.Calls("RecordWish") != 1 {
				t.Errorf("the wish was written %d times", w.Calls("RecordWish"))
			}
		})
	}
}
