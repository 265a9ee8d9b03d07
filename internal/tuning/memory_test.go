package tuning

import (
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

var kept, thrown []byte // so that the compiler can't see that nobody reads them

// goal is the size at which the heap is collected next.
func goal() uint64 {
	sample := []metrics.Sample{{Name: "/gc/heap/goal:bytes"}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}

// throw makes so many MiB of garbage.
func throw(mebibytes int) {
	for range mebibytes {
		thrown = make([]byte, 1<<20)
	}
}

func TestTheHeapIsCollectedAtASizeOrAtTwiceWhatIsInUse(t *testing.T) {
	const size = 64 << 20
	t.Cleanup(func() { debug.SetGCPercent(100) })
	runtime.GC()
	require.Less(t, goal(), uint64(size/2), "Go itself collects a small heap earlier")
	// collects waits for collections to have led to a goal; garbage is made before each.
	collects := func(garbage int, low, high uint64, when string) {
		t.Helper()
		require.Eventually(t, func() bool {
			throw(garbage)
			runtime.GC()
			return goal() > low && goal() < high
		}, 5*time.Second, time.Millisecond, when)
	}

	aim(target{size: size})
	for range 3 { // a cleanup runs after each collection, and itself aims again
		collects(10, size*9/10, size*11/10, "collected at the size")
	}
	require.Eventually(t, func() bool { // a busy machine is given another try
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		throw(10 * size >> 20)
		runtime.ReadMemStats(&after)
		collections := int(after.NumGC - before.NumGC)
		return 10-3 <= collections && collections <= 10+3
	}, 10*time.Second, time.Millisecond, "ten times when ten times the size is allocated")

	kept = make([]byte, 2*size)
	collects(10, 4*size, 5*size, "collected at twice what is in use")
	kept = nil
	collects(10, size*9/10, size*11/10, "and at the size again")
	collects(0, 0, size/2, "and earlier when next to nothing is allocated")
}
