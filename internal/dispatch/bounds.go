package dispatch

import (
	"context"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"github.com/postrider/postrider/internal/telemetry"
	"github.com/postrider/postrider/store"
	"github.com/postrider/postrider/webhook"
)

// refuse says no to events while there is too much to do; nil lets them in.
func (d *Dispatcher) refuse(events []webhook.Event) error {
	busy := func(kind webhook.Kind, code, detail string, after time.Duration) error {
		return &webhook.Error{Kind: kind, Code: code, Detail: detail, RetryAfter: after}
	}
	waiting, bytes := d.load.waiting.Load(), d.load.bytes.Load()
	switch {
	case d.load.diskLow.Load():
		return busy(webhook.Unavailable, "disk_full", "there is hardly any disk space left", 30*time.Second)
	case d.cfg.MaxLog > 0 && d.store.LogBytes() >= d.cfg.MaxLog:
		return busy(webhook.Unavailable, "store_log_full", "something has been reading the database for so long that its log must not grow any more", 10*time.Second)
	case waiting >= d.cfg.MaxWaiting, bytes >= d.cfg.MaxBytes:
		return busy(webhook.RateLimited, "backlog_full", "too many deliveries are waiting", 10*time.Second)
	case waiting < d.cfg.MaxWaiting/2 && bytes < d.cfg.MaxBytes/2:
		return nil
	}
	for _, e := range events {
		if d.load.tenant(e.Tenant).Load() > d.load.share(d.cfg.MaxWaiting) {
			return busy(webhook.RateLimited, "tenant_backlog_full", "too many of this tenant's deliveries are waiting", 10*time.Second)
		}
	}
	return nil
}

// share is a tenant's part of what may wait, among those that have something waiting. One that is alone leaves a tenth to others: what
// waits for a dead endpoint of its may stay for long.
func (l *load) share(most int64) int64 {
	var tenants int64
	l.each(func(_ string, n *atomic.Int64) {
		if n.Load() > 0 {
			tenants++
		}
	})
	return min(most/max(1, tenants), most-most/10)
}

const (
	countEvery  = 15 * time.Second // or more seldom, where to count takes so long that
	countShare  = 400              // it would be more than this part of the time, but at least
	countAtMost = 2 * time.Minute
)

// loadLoop measures what can't be counted along the way.
func (d *Dispatcher) loadLoop(ctx context.Context) error {
	next := time.Now().Add(countEvery) // it has just been counted
	return d.every(ctx, time.Second, "measure the load", func(ctx context.Context) error {
		d.pressure.adapt()
		if d.cfg.MinFreeDisk > 0 {
			var fs unix.Statfs_t
			if err := unix.Statfs(d.cfg.DiskPath, &fs); err == nil {
				d.load.diskLow.Store(fs.Bavail*uint64(fs.Bsize) < d.cfg.MinFreeDisk)
			}
		}
		begun := time.Now()
		if !d.load.tookOver.Swap(false) && begun.Before(next) {
			return nil
		}
		next = begun.Add(countEvery)
		err := d.countBacklog(ctx)
		next = begun.Add(min(max(countEvery, countShare*time.Since(begun)), countAtMost))
		return err
	})
}

// countBacklog counts what is this node's to do: what was counted along the way drifts.
func (d *Dispatcher) countBacklog(ctx context.Context) error {
	backlog, err := d.store.Backlog(ctx, d.node)
	if err == nil {
		d.load.count(backlog)
	}
	return err
}

// Status reports how the dispatcher is doing.
func (d *Dispatcher) Status() webhook.IntakeStatus {
	d.mu.Lock()
	status := webhook.IntakeStatus{SendersUp: !d.stopped && !d.lost}
	d.mu.Unlock()
	status.EngineAway = d.lane.engine.isAway()
	status.Backlog = max(0, d.load.waiting.Load())
	if refused, ok := webhook.AsError(d.refuse(nil)); ok {
		status.Refusing, status.Reason, status.RetryAfter = true, refused.Detail, refused.RetryAfter
	}
	return status
}

// Levels are the gauges.
func (d *Dispatcher) Levels(context.Context) telemetry.Levels {
	status := d.Status()
	levels := telemetry.Levels{
		Waiting: status.Backlog, Held: d.load.held.Load(), StoreLog: d.store.LogBytes(), Refusing: status.Refusing || d.pressure.refusing(time.Now()), Outbox: d.lane.levels(d.load.outbox.Load()),
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	levels.SendersBusy, levels.WindowEvents, levels.WindowBytes = int64(d.busy), int64(len(d.events)), d.bytes
	return levels
}

// levels counts the items by class. Of the delivered ones some may be rows only: of stored rows they are what is left.
func (l *lane) levels(stored int64) map[telemetry.OutboxClass]int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	wish, undelivered, delivered := int64(len(l.looks)+len(l.wishes)+l.joined), int64(l.failed.size()+len(l.fresh)), int64(len(l.rest))
	if l.unread[store.OutboxDelivered] {
		delivered = max(delivered, stored-wish-undelivered)
	}
	return map[telemetry.OutboxClass]int64{
		telemetry.OutboxWish: wish, telemetry.OutboxUndelivered: undelivered, telemetry.OutboxDelivered: delivered,
	}
}
