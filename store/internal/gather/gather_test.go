package gather_test

import (
	"slices"
	"sync"
	"testing"

	"github.com/postrider/postrider/store/internal/gather"
)

func itself(n int) int { return n }

func TestTakeTakesWhatIsThere(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name  string
		put   []int // weights
		batch []int
	}{
		{"all of it if it fits", []int{1, 2, 3}, []int{1, 2, 3}},
		{"no more items than a batch may have", []int{1, 1, 1, 1, 1}, []int{1, 1, 1, 1}},
		{"nothing after the item that fills the batch", []int{4, 7, 1}, []int{4, 7}},
		{"an item that is too heavy, alone", []int{50, 1}, []int{50}},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			q := gather.New(4, 10, itself)
			go func() {
				for _, n := range row.put {
					q.Put(n)
				}
				q.Stop()
			}()
			var got []int
			first := true
			for batch, ok := q.Take(); ok; batch, ok = q.Take() {
				if len(batch) > 4 {
					t.Fatalf("batch of %d", len(batch))
				}
				if first && len(batch) > len(row.batch) {
					t.Fatalf("first batch is %v, want at most %v", batch, row.batch)
				}
				first = false
				got = append(got, batch...)
			}
			if !slices.Equal(got, row.put) {
				t.Fatalf("took %v, want %v", got, row.put)
			}
		})
	}
}

func TestNothingIsLostBetweenManyCallersAndStop(t *testing.T) {
	t.Parallel()
	q := gather.New(8, 100, func(int) int { return 1 })
	var mu sync.Mutex
	put := 0
	var callers sync.WaitGroup
	for range 16 {
		callers.Go(func() {
			for range 1000 {
				if !q.Put(1) {
					return
				}
				mu.Lock()
				put++
				mu.Unlock()
			}
		})
	}
	taken := 0
	for batch, ok := q.Take(); ok; batch, ok = q.Take() {
		if taken += len(batch); taken > 5000 {
			go q.Stop()
		}
	}
	callers.Wait()
	if taken != put {
		t.Fatalf("%d taken, %d put", taken, put)
	}
	if q.Put(1) {
		t.Fatal("a stopped queue took an item")
	}
}
