package figures

import (
	"net/http"

	"github.com/postrider/postrider/bench/internal/load"
)

// Answers are what the API said to the posts, as a share of them, and how long that took at most.
func Answers(posts []load.Post) []Figure {
	var accepted, limited, unavailable, other, none, silent int
	var slowest int64
	for _, p := range posts {
		slowest = max(slowest, p.AnsweredNS-p.SentNS)
		switch p.Status {
		case http.StatusAccepted:
			accepted++
			continue
		case http.StatusTooManyRequests:
			limited++
		case http.StatusServiceUnavailable:
			unavailable++
		case 0:
			none++
			continue
		default:
			other++
			continue
		}
		if !p.RetryAfter {
			silent++
		}
	}
	share := func(name string, n int) Figure {
		return Figure{name, percent(float64(n), float64(len(posts))), 2}
	}
	return []Figure{
		{Name: "posted", Value: float64(len(posts))},
		share("202 %", accepted), share("429 %", limited), share("503 %", unavailable),
		share("another status %", other), share("no answer %", none),
		{Name: "429 or 503 without Retry-After", Value: float64(silent)},
		{"slowest answer ms", milliseconds(slowest), 1},
	}
}
