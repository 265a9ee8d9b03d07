package dispatch

import (
	"math"
	"sync"
	"time"
)

const (
	retryLate = 50 * time.Millisecond // a retry that comes so long after its time shows that the engine has too much to do
	paceStep  = 20 * time.Millisecond // what one that comes late adds to the gap, beside half of what there is
	paceHalf  = 2 * time.Second       // in which the gap is halved while none comes late
)

// pace keeps the workflows of delivered events apart for the sake of retries: there is a gap between two starts that
// grows with each retry that comes late, up to laneStarved, and shrinks by itself. So the engine has as many of them to do
// beside the retries as it can do without making these late. To stop and go instead would let retries pile up at each go.
type pace struct {
	mu  sync.Mutex
	gap time.Duration
	at  time.Time // when it was that
}

// retry notes that a retry came now that was due then.
func (p *pace) retry(due, now time.Time) {
	if now.Sub(due) <= retryLate {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.gap, p.at = min(p.left(now)*3/2+paceStep, laneStarved), now
}

// between is the least time between two starts.
func (p *pace) between(now time.Time) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.left(now)
}

// left needs p.mu.
func (p *pace) left(now time.Time) time.Duration {
	if p.gap == 0 {
		return 0
	}
	return time.Duration(float64(p.gap) * math.Exp2(-now.Sub(p.at).Seconds()/paceHalf.Seconds())).Truncate(time.Millisecond / 10)
}
