package dispatch

import (
	"sync"
	"time"

	"github.com/postrider/postrider/store"
	"github.com/postrider/postrider/webhook"
)

const (
	// mostPressure and leastPressure are the bounds of pressure.limit.
	mostPressure  = 50_000
	leastPressure = 200

	// modest is the part of the limit that a tenant may have waiting and still be let in when the whole is full, up to
	// twice the limit.
	modest = 8
)

// pressure bounds what waits at once to be accepted, so that what is let in is answered within about the aim, however much is
// sent. The limit follows what the store turns out to be able to: nobody knows before how fast a disk is.
// Weights are rows, and KiB of data.
type pressure struct {
	aim time.Duration

	mu       sync.Mutex
	limit    int
	waiting  int
	tenants  map[string]int // what of that is whose
	quickest time.Duration  // of the accepts of this second; 0: there was none
	rate     float64        // the best of this second: weight over time, of all that was ahead and the accept itself
	refused  time.Time
}

func newPressure(aim time.Duration) *pressure {
	return &pressure{aim: aim, limit: mostPressure, tenants: map[string]int{}}
}

func weightOf(e *store.NewEvent) int { return 1 + len(e.Deliveries) + len(e.Data)>>10 }

// enter lets events in, whatever they weigh if nothing waits. leave must be called then.
func (p *pressure) enter(events []store.NewEvent, now time.Time) (leave func(now time.Time), err error) {
	total, own := 0, map[string]int{}
	for i := range events {
		w := weightOf(&events[i])
		own[events[i].Tenant] += w
		total += w
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if ahead := p.waiting; ahead > 0 && ahead+total > p.limit && (ahead+total > 2*p.limit || !p.areModest(own)) {
		p.refused = now
		return nil, &webhook.Error{Kind: webhook.Unavailable, Code: "store_slow", Detail: "more events are sent than can be stored just now", RetryAfter: time.Second}
	}
	p.waiting += total
	ahead := p.waiting
	for tenant, w := range own {
		p.tenants[tenant] += w
	}
	return func(then time.Time) { p.leave(own, total, ahead, then.Sub(now)) }, nil
}

// weight is what waits.
func (p *pressure) weight() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.waiting
}

// areModest needs p.mu.
func (p *pressure) areModest(own map[string]int) bool {
	for tenant, w := range own {
		if p.tenants[tenant]+w > p.limit/modest {
			return false
		}
	}
	return true
}

func (p *pressure) leave(own map[string]int, total, ahead int, took time.Duration) {
	took = max(took, time.Microsecond)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.waiting -= total
	for tenant, w := range own {
		if p.tenants[tenant] -= w; p.tenants[tenant] == 0 {
			delete(p.tenants, tenant)
		}
	}
	if p.quickest == 0 || took < p.quickest {
		p.quickest = took
	}
	p.rate = max(p.rate, float64(ahead)/took.Seconds())
}

// adapt is called every second. One accept that waited for a busy disk says nothing; a second in which all took longer than
// they should does.
func (p *pressure) adapt() {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.quickest == 0:
	case p.quickest > p.aim:
		p.limit = min(p.limit, max(leastPressure, int(p.rate*p.aim.Seconds())))
	default:
		p.limit = min(mostPressure, p.limit+p.limit/4)
	}
	p.quickest, p.rate = 0, 0
}

// noteRefusal notes that something was refused for another reason.
func (p *pressure) noteRefusal(now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.refused = now
}

// refusing reports whether anything was refused in the last second.
func (p *pressure) refusing(now time.Time) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return now.Sub(p.refused) < time.Second
}
