package pebblestore

import (
	"math"
	"sync/atomic"
	"time"

	"github.com/cockroachdb/pebble/v2"
)

// Pebble makes writers wait when memory or the newest level of tables fills up, and they would wait for ever for a disk
// that takes nothing. So we make them wait, where they notice when the database stops.
const (
	never = math.MaxInt32 / 2 // for Pebble's thresholds

	// maxMemTables is how many memtables' size may wait to be written to disk.
	maxMemTables = 4
	// slowSublevels of the newest level are too many for quick reads: writers wait a little for compactions.
	slowSublevels = 16
	slowDown      = 100 * time.Millisecond
)

// backpressure is of the one writer whose turn it is.
type backpressure struct {
	maxMemory uint64
	rotated   atomic.Bool   // since the last look: a memtable was full
	progress  chan struct{} // of flushes and compactions
}

func newBackpressure(memTable int) *backpressure {
	return &backpressure{maxMemory: maxMemTables * uint64(memTable), progress: make(chan struct{}, 1)}
}

func (p *backpressure) progressed() {
	select {
	case p.progress <- struct{}{}:
	default:
	}
}

// wait returns when there is room for another write, or nobody may write any more. It looks only once for each memtable.
func (p *backpressure) wait(metrics func() *pebble.Metrics, stopped <-chan struct{}) {
	if !p.rotated.Swap(false) {
		return
	}
	m := metrics()
	if m.Levels[0].Sublevels >= slowSublevels {
		select {
		case <-time.After(slowDown):
		case <-stopped:
			return
		}
	}
	for ; m.MemTable.Size >= p.maxMemory; m = metrics() {
		select {
		case <-p.progress:
		case <-stopped:
			return
		}
	}
}
