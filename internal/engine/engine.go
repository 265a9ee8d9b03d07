// Package engine is the Temporal that Postrider runs on: a server embedded in this process, with its
// UI (Start), or a cluster elsewhere (Dial).
//
// The embedded server keeps its data in one directory, on Pebble or in SQLite files, or in the Postgres database that
// Postrider's rows are in. It listens on loopback addresses only and makes no connection to anywhere else. Calls of this
// process's own client to it do not cross the network.
package engine

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"go.temporal.io/sdk/client"
	sdkworker "go.temporal.io/sdk/worker"
	"go.temporal.io/server/temporal"

	"github.com/postrider/postrider/internal/engine/inprocess"
)

// Off as Config.UIListen runs no UI.
const Off = "off"

const (
	startTimeout = time.Minute      // the server alone takes half a second on two cores
	stopTimeout  = 10 * time.Second // Temporal's own is five minutes

	// stickyCacheSize is how many workflows the workers of this process keep in memory; the SDK's
	// default of 10,000 costs more memory than it saves time when nearly all finish in one task.
	stickyCacheSize = 500
)

// Config says how to run the embedded server. Only Dir must be given.
type Config struct {
	Dir       string        // where the files are; made if it is not there, locked while the server runs
	Listen    string        // host:port of the gRPC frontend; default 127.0.0.1:7233, port 0 takes a free one
	UIListen  string        // host:port of the UI, or Off; default 127.0.0.1:8233, port 0 takes a free one
	Namespace string        // default "default"; made if it is not there
	Retention time.Duration // how long closed workflows are kept; default 72h
	Store     StoreKind     // default: what is in Dir or the database, or Postgres with a DatabaseURL, or Pebble
	// DatabaseURL is the postgres:// URL of the database with Postrider's rows, if they are in one. It is locked while
	// the server runs, whatever Store is: each database has one embedded engine.
	DatabaseURL string
	OverGRPC    bool         // let this process's own client call over the network like any other
	Logger      *slog.Logger // default: no logs
	// Faults is the share of Temporal's calls to its data that fail on purpose, 0 to 1, for tests. Default: none.
	Faults float64
	// AllowRemote permits addresses that are not loopback. The server and its UI ask nobody for a
	// password: only for networks where everybody may do everything.
	AllowRemote bool
}

func (c Config) withDefaults() Config {
	if c.Listen == "" {
		c.Listen = "127.0.0.1:7233"
	}
	if c.UIListen == "" {
		c.UIListen = "127.0.0.1:8233"
	}
	if c.Namespace == "" {
		c.Namespace = "default"
	}
	if c.Retention == 0 {
		c.Retention = 72 * time.Hour
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return c
}

// Server is the embedded server and its UI. All methods are safe for concurrent use.
type Server struct {
	addr, uiAddr string
	namespace    string
	logger       *slog.Logger

	data   storage
	lock   *dirLock
	shared *databaseLock   // nil: no database
	hops   *inprocess.Hops // nil: over gRPC
	server temporal.Server
	ui     *ui
	failed chan error

	stop     sync.Once
	stopping atomic.Bool // the server is
}

// Start runs the server and its UI and returns when workflows can be started: frontend healthy,
// namespace and search attributes there. An error leaves nothing running and no lock behind. It is one line
// fit for people when an address is taken or not loopback, directory or database are in use, or the data was
// made by another version.
//
// Start sets the SDK's sticky cache size, which is one for the whole process.
func Start(ctx context.Context, cfg Config) (_ *Server, err error) {
	cfg = cfg.withDefaults()
	ports, err := reserve(ctx, cfg)
	if err != nil {
		return nil, err
	}
	defer ports.release()
	dir, err := filepath.Abs(cfg.Dir)
	if err != nil {
		return nil, fmt.Errorf("find the engine's directory: %w", err)
	}
	s := &Server{addr: ports.frontend.clientAddr(), namespace: cfg.Namespace, logger: cfg.Logger, failed: make(chan error, 1)}
	defer func() {
		if err != nil {
			s.Stop()
		}
	}()
	if s.lock, err = lockDir(dir); err != nil {
		return nil, err
	}
	database, err := s.lockDatabase(ctx, cfg)
	if err != nil {
		return nil, err
	}
	data, err := chooseStorage(ctx, cfg, dir, database, s.fail)
	if err != nil {
		return nil, err
	}
	if err := data.open(ctx, cfg); err != nil {
		return nil, err
	}
	s.data = data
	if !cfg.OverGRPC {
		s.hops = inprocess.New(cfg.Logger)
	}
	sdkworker.SetStickyWorkflowCacheSize(stickyCacheSize)
	if s.server, err = startTemporal(cfg, s.data, s.hops, ports, &s.stopping); err != nil {
		return nil, err
	}
	if err := s.settle(ctx, cfg, ports.history.clientAddr()); err != nil {
		return nil, err
	}
	if cfg.UIListen != Off {
		if s.ui, err = startUI(cfg, s.addr, ports.takeUI()); err != nil {
			return nil, err
		}
		s.uiAddr = s.ui.addr()
	}
	return s, nil
}

// lockDatabase gives what the configuration says of the database, which is nil without one.
func (s *Server) lockDatabase(ctx context.Context, cfg Config) (*pgx.ConnConfig, error) {
	if cfg.DatabaseURL == "" {
		return nil, nil //nolint:nilnil // none is an answer
	}
	database, err := parseDatabase(cfg.DatabaseURL)
	if err != nil {
		return nil, err
	}
	s.shared, err = lockDatabase(ctx, database, s.logger, s.fail)
	return database, err
}

// settle waits for the server to answer and brings the namespace to what the configuration says.
func (s *Server) settle(ctx context.Context, cfg Config, history string) error {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	c, err := client.NewLazyClient(s.clientOptions(DialConfig{Namespace: cfg.Namespace}))
	if err != nil {
		return fmt.Errorf("dial the embedded temporal: %w", err)
	}
	defer c.Close()
	if err := awaitHealthy(ctx, c, cfg.Namespace); err != nil {
		return fmt.Errorf("wait for the embedded temporal: %w", err)
	}
	if s.hops != nil {
		if err := s.hops.Open(ctx, history); err != nil {
			s.logger.Warn("the embedded temporal's history is called over the network", "error", err)
		}
	}
	if err := setRetention(ctx, c, cfg.Namespace, cfg.Retention); err != nil {
		return err
	}
	return RegisterSearchAttributes(ctx, c, cfg.Namespace)
}

// Addr is the frontend's address for clients of this machine.
func (s *Server) Addr() string { return s.addr }

// UIAddr is the UI's address, or empty when it is off.
func (s *Server) UIAddr() string { return s.uiAddr }

// Failed delivers the error after which the server's data can no longer be written, or is another process's: nothing more
// is acknowledged, and the process should end. It says nothing otherwise.
func (s *Server) Failed() <-chan error { return s.failed }

// fail says that this process must end; the first reason is kept.
func (s *Server) fail(err error) {
	select {
	case s.failed <- err:
	default:
	}
}

// Stop ends the UI, then the server, then closes its data. Close
// workers and clients first. It takes little more than ten seconds at most and may be called twice.
func (s *Server) Stop() {
	s.stop.Do(func() {
		if s.ui != nil {
			s.ui.close()
		}
		if s.hops != nil {
			s.hops.Close()
		}
		if !s.stopTemporal() {
			// The locks stay with the server, which may still write.
			s.logger.Warn("embedded temporal did not stop in time")
			return
		}
		if s.lock == nil {
			return
		}
		if s.data != nil {
			if err := s.data.close(context.Background()); err != nil {
				s.logger.Warn("could not close the engine's data", "error", err)
			}
		}
		if s.shared != nil {
			s.shared.release()
		}
		if err := s.lock.release(); err != nil {
			s.logger.Warn("could not unlock the engine's directory", "error", err)
		}
	})
}

func (s *Server) stopTemporal() bool {
	if s.server == nil {
		return true
	}
	s.stopping.Store(true)
	return stopWithin(stopTimeout, s.server, s.logger)
}

func stopWithin(d time.Duration, server temporal.Server, logger *slog.Logger) bool {
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := server.Stop(); err != nil {
			logger.Warn("embedded temporal stopped with an error", "error", err)
		}
	}()
	select {
	case <-done:
		return true
	case <-time.After(d):
		return false
	}
}

func isLoopback(ip net.IP) bool { return ip != nil && ip.IsLoopback() }
