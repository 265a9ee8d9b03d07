package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/postrider/postrider/activities"
	"github.com/postrider/postrider/api"
	"github.com/postrider/postrider/internal/engine"
	"github.com/postrider/postrider/internal/telemetry"
	"github.com/postrider/postrider/sender"
	"github.com/postrider/postrider/store"
	"github.com/postrider/postrider/worker"
)

// run works until ctx ends, then stops in order: no more requests are let in, what is in flight
// ends, rows are written, and what openNode opened is closed.
func (n *node) run(ctx context.Context) (err error) {
	defer func() {
		err = errors.Join(err, n.close(context.WithoutCancel(ctx)))
	}()
	if err := n.admitAdmin(ctx); err != nil {
		return err
	}
	stop, err := n.telemetry.Metrics.ObserveLevels(n.dispatcher.Levels)
	if err != nil {
		return err
	}
	n.onClose(func(context.Context) error { return stop() })
	n.announce(ctx)

	// Each part ends before the next: the API feeds the worker and the dispatcher, the worker the
	// dispatcher.
	parts := []func(context.Context) error{}
	if n.roles.api {
		parts = append(parts, n.serveHTTP)
	}
	if n.roles.worker {
		parts = append(parts, n.work)
	}
	parts = append(parts, n.retain, n.dispatcher.Run)
	if n.server != nil {
		parts = append(parts, n.watchEngine)
	}
	err = runInOrder(ctx, parts...)
	if n.cfg.DatabaseURL != "" {
		release, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer cancel()
		err = errors.Join(err, n.store.ReleaseNode(release, n.key))
	}
	n.log.InfoContext(ctx, "stopped")
	return err
}

// runInOrder runs all parts until ctx ends or one of them fails, then stops them one after the
// other: each is told to stop when the one before it has returned.
func runInOrder(ctx context.Context, parts ...func(context.Context) error) error {
	group, failed := errgroup.WithContext(context.WithoutCancel(ctx))
	begin := make(chan struct{})
	go func() {
		select {
		case <-ctx.Done():
		case <-failed.Done():
		}
		close(begin)
	}()
	previous := begin
	for _, part := range parts {
		before, done := previous, make(chan struct{})
		previous = done
		partCtx, stop := context.WithCancel(context.WithoutCancel(ctx))
		go func() { <-before; stop() }()
		group.Go(func() error {
			defer close(done)
			err := part(partCtx)
			if err == nil && partCtx.Err() == nil {
				return errors.New("a part of the process ended by itself")
			}
			return err
		})
	}
	return group.Wait()
}

// watchEngine fails when the embedded Temporal can't write any more: only a new start can tell what is on disk.
func (n *node) watchEngine(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return nil
	case err := <-n.server.Failed():
		return fmt.Errorf("the embedded Temporal's data: %w", err)
	}
}

func (n *node) work(ctx context.Context) error {
	a := activities.New(n.dispatcher, func() time.Time { return time.Now().UTC() })
	if n.cfg.External() {
		go n.registerAttributes(ctx)
	}
	return worker.Run(ctx, n.client, worker.TaskQueue(n.store.ID()), a, n.log, worker.Config{StopWithin: n.cfg.ShutdownTimeout})
}

// registerAttributes adds the search attributes to an external cluster, as soon as it is there.
// Until then workflows can't be started; events are accepted and first attempts are made.
func (n *node) registerAttributes(ctx context.Context) {
	const pause = 2 * time.Second
	ticker := time.NewTicker(pause)
	defer ticker.Stop()
	for told := false; ; told = true {
		err := engine.RegisterSearchAttributes(ctx, n.client, n.cfg.TemporalNamespace)
		if err == nil {
			return
		}
		if !told && ctx.Err() == nil {
			n.log.WarnContext(ctx, "search attributes not registered yet", telemetry.KeyError, err)
		}
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

func (n *node) serveHTTP(ctx context.Context) error {
	server := &http.Server{
		Handler:           n.api(),
		ReadHeaderTimeout: 10 * time.Second,
		ReadTimeout:       time.Minute,
		IdleTimeout:       2 * time.Minute,
	}
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(n.listener) }()
	select {
	case err := <-failed:
		return fmt.Errorf("serve the API: %w", err)
	case <-ctx.Done():
	}
	stopping, cancel := context.WithTimeout(context.WithoutCancel(ctx), n.cfg.ShutdownTimeout)
	defer cancel()
	if err := server.Shutdown(stopping); err != nil {
		n.log.WarnContext(ctx, "requests were cut off", telemetry.KeyError, err)
	}
	return nil
}

func (n *node) api() http.Handler {
	guard := n.guard()
	return api.New(api.Deps{
		Store: n.store, Intake: n.dispatcher, Engine: n.temporal,
		CheckURL: guard.CheckURL, CheckHeaders: sender.CheckHeaders,
		Metrics: n.telemetry.PrometheusHandler, Observe: n.telemetry.Metrics.Request,
		Tracer: n.telemetry.Tracer, Logger: n.log, Version: version, MaxBodyBytes: int64(n.cfg.MaxBodyBytes),
	})
}

func (n *node) announce(ctx context.Context) {
	args := []any{telemetry.KeyVersion, version, "data_dir", n.dir.Path()}
	if n.listener != nil {
		args = append(args, "api", "http://"+n.listener.Addr().String())
	}
	if n.server != nil {
		args = append(args, "temporal", n.server.Addr())
		if n.server.UIAddr() != "" {
			args = append(args, "temporal_ui", "http://"+n.server.UIAddr())
		}
	}
	n.log.InfoContext(ctx, "ready", args...)
	if n.madeKey { // not by the log: it may be sent elsewhere
		_, _ = fmt.Fprintf(n.out, "An admin key was made. It is shown only now, and kept in %s:\n  %s\n", n.dir.Path("admin.key"), n.adminKey)
	}
}

// retain deletes what is old, a little at a time.
func (n *node) retain(ctx context.Context) error {
	const batch, pause = 500, 200 * time.Millisecond
	ticker := time.NewTicker(time.Minute)
	defer ticker.Stop()
	for {
		if err := retainOnce(ctx, n.store, n.cfg.EventRetention, n.cfg.HeldRetention, batch, pause); err != nil && ctx.Err() == nil {
			n.log.WarnContext(ctx, "old events not deleted", telemetry.KeyError, err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
	}
}

func retainOnce(ctx context.Context, s store.Retention, events, held time.Duration, batch int, pause time.Duration) error {
	steps := []func() (int, error){
		func() (int, error) { return s.ExpireHeld(ctx, time.Now().Add(-held), time.Now().UTC(), batch) },
		func() (int, error) { return s.DeleteEvents(ctx, time.Now().Add(-events), batch) },
	}
	for _, step := range steps {
		for {
			n, err := step()
			if err != nil {
				return err
			}
			if n < batch {
				break
			}
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-time.After(pause):
			}
		}
	}
	return s.Compact(ctx)
}
