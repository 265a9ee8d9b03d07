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
	atSize := func() bool { return goal() > size*9/10 && goal() < size*11/10 }

	aim(target{size: size})
	for range 3 { // a cleanup runs after each collection, and itself aims again
		throw(10)
		runtime.GC()
		require.Eventually(t, atSize, 5*time.Second, time.Millisecond, "collected at the size")
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	throw(10 * size >> 20)
	runtime.ReadMemStats(&after)
	// About ten times. Where a collection is slow the heap grows meanwhile, and where its cleanup is, the next one comes early.
	collections := after.NumGC - before.NumGC
	require.True(t, 3 <= collections && collections <= 40, "%d collections, where Go itself would collect a hundred times", collections)

	kept = make([]byte, 2*size)
	runtime.GC()
	require.Eventually(t, func() bool { return goal() > 4*size && goal() < 5*size }, 5*time.Second, time.Millisecond, "collected at twice what is in use")
	kept = nil
	throw(10)
	runtime.GC()
	require.Eventually(t, atSize, 5*time.Second, time.Millisecond, "and at the size again")

	runtime.GC()
	runtime.GC()
	require.Eventually(t, func() bool { return goal() < size/2 }, 5*time.Second, time.Millisecond, "and earlier when next to nothing is allocated")
}
