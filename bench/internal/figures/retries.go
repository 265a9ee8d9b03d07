package figures

import (
	"slices"

	"github.com/postrider/postrider/bench/internal/load"
	"github.com/postrider/postrider/bench/internal/receiver"
)

// Retries tell how late the second attempts of what was refused once were read by the receiver, against the time at which
// it had read the first and the interval after that, in nanoseconds. The due time itself is a little later: the first
// answer's way to the sender. A retry that was not made is missing.
func Retries(posts []load.Post, receipts []receiver.Receipt, interval int64) []Figure {
	ours := map[string]bool{}
	for _, p := range posts {
		ours[p.EventID] = true
	}
	refused := map[delivery]int64{} // when; 0: its retry has been found
	var late []float64
	for _, r := range receipts {
		d := delivery{r.EventID, r.Endpoint}
		at, again := refused[d]
		switch {
		case !ours[r.EventID]:
		case again && at != 0:
			late = append(late, milliseconds(r.ReceivedNS-at-interval))
			refused[d] = 0
		case !again && !r.Delivered():
			refused[d] = r.ReceivedNS
		}
	}
	slices.Sort(late)
	return []Figure{
		{Name: "retries", Value: float64(len(late))},
		{Name: "retries missing", Value: float64(len(refused) - len(late))},
		{"retry late min ms", Percentile(late, 0), 1},
		{"retry late p50 ms", Percentile(late, 50), 1},
		{"retry late p99 ms", Percentile(late, 99), 1},
		{"retry late max ms", Percentile(late, 100), 1},
	}
}
