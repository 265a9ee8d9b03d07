package figures

import (
	"slices"

	"github.com/postrider/postrider/bench/internal/load"
	"github.com/postrider/postrider/bench/internal/receiver"
)

// Sent are the posts that were sent from one time to another, both of payload.Now.
func Sent(posts []load.Post, from, to int64) []load.Post {
	var found []load.Post
	for _, p := range posts {
		if p.SentNS >= from && p.SentNS < to {
			found = append(found, p)
		}
	}
	return found
}

// At are the receipts of the endpoints for which is says so.
func At(receipts []receiver.Receipt, is func(endpoint string) bool) []receiver.Receipt {
	var found []receiver.Receipt
	for _, r := range receipts {
		if is(r.Endpoint) {
			found = append(found, r)
		}
	}
	return found
}

// Received are the times, of payload.Now and in their order, at which the deliveries were received.
func (t *Traffic) Received() []int64 {
	times := make([]int64, 0, len(t.first))
	for _, r := range t.first {
		times = append(times, r.ReceivedNS)
	}
	slices.Sort(times)
	return times
}

// Tenths are the rates of the first and of the last tenth of something, and of how the last compares with the first.
// times are those of each, sorted, and began is when the first of them could have been.
func Tenths(what string, began int64, times []int64) []Figure {
	n := len(times) / 10
	if n == 0 {
		return nil
	}
	last := len(times) - 1
	first, end := PerSecond(n, times[n-1]-began), PerSecond(n, times[last]-times[last-n])
	return []Figure{
		{Name: what + "/s, first tenth", Value: first},
		{Name: what + "/s, last tenth", Value: end},
		{Name: what + "/s, last to first %", Value: percent(end, first)},
	}
}

func percent(part, whole float64) float64 {
	if whole == 0 {
		return 0
	}
	return 100 * part / whole
}
