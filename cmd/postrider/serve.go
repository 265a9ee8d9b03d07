package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime/pprof"

	"github.com/spf13/cobra"

	"github.com/postrider/postrider/internal/config"
)

func newServe() *cobra.Command {
	return configured(&cobra.Command{
		Use:   "serve",
		Short: "Run everything in one process: API, worker, Temporal and its UI",
		Long: "Run everything in one process: the REST API, the worker, a Temporal server and the Temporal UI.\n" +
			"With --database-url the store is in Postgres. With --temporal-address (or TEMPORAL_ADDRESS) the process joins\n" +
			"an external Temporal, and any number of them may run side by side on one Postgres.",
	}, func(cmd *cobra.Command, cfg config.Config) error {
		return runNode(cmd.Context(), cfg, roles{api: true, worker: true}, cmd.ErrOrStderr())
	})
}

func newAPI() *cobra.Command {
	return configured(&cobra.Command{
		Use:   "api",
		Short: "Run the half of serve that takes events in and makes first attempts (external Temporal)",
	}, func(cmd *cobra.Command, cfg config.Config) error {
		if err := needsExternal(cfg); err != nil {
			return err
		}
		cfg.FirstAttempt = config.FirstAttemptAhead // there is no worker here that could
		return runNode(cmd.Context(), cfg, roles{api: true}, cmd.ErrOrStderr())
	})
}

func newWorker() *cobra.Command {
	return configured(&cobra.Command{
		Use:   "worker",
		Short: "Run the half of serve that works on Temporal's task queue: retries (external Temporal)",
	}, func(cmd *cobra.Command, cfg config.Config) error {
		if err := needsExternal(cfg); err != nil {
			return err
		}
		return runNode(cmd.Context(), cfg, roles{worker: true}, cmd.ErrOrStderr())
	})
}

// runNode runs a node until ctx ends, and then until it has stopped.
func runNode(ctx context.Context, cfg config.Config, r roles, out io.Writer) (err error) {
	if cfg.CPUProfile != "" {
		stop, opened := profileCPU(cfg.CPUProfile)
		if opened != nil {
			return opened
		}
		defer func() { err = errors.Join(err, stop()) }()
	}
	n, err := openNode(ctx, cfg, r, out)
	if err != nil {
		return err
	}
	return n.run(ctx)
}

// profileCPU writes where the process's time goes to a file, until stop is called.
func profileCPU(path string) (stop func() error, err error) {
	f, err := os.Create(path)
	if err != nil {
		return nil, fmt.Errorf("cpu-profile: %w", err)
	}
	if err := pprof.StartCPUProfile(f); err != nil {
		return nil, errors.Join(fmt.Errorf("cpu-profile: %w", err), f.Close())
	}
	return func() error {
		pprof.StopCPUProfile()
		return f.Close()
	}, nil
}
