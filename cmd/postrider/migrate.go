package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/spf13/cobra"

	"github.com/postrider/postrider/internal/config"
	"github.com/postrider/postrider/internal/datadir"
)

func newMigrate() *cobra.Command {
	return configured(&cobra.Command{
		Use:   "migrate",
		Short: "Bring the store's schema up to date and exit",
		Long:  "Bring the store's schema up to date and exit. Every other command that opens the store does so too.",
	}, runMigrate, "data-dir", "database-url")
}

func runMigrate(cmd *cobra.Command, cfg config.Config) (err error) {
	dir, err := datadir.Open(cfg.DataDir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, dir.Close()) }()
	s, err := openStore(context.WithoutCancel(cmd.Context()), cfg, dir, slog.New(slog.DiscardHandler), nil)
	if err != nil {
		return err
	}
	if err := s.Close(); err != nil {
		return err
	}
	_, err = fmt.Fprintln(cmd.OutOrStdout(), "the store is up to date")
	return err
}
