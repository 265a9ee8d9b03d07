// Package gather turns many callers' wishes into few batches: a group commit takes what is there.
package gather

import (
	"runtime"
	"sync"
)

// Queue holds items that many goroutines put until one takes them, as many at a time as there are.
type Queue[T any] struct {
	items     chan T
	maxItems  int
	maxWeight int
	weigh     func(T) int

	mu      sync.RWMutex // guards the closing of items
	stopped bool
}

// New is a queue whose batches have at most maxItems items, and end with the item that brings their
// weight to maxWeight.
func New[T any](maxItems, maxWeight int, weigh func(T) int) *Queue[T] {
	return &Queue[T]{items: make(chan T, maxItems), maxItems: maxItems, maxWeight: maxWeight, weigh: weigh}
}

// Put adds an item, waiting for room. It reports false if the queue was stopped.
func (q *Queue[T]) Put(item T) bool {
	q.mu.RLock()
	defer q.mu.RUnlock()
	if q.stopped {
		return false
	}
	q.items <- item
	return true
}

// Stop lets nothing more in. Take goes on until the queue is empty.
func (q *Queue[T]) Stop() {
	q.mu.Lock()
	defer q.mu.Unlock()
	if !q.stopped {
		q.stopped = true
		close(q.items)
	}
}

// Take waits for an item and takes all that are there with it, but does not wait for more. It
// reports false when the queue was stopped and is empty.
func (q *Queue[T]) Take() ([]T, bool) {
	first, ok := <-q.items
	if !ok {
		return nil, false
	}
	// Those whose batch has just been answered get to put their next item before this one is full.
	runtime.Gosched()
	batch, weight := []T{first}, q.weigh(first)
	for len(batch) < q.maxItems && weight < q.maxWeight {
		select {
		case item, ok := <-q.items:
			if !ok {
				return batch, true
			}
			batch, weight = append(batch, item), weight+q.weigh(item)
		default:
			return batch, true
		}
	}
	return batch, true
}
