package tuning_test

import (
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/postrider/postrider/internal/tuning"
)

func TestProcessorsAreScarceWhenMoreGoroutinesComputeThanThereAre(t *testing.T) {
	var p tuning.Processors
	p.Scarce(time.Now()) // from here on it counts
	stop := make(chan struct{})
	var group sync.WaitGroup
	for range 16 * runtime.GOMAXPROCS(0) {
		group.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
					compute()
					runtime.Gosched()
				}
			}
		})
	}
	scarce := eventually(func() bool { return p.Scarce(time.Now()) })
	close(stop)
	group.Wait()
	if !scarce {
		t.Error("they are never scarce")
	}
	if !eventually(func() bool { return !p.Scarce(time.Now()) }) {
		t.Error("they stay scarce when nothing is left to do")
	}
}

// compute keeps a processor for some hundred microseconds.
func compute() {
	for begun := time.Now(); time.Since(begun) < 300*time.Microsecond; {
		continue
	}
}

func eventually(condition func() bool) bool {
	ticker := time.NewTicker(30 * time.Millisecond)
	defer ticker.Stop()
	for range 300 {
		<-ticker.C
		if condition() {
			return true
		}
	}
	return false
}
