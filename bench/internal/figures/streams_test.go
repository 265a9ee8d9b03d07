package figures_test

import (
	"strings"
	"testing"

	"github.com/postrider/postrider/bench/internal/figures"
	"github.com/postrider/postrider/bench/internal/load"
	"github.com/postrider/postrider/bench/internal/receiver"
)

// holds compares some figures by their names.
func holds(t *testing.T, got []figures.Figure, want map[string]float64) {
	t.Helper()
	for _, f := range got {
		if v, ok := want[f.Name]; ok && f.Value != v {
			t.Errorf("%s is %v, want %v", f.Name, f.Value, v)
		}
		delete(want, f.Name)
	}
	for name := range want {
		t.Errorf("there is no %s", name)
	}
}

func TestAnEventToSeveralEndpointsIsAsManyDeliveries(t *testing.T) {
	t.Parallel()
	posts := []load.Post{{EventID: "a", Status: 202, AnsweredNS: 2 * ms}, {EventID: "b", Status: 202, AnsweredNS: 2 * ms}, {EventID: "c", Status: 429}}
	at := func(event, endpoint string, ns int64) receiver.Receipt {
		return receiver.Receipt{EventID: event, Endpoint: endpoint, ReceivedNS: ns, Status: 204, Intact: true}
	}
	receipts := []receiver.Receipt{
		at("a", "/alive/1", ms), at("a", "/alive/2", 2*ms), at("a", "/alive/2", 3*ms), at("b", "/alive/1", 4*ms), at("b", "/down/1", 5*ms),
	}
	alive := figures.At(receipts, func(endpoint string) bool { return strings.HasPrefix(endpoint, "/alive/") })
	traffic := figures.MatchFanOut(posts, alive, 2)
	if traffic.Deliveries() != 4 {
		t.Errorf("%d deliveries", traffic.Deliveries())
	}
	holds(t, traffic.Counts(), map[string]float64{"refused": 1, "lost": 1, "duplicated": 1, "broken": 0})
	holds(t, traffic.Throughput(), map[string]float64{"accepted/s": 1000, "delivered/s": 750})
	holds(t, traffic.Latencies(), map[string]float64{"receipt p50 ms": 2, "receipt max ms": 4})
}

func TestARetryIsLateByWhatIsBeyondTheInterval(t *testing.T) {
	t.Parallel()
	posts := []load.Post{{EventID: "once"}, {EventID: "late"}, {EventID: "early"}, {EventID: "never"}, {EventID: "well"}}
	at := func(event string, ns int64, status int) receiver.Receipt {
		return receiver.Receipt{EventID: event, ReceivedNS: ns, Status: status}
	}
	got := figures.Retries(posts, []receiver.Receipt{
		at("once", 0, 204),
		at("late", 10*ms, 500), at("early", 11*ms, 500), at("never", 12*ms, 500), at("another's", 13*ms, 500),
		at("early", 110*ms, 204), at("late", 150*ms, 204), at("late", 400*ms, 204), at("another's", 900*ms, 204),
	}, 100*ms)
	holds(t, got, map[string]float64{
		"retries": 2, "retries missing": 1, "retry late min ms": -1, "retry late p50 ms": -1, "retry late p99 ms": 40, "retry late max ms": 40,
	})
}

func TestAnswersAreCountedByTheirStatus(t *testing.T) {
	t.Parallel()
	posts := []load.Post{{Status: 202, SentNS: 5 * ms, AnsweredNS: 6 * ms}, {Status: 500, SentNS: 5 * ms, AnsweredNS: 14 * ms}}
	for _, status := range []int{202, 202, 202, 429, 503, 0, 0} {
		posts = append(posts, load.Post{Status: status, RetryAfter: status > 202})
	}
	got := figures.Answers(append(posts, load.Post{Status: 503}))
	holds(t, got, map[string]float64{
		"posted": 10, "202 %": 40, "429 %": 10, "503 %": 20, "another status %": 10, "no answer %": 20,
		"429 or 503 without Retry-After": 1, "slowest answer ms": 9,
	})
}

func TestTheFirstTenthIsComparedWithTheLast(t *testing.T) {
	t.Parallel()
	times := make([]int64, 100) // ten in the first second, and as many in the last two
	for i := range times {
		times[i] = 1000*ms + int64(i+1)*100*ms
	}
	for i := 90; i < 100; i++ {
		times[i] = times[89] + int64(i-89)*200*ms
	}
	holds(t, figures.Tenths("delivered", 1000*ms, times), map[string]float64{
		"delivered/s, first tenth": 10, "delivered/s, last tenth": 5, "delivered/s, last to first %": 50,
	})
	if got := figures.Tenths("delivered", 0, times[:9]); got != nil {
		t.Errorf("nine have tenths: %v", got)
	}
}

func TestPostsAreChosenByWhenTheyWereSent(t *testing.T) {
	t.Parallel()
	got := figures.Sent([]load.Post{{SentNS: 1}, {SentNS: 2}, {SentNS: 3}, {SentNS: 4}}, 2, 4)
	if len(got) != 2 || got[0].SentNS != 2 || got[1].SentNS != 3 {
		t.Errorf("got %v", got)
	}
}
