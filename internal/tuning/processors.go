package tuning

import (
	"runtime/metrics"
	"sync"
	"time"
)

const (
	waits     = "/sched/latencies:seconds" // of goroutines that could run for a processor
	longWait  = 0.0005                     // seconds, a multiple of what one has to wait where there is a processor to spare
	manyWaits = 0.12                       // the share of long waits from which on processors are scarce
	lookEvery = 100 * time.Millisecond
	lookAgain = time.Second // after that what was counted says nothing of now
)

// Processors tells whether there are enough of them. The zero value works, for many goroutines.
type Processors struct {
	mu     sync.Mutex
	looked time.Time
	before waited
	scarce bool
}

// waited counts goroutines that had to wait for a processor, since the process began.
type waited struct{ all, long uint64 }

// Scarce reports whether many goroutines that could run have had to wait for a processor in the last tenth of a second or so. When
// it has not been asked for longer it says yes.
func (p *Processors) Scarce(now time.Time) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if now.Sub(p.looked) < lookEvery {
		return p.scarce
	}
	w := readWaited()
	all, long := w.all-p.before.all, w.long-p.before.long
	p.scarce = now.Sub(p.looked) > lookAgain || float64(long) >= manyWaits*float64(max(all, 1))
	p.looked, p.before = now, w
	return p.scarce
}

func readWaited() (w waited) {
	sample := []metrics.Sample{{Name: waits}}
	metrics.Read(sample)
	h := sample[0].Value.Float64Histogram()
	for i, n := range h.Counts {
		w.all += n
		if h.Buckets[i] >= longWait {
			w.long += n
		}
	}
	return w
}
