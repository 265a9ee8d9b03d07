package dispatch

import (
	"container/heap"
	"sync/atomic"
)

// failedItems are events whose first attempt failed: those of each endpoint by the time of their retry, and the endpoints
// in turn. So however many wait behind an endpoint that is down, another's retry is on time.
type failedItems struct {
	byEndpoint map[int64]*dueItems
	turns      []int64 // keys of endpoints that have items
	count      atomic.Int64
}

func (f *failedItems) push(i *item) {
	if f.byEndpoint == nil {
		f.byEndpoint = map[int64]*dueItems{}
	}
	queue := f.byEndpoint[i.endpoint]
	if queue == nil {
		queue = &dueItems{}
		f.byEndpoint[i.endpoint] = queue
		f.turns = append(f.turns, i.endpoint)
	}
	heap.Push(queue, i)
	f.count.Add(1)
}

// pop needs that there are some.
func (f *failedItems) pop() *item {
	key := f.turns[0]
	f.turns = f.turns[1:]
	queue := f.byEndpoint[key]
	i := heap.Pop(queue).(*item) //nolint:errcheck // nothing else is in there
	if queue.Len() > 0 {
		f.turns = append(f.turns, key)
	} else {
		delete(f.byEndpoint, key)
	}
	f.count.Add(-1)
	return i
}

// size may be called at any time.
func (f *failedItems) size() int { return int(f.count.Load()) }

// dueItems is a heap by due time.
type dueItems []*item

func (h dueItems) Len() int           { return len(h) }
func (h dueItems) Less(i, j int) bool { return h[i].due.Before(h[j].due) }
func (h dueItems) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }
func (h *dueItems) Push(x any)        { *h = append(*h, x.(*item)) } //nolint:errcheck // nothing else is in there
func (h *dueItems) Pop() any {
	old := *h
	last := old[len(old)-1]
	old[len(old)-1] = nil
	*h = old[:len(old)-1]
	return last
}
