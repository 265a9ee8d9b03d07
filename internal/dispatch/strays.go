package dispatch

import (
	"context"
	"time"
)

// straysEvery is how often strays are looked for.
const straysEvery = time.Hour

// strayLoop looks for strays at start and then every hour, a page of running workflows at a time.
func (d *Dispatcher) strayLoop(ctx context.Context) error {
	var page []byte
	var next time.Time // the next pass
	return d.every(ctx, d.cfg.SweepEvery, "look for workflows that wait in vain", func(ctx context.Context) error {
		if len(page) == 0 && time.Now().Before(next) || d.lane.lags() || d.lane.engine.isAway() {
			return nil
		}
		following, err := d.wakeStrays(ctx, page)
		if err != nil {
			page = nil // which may have been the reason
			return err
		}
		if page = following; len(page) == 0 {
			next = time.Now().Add(straysEvery)
		}
		return nil
	})
}

// wakeStrays wakes workflows that wait for news although their event is over. The sweep does not see them, for it goes by
// open deliveries. They come about when a process ends between the commit of an outcome and the word to a workflow that
// was told to wait during that commit.
func (d *Dispatcher) wakeStrays(ctx context.Context, page []byte) (following []byte, err error) {
	running, following, err := d.engine.Running(ctx, page)
	if err != nil || len(running) == 0 {
		return following, err
	}
	strays, err := d.store.Completed(ctx, running, d.now().Add(-d.cfg.StrayGrace))
	if err != nil {
		return nil, err
	}
	for _, uid := range strays {
		d.lane.signalOutcome(uid, "")
	}
	if len(strays) > 0 {
		d.log.InfoContext(ctx, "workflows woken whose events were over", "workflows", len(strays))
	}
	return following, nil
}
