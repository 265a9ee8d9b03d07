// Package tuning fits Go's runtime to what Postrider does: much garbage of which little stays, and many short goroutines
// with deep stacks.
package tuning

import (
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"time"

	"github.com/KimMachineGun/automemlimit/memlimit"
)

const (
	// percent is GOGC, Go's own default, where that asks for a larger heap. A fixed and higher one would cost as little,
	// but let a heap of which much is in use grow to a multiple of that.
	percent = 100
	// minimum is the runtime's own, of a heap that is collected at GOGC 100.
	minimum = 4 << 20
	// goShare of a container's memory is for Go. The rest is for SQLite, whose memory Go does not know.
	goShare = 0.75
	// soon is how often the heap is collected at least, unless most of it is in use.
	soon = 10 * time.Second
)

// Memory has the collector run when the heap has so many bytes, or twice what was in use after its last run if that is
// more; and more often when a container's memory limit is near, or little is allocated. Where GOGC or GOMEMLIMIT is set, that holds instead.
func Memory(heap uint64) {
	_, _ = memlimit.Set(memlimit.WithRatio(goShare)) // no container, or one that can't be read: no limit
	if os.Getenv("GOGC") == "" {
		aim(target{size: heap})
	}
}

// target is when the heap is to be collected.
type target struct {
	size      uint64    // of the heap
	at        time.Time // of the last collection; zero: there was none
	allocated uint64    // all that had been allocated by then
}

// aim has the next collection begin when the heap has the target's size, or before that when what is thrown away in soon is
// less, as it is where little happens: then the rest of the memory is the machine's. It is called again after each, as the
// cleanup of something that nobody refers to.
func aim(t target) {
	samples := []metrics.Sample{
		{Name: "/gc/heap/live:bytes"}, {Name: "/gc/scan/stack:bytes"}, {Name: "/gc/scan/globals:bytes"}, {Name: "/gc/heap/allocs:bytes"},
	}
	metrics.Read(samples)
	live, roots := samples[0].Value.Uint64(), samples[1].Value.Uint64()+samples[2].Value.Uint64()
	allocated, now := samples[3].Value.Uint64(), time.Now()
	size := t.size
	if !t.at.IsZero() {
		thrown := float64(allocated-t.allocated) * float64(soon) / float64(max(now.Sub(t.at), 1))
		size = uint64(min(float64(size), float64(live)+thrown))
	}
	wanted := uint64(percent)
	if live < size {
		// It begins at live + (live + roots) × GOGC / 100, see https://go.dev/doc/gc-guide#GOGC, and not before minimum × GOGC / 100.
		wanted = max(wanted, (size-live)*100/max(live+roots, minimum))
	}
	debug.SetGCPercent(int(wanted))
	runtime.AddCleanup(new([16]byte), aim, target{t.size, now, allocated})
}
