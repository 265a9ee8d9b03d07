package dispatch

import (
	"context"
	"sync"
	"time"
)

// doubt is whether there are events in the store that this process does not know of. An accept that failed may have been
// committed all the same: its answer was lost with the connection. Nobody has such an event in memory, and yet whoever
// posts it again is told that it is there.
type doubt struct {
	mu   sync.Mutex
	look time.Time // when to read all rows again; zero: there is no doubt
	last bool      // that will do
}

// settles is how long after the failure a database may still commit.
const settles = 30 * time.Second

func (d *doubt) raise(now time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.look, d.last = now.Add(time.Second), false
}

// due reports whether it is time to look.
func (d *doubt) due(now time.Time) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return !d.look.IsZero() && !now.Before(d.look)
}

// looked ends the doubt once it has been looked twice, soon and when all is settled.
func (d *doubt) looked(now time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	switch {
	case now.Before(d.look): // it was raised again meanwhile
	case d.last:
		d.look = time.Time{}
	default:
		d.look, d.last = now.Add(settles), true
	}
}

// doubtLoop reads the rows again as long as there is doubt.
func (d *Dispatcher) doubtLoop(ctx context.Context) error {
	return d.every(ctx, time.Second, "look for events whose acceptance failed", func(ctx context.Context) error {
		now := time.Now()
		if !d.doubt.due(now) {
			return nil
		}
		if err := d.recover(ctx); err != nil {
			return err
		}
		d.doubt.looked(now)
		return nil
	})
}
