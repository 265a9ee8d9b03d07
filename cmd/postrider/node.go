package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"slices"
	"time"

	sdkclient "go.temporal.io/sdk/client"
	sdkotel "go.temporal.io/sdk/contrib/opentelemetry"
	"go.temporal.io/sdk/interceptor"

	"github.com/postrider/postrider/internal/config"
	"github.com/postrider/postrider/internal/datadir"
	"github.com/postrider/postrider/internal/dispatch"
	"github.com/postrider/postrider/internal/engine"
	"github.com/postrider/postrider/internal/telemetry"
	"github.com/postrider/postrider/sender"
	"github.com/postrider/postrider/store"
	"github.com/postrider/postrider/store/postgres"
	"github.com/postrider/postrider/store/sqlite"
	"github.com/postrider/postrider/worker"
)

// roles are the halves of a node.
type roles struct{ api, worker bool }

// node is one Postrider process. It is opened as a whole or not at all, and closed in the reverse
// order.
type node struct {
	cfg        config.Config
	out        io.Writer // logs, and what is said to a person
	roles      roles
	dir        *datadir.Dir
	telemetry  *telemetry.Telemetry
	log        *slog.Logger
	store      store.Store
	server     *engine.Server // nil with an external Temporal
	client     sdkclient.Client
	listener   net.Listener // of the API; nil without
	dispatcher *dispatch.Dispatcher
	temporal   *dispatch.Temporal
	sender     *sender.Sender
	key        int64 // of the node's row
	adminKey   string
	madeKey    bool // the admin key was made just now

	closers []func(context.Context) error
}

// openNode opens everything that a node works with. What can fail for a reason that a person has to
// see to (a locked directory, a taken port, a database that is not there) comes first.
func openNode(ctx context.Context, cfg config.Config, r roles, out io.Writer) (_ *node, err error) {
	n := &node{cfg: cfg, roles: r, out: out}
	defer func() {
		if err != nil {
			err = errors.Join(err, n.close(context.WithoutCancel(ctx)))
		}
	}()
	steps := []func(context.Context) error{
		n.openDir, n.listen,
		n.openTelemetry, n.openStore, n.openEngine, n.openDispatcher,
	}
	for _, step := range steps {
		if err := step(ctx); err != nil {
			return nil, err
		}
	}
	return n, nil
}

func (n *node) onClose(f func(context.Context) error) { n.closers = append(n.closers, f) }

// close undoes openNode.
func (n *node) close(ctx context.Context) error {
	var errs []error
	for _, closer := range slices.Backward(n.closers) {
		errs = append(errs, closer(ctx))
	}
	n.closers = nil
	return errors.Join(errs...)
}

func (n *node) openDir(context.Context) (err error) {
	if n.dir, err = datadir.Open(n.cfg.DataDir); err != nil {
		return err
	}
	n.onClose(func(context.Context) error { return n.dir.Close() })
	return nil
}

// listen takes the API's port before anything else is begun.
func (n *node) listen(ctx context.Context) (err error) {
	if !n.roles.api {
		return nil
	}
	var lc net.ListenConfig
	if n.listener, err = lc.Listen(ctx, "tcp", n.cfg.Listen); err != nil {
		return fmt.Errorf("the API can't listen on %s: %w", n.cfg.Listen, err)
	}
	n.onClose(func(context.Context) error {
		if err := n.listener.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
			return err
		}
		return nil
	})
	return nil
}

func (n *node) openTelemetry(ctx context.Context) (err error) {
	n.telemetry, err = telemetry.New(ctx, telemetry.Config{
		ServiceName: "postrider", Version: version, LogLevel: n.cfg.LogLevel, LogFormat: n.cfg.LogFormat, Output: n.out,
	})
	if err != nil {
		return fmt.Errorf("set up telemetry: %w", err)
	}
	n.log = n.telemetry.Logger
	if n.dir.Unclean() {
		n.log.InfoContext(ctx, "the last process here did not end cleanly; what it left open goes on")
	}
	n.onClose(func(ctx context.Context) error {
		ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
		defer cancel()
		return n.telemetry.Shutdown(ctx)
	})
	return nil
}

func (n *node) openStore(ctx context.Context) error {
	opened, err := openStore(ctx, n.cfg, n.dir, n.log, n.telemetry.Metrics)
	if err != nil {
		return err
	}
	n.store = opened
	n.onClose(func(context.Context) error { return n.store.Close() })
	return nil
}

func openStore(ctx context.Context, cfg config.Config, dir *datadir.Dir, log *slog.Logger, metrics *telemetry.Metrics) (store.Store, error) {
	committed := func(calls int, took time.Duration) { metrics.Commit(ctx, calls, took) }
	if cfg.DatabaseURL == "" {
		db, err := sqlite.Open(ctx, dir.Path("postrider.db"), sqlite.Options{Logger: log, Committed: committed})
		if err != nil {
			return nil, fmt.Errorf("open the store: %w", err)
		}
		return db, nil
	}
	db, err := postgres.Open(ctx, string(cfg.DatabaseURL), postgres.Options{Committed: committed})
	if err != nil {
		return nil, fmt.Errorf("open the store: %w", err)
	}
	return db, nil
}

func (n *node) openEngine(ctx context.Context) (err error) {
	options := engine.DialConfig{
		Namespace: n.cfg.TemporalNamespace, Logger: n.log,
		Metrics: sdkotel.NewMetricsHandler(sdkotel.MetricsHandlerOptions{Meter: n.telemetry.Meter}),
	}
	tracing, err := sdkotel.NewTracingInterceptor(sdkotel.TracerOptions{Tracer: n.telemetry.Tracer, TextMapPropagator: telemetry.Propagator()})
	if err != nil {
		return fmt.Errorf("set up tracing: %w", err)
	}
	options.Interceptors = []interceptor.ClientInterceptor{tracing}
	if n.cfg.External() {
		options.Address = n.cfg.TemporalAddress
		options.Lazy = true // events are taken in while it is away
		if n.client, err = engine.Dial(ctx, options); err != nil {
			return fmt.Errorf("reach Temporal at %s: %w", n.cfg.TemporalAddress, err)
		}
	} else if err = n.startEngine(ctx, options); err != nil {
		return err
	}
	n.onClose(func(context.Context) error { n.client.Close(); return nil })
	return nil
}

func (n *node) startEngine(ctx context.Context, options engine.DialConfig) (err error) {
	if n.server, err = startEngine(ctx, n.cfg, n.dir, n.log); err != nil {
		return err
	}
	n.onClose(func(context.Context) error { n.server.Stop(); return nil })
	n.client, err = n.server.Dial(ctx, options)
	return err
}

func startEngine(ctx context.Context, cfg config.Config, dir *datadir.Dir, log *slog.Logger) (*engine.Server, error) {
	return engine.Start(ctx, engine.Config{
		Dir: dir.Path("temporal"), Listen: cfg.TemporalListen, UIListen: cfg.TemporalUIListen,
		Namespace: cfg.TemporalNamespace, Retention: cfg.TemporalRetention, Logger: log,
		Store: engine.StoreKind(cfg.EngineStore), DatabaseURL: string(cfg.DatabaseURL), OverGRPC: !cfg.EngineInProcess, Faults: cfg.EngineFaults,
	})
}

func (n *node) openDispatcher(ctx context.Context) (err error) {
	name := n.dir.NodeName()
	if n.cfg.NodeName != "" {
		name = n.cfg.NodeName
	}
	if n.key, err = n.store.RegisterNode(ctx, name); err != nil {
		return fmt.Errorf("register this node: %w", err)
	}
	n.sender = sender.New(sender.Config{Version: version, Guard: n.guard(), MaxIdleConnsPerHost: 64})
	n.onClose(func(context.Context) error { n.sender.Close(); return nil })
	n.temporal = dispatch.NewTemporal(n.client, worker.TaskQueue(n.store.ID()))
	n.dispatcher, err = dispatch.New(n.key, n.store, n.sender, n.temporal, n.log, n.telemetry.Metrics, dispatch.Config{
		FirstAttempt: dispatch.FirstAttempt(n.cfg.FirstAttempt), Senders: n.cfg.Senders,
		MaxWaiting: n.cfg.BacklogLimit, MaxBytes: int64(n.cfg.BacklogBytes),
		MinFreeDisk: uint64(n.cfg.MinFreeDisk), DiskPath: n.dir.Path(),
		MaxLog: int64(n.cfg.StoreLogLimit),
		Shared: n.cfg.DatabaseURL != "",
	})
	return err
}

func (n *node) guard() sender.Guard {
	return sender.Guard{Allow: n.cfg.AllowCIDRs, AllowPrivate: n.cfg.Dev}
}
