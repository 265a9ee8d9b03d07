package dispatch

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/postrider/postrider/internal/telemetry"
	"github.com/postrider/postrider/webhook"
)

// batchRows is how many rows one step of background work touches.
const batchRows = 500

// errTakenOver ends the process: others have its rows, and a new start registers a new node.
var errTakenOver = errors.New("its work has been taken over by others")

// aliveLoop says that this node is alive, by the database's clock. A node that could not say so
// for a while stops sending, well before the others take over what it has.
func (d *Dispatcher) aliveLoop(ctx context.Context) error {
	said := time.Now()
	return d.every(ctx, d.cfg.AliveEvery, "say that the node is alive", func(ctx context.Context) error {
		ctx, cancel := context.WithTimeout(ctx, max(d.cfg.StopAfter-time.Since(said), d.cfg.AliveEvery))
		defer cancel()
		begun := time.Now()
		err := d.store.RenewNode(ctx, d.node)
		if errors.Is(err, webhook.NotFound) {
			d.setLost(ctx, true)
			return fmt.Errorf("this node was taken for dead: %w", errTakenOver)
		}
		if err == nil {
			said = begun
			d.alive.CompareAndSwap(nil, &begun)
		}
		lost := time.Since(said) > d.cfg.StopAfter
		if lost {
			d.alive.Store(nil)
		}
		d.setLost(ctx, lost)
		return err
	})
}

func (d *Dispatcher) setLost(ctx context.Context, lost bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.lost != lost {
		d.log.WarnContext(ctx, "sending stopped or resumed", "stopped", lost, telemetry.KeyNode, d.node)
	}
	d.lost = lost
	d.pump()
}

// takeOverLoop takes over the rows of dead nodes. After a time without a database all nodes look dead: first
// each may say that it is alive.
func (d *Dispatcher) takeOverLoop(ctx context.Context) error {
	return d.every(ctx, 2*d.cfg.AliveEvery, "take over from dead nodes", func(ctx context.Context) error {
		if since := d.alive.Load(); since == nil || time.Since(*since) < d.cfg.DeadAfter {
			return nil
		}
		for total := 0; ; {
			rows, endpoints, err := d.store.TakeOver(ctx, d.node, d.cfg.DeadAfter, batchRows)
			if total += rows; total > 0 && (err != nil || rows == 0) {
				d.log.WarnContext(ctx, "work of a dead node taken over", telemetry.KeyCount, total)
			}
			if err != nil || rows == 0 {
				return err
			}
			d.load.tookOver.Store(true)
			d.spill(endpoints...)
			d.lane.readRows()
		}
	})
}

// followLoop learns of endpoints that were changed on other nodes.
func (d *Dispatcher) followLoop(ctx context.Context) error {
	const overlap = 10 * time.Second // nodes' clocks differ
	since := d.now().Add(-overlap)
	return d.every(ctx, 500*time.Millisecond, "follow changes of endpoints", func(ctx context.Context) error {
		begun := d.now()
		keys, err := d.store.EndpointsChanged(ctx, since)
		if err != nil {
			return err
		}
		for _, key := range keys {
			endpoint, err := d.store.EndpointByKey(ctx, key)
			if err != nil {
				return err
			}
			d.routes.changed(endpoint)
		}
		since = begun.Add(-overlap)
		return nil
	})
}

// EndpointChanged takes in an endpoint that was made, changed, paused, resumed or deleted.
func (d *Dispatcher) EndpointChanged(ctx context.Context, e webhook.Endpoint) {
	d.routes.changed(e)
	if e.State == webhook.EndpointEnabled || e.State == webhook.EndpointDeleted {
		go func() {
			ctx := context.WithoutCancel(ctx)
			if err := d.bringInStep(ctx, e); err != nil {
				d.log.WarnContext(ctx, "deliveries do not follow their endpoint yet", telemetry.KeyEndpoint, e.ID, telemetry.KeyError, err)
			}
		}()
	}
}

// stepLoop brings deliveries in step with endpoints that somebody changed and then died.
func (d *Dispatcher) stepLoop(ctx context.Context) error {
	const what = "bring deliveries in step with endpoints"
	if err := d.step(ctx); err != nil && ctx.Err() == nil {
		d.log.WarnContext(ctx, "background work does not succeed", "work", what, telemetry.KeyError, err)
	}
	return d.every(ctx, 15*time.Second, what, d.step)
}

func (d *Dispatcher) step(ctx context.Context) error {
	endpoints, err := d.store.OutOfStep(ctx, 100)
	if err != nil {
		return err
	}
	for _, e := range endpoints {
		if err := d.bringInStep(ctx, e); err != nil {
			return err
		}
	}
	return nil
}

// bringInStep lets go what an enabled endpoint's deliveries were held for, and cancels a deleted
// one's.
func (d *Dispatcher) bringInStep(ctx context.Context, e webhook.Endpoint) error {
	for {
		var rows int
		var err error
		switch e.State {
		case webhook.EndpointEnabled:
			held := []webhook.WaitingFor{webhook.WaitingForPaused, webhook.WaitingForDisabled}
			rows, err = d.store.Release(ctx, e.Key, held, d.node, batchRows, d.now())
			if rows > 0 {
				d.load.add(e.Tenant, rows, 0)
				d.spill(e.Key)
			}
		case webhook.EndpointDeleted:
			rows, err = d.store.WishEndpoint(ctx, e.Key, webhook.WishCancel, webhook.ReasonEndpointDeleted, d.node, batchRows, d.now())
			d.lane.readWishes()
		}
		if err != nil || rows == 0 {
			return err
		}
	}
}
