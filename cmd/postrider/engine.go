package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/postrider/postrider/internal/config"
	"github.com/postrider/postrider/internal/datadir"
	"github.com/postrider/postrider/internal/telemetry"
)

func newEngine() *cobra.Command {
	return configured(&cobra.Command{
		Use:   "engine",
		Short: "Run only the embedded Temporal and its UI, for several nodes to share",
		Long: "Run only the embedded Temporal server and its UI. Several `serve --temporal-address` processes can share it: for\n" +
			"tests and small installations. It listens on loopback only. With --database-url its data is in Postgres.",
	}, runEngine, "data-dir", "database-url", "temporal-listen", "temporal-ui-listen", "engine-store", "temporal-namespace", "temporal-retention", "log-level", "log-format")
}

func runEngine(cmd *cobra.Command, cfg config.Config) (err error) {
	ctx := cmd.Context()
	dir, err := datadir.Open(cfg.DataDir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, dir.Close()) }()
	t, err := telemetry.New(ctx, telemetry.Config{
		ServiceName: "postrider-engine", Version: version, LogLevel: cfg.LogLevel, LogFormat: cfg.LogFormat, Output: cmd.ErrOrStderr(),
	})
	if err != nil {
		return fmt.Errorf("set up telemetry: %w", err)
	}
	server, err := startEngine(ctx, cfg, dir, t.Logger)
	if err != nil {
		return err
	}
	defer server.Stop()
	t.Logger.InfoContext(ctx, "ready", telemetry.KeyVersion, version, "temporal", server.Addr(), "temporal_ui", server.UIAddr())
	select {
	case <-ctx.Done():
		return nil
	case err := <-server.Failed():
		return fmt.Errorf("the embedded Temporal's data: %w", err)
	}
}

func needsExternal(cfg config.Config) error {
	if cfg.External() && cfg.DatabaseURL != "" {
		return nil
	}
	return errors.New("this command needs --database-url and --temporal-address: it shares both with other nodes")
}
