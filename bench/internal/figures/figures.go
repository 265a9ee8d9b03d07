// Package figures turns what was posted and what was received into a benchmark's figures.
package figures

import (
	"cmp"
	"math"
	"net/http"
	"slices"
	"time"

	"github.com/postrider/postrider/bench/internal/load"
	"github.com/postrider/postrider/bench/internal/receiver"
)

// Figure is one figure of one run.
type Figure struct {
	Name  string  `json:"name"`
	Value float64 `json:"value"`
	// Decimals is how many of them mean anything.
	Decimals int `json:"-"`
}

// Traffic is one stream of events: what was posted, and what of it was received.
type Traffic struct {
	posts    []load.Post
	accepted map[string]load.Post
	fanOut   int                           // deliveries of each event that ought to be received
	first    map[delivery]receiver.Receipt // the first that was answered 204
	extra    int                           // receipts of accepted events after that
	broken   int                           // receipts of accepted events that were not intact
	denied   int                           // receipts of events that were answered, but not 202
}

// delivery is an event to an endpoint.
type delivery struct{ event, endpoint string }

// Match finds the receipts of the posts, each of which goes to one endpoint. Receipts of events that are not among
// them do not matter, nor do those that the receiver refused, but for being broken.
func Match(posts []load.Post, receipts []receiver.Receipt) *Traffic {
	return MatchFanOut(posts, receipts, 1)
}

// MatchFanOut is Match where each event is to be received at so many endpoints.
func MatchFanOut(posts []load.Post, receipts []receiver.Receipt, fanOut int) *Traffic {
	t := &Traffic{posts: posts, accepted: map[string]load.Post{}, fanOut: fanOut, first: map[delivery]receiver.Receipt{}}
	denied := map[string]bool{}
	for _, p := range posts {
		switch p.Status {
		case http.StatusAccepted:
			t.accepted[p.EventID] = p
		case 0: // nobody knows
		default:
			denied[p.EventID] = true
		}
	}
	for _, r := range receipts {
		p, ours := t.accepted[r.EventID]
		if !ours {
			if denied[r.EventID] {
				t.denied++
			}
			continue
		}
		if !r.Intact || r.SentNS != p.SentNS {
			t.broken++
		}
		d := delivery{r.EventID, r.Endpoint}
		if _, again := t.first[d]; again {
			t.extra++
		} else if r.Delivered() {
			t.first[d] = r
		}
	}
	return t
}

// Deliveries is how many are expected: accepted events times endpoints.
func (t *Traffic) Deliveries() int { return len(t.accepted) * t.fanOut }

// Accepted is how many events were answered 202.
func (t *Traffic) Accepted() int { return len(t.accepted) }

// Began is when the first event was sent, by payload.Now.
func (t *Traffic) Began() int64 {
	return slices.MinFunc(t.posts, func(a, b load.Post) int { return cmp.Compare(a.SentNS, b.SentNS) }).SentNS
}

// Lost is how many deliveries of accepted events were not received.
func (t *Traffic) Lost() int { return t.Deliveries() - len(t.first) }

// Broken is how many receipts had a wrong signature or not the data that was posted.
func (t *Traffic) Broken() int { return t.broken }

// Denied is how many receipts there are of events to which the answer was that they were not accepted.
func (t *Traffic) Denied() int { return t.denied }

// Counts are the figures that ought to be 0.
func (t *Traffic) Counts() []Figure {
	return []Figure{
		{Name: "refused", Value: float64(len(t.posts) - len(t.accepted))},
		{Name: "lost", Value: float64(t.Lost())},
		{Name: "duplicated", Value: float64(t.extra)},
		{Name: "broken", Value: float64(t.broken)},
	}
}

// Throughput is accepted/s and delivered/s: events, and their deliveries, over the time from the first being sent
// until the last was answered, or received.
func (t *Traffic) Throughput() []Figure {
	var answered int64
	for _, p := range t.accepted {
		answered = max(answered, p.AnsweredNS)
	}
	return []Figure{
		{Name: "accepted/s", Value: PerSecond(len(t.accepted), answered-t.Began())},
		{Name: "delivered/s", Value: t.DeliveredPerSecond()},
	}
}

// DeliveredPerSecond is deliveries over the time from the first event being sent until the last delivery was received.
func (t *Traffic) DeliveredPerSecond() float64 {
	var received int64
	for _, r := range t.first {
		received = max(received, r.ReceivedNS)
	}
	return PerSecond(len(t.first), received-t.Began())
}

// PerSecond is n over a time in nanoseconds; 0 if the time is not positive.
func PerSecond(n int, ns int64) float64 {
	if ns <= 0 {
		return 0
	}
	return float64(n) / time.Duration(ns).Seconds()
}

// Latencies are the percentiles of the time from POST to its answer, and from POST to the receipt.
func (t *Traffic) Latencies() []Figure {
	var accept, receipt, late []float64
	for _, p := range t.accepted {
		accept = append(accept, milliseconds(p.AnsweredNS-p.SentNS))
		late = append(late, milliseconds(p.LateNS))
	}
	for d, r := range t.first {
		receipt = append(receipt, milliseconds(r.ReceivedNS-t.accepted[d.event].SentNS))
	}
	slices.Sort(accept)
	slices.Sort(receipt)
	slices.Sort(late)
	figures := []Figure{
		{"accept p50 ms", Percentile(accept, 50), 2},
		{"accept p99 ms", Percentile(accept, 99), 2},
		{"receipt p50 ms", Percentile(receipt, 50), 2},
		{"receipt p95 ms", Percentile(receipt, 95), 2},
		{"receipt p99 ms", Percentile(receipt, 99), 2},
		{"receipt max ms", Percentile(receipt, 100), 2},
	}
	if len(late) > 0 && late[len(late)-1] > 0 { // there was a rate to keep
		figures = append(figures, Figure{"sent late p99 ms", Percentile(late, 99), 2})
	}
	return figures
}

// Percentile is by nearest rank: the least value that p percent of them do not exceed. Values must be sorted; 0
// if there are none.
func Percentile(values []float64, p float64) float64 {
	if len(values) == 0 {
		return 0
	}
	rank := int(math.Ceil(p / 100 * float64(len(values))))
	return values[max(rank, 1)-1]
}

func milliseconds(ns int64) float64 { return float64(ns) / 1e6 }
