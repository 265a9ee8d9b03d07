package main

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/postrider/postrider/internal/config"
	"github.com/postrider/postrider/internal/engine"
)

func newRoot() *cobra.Command {
	root := &cobra.Command{
		Use:           "postrider",
		Short:         "Durable webhooks on Temporal",
		Long:          "Postrider takes an event once and gets it to every subscribed endpoint: signed, retried with exponential\nbackoff and jitter for days if need be, never lost.",
		SilenceUsage:  true,
		SilenceErrors: true,
		Version:       version,
	}
	root.AddCommand(
		newServe(), newAPI(), newWorker(), newEngine(), newMigrate(), newVersion(),
		newDemo(), newSend(), newReceive(), newEvents(), newEndpoints(), newDeliveries(), newHealth(),
	)
	return root
}

func newVersion() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the version",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			_, err := fmt.Fprintln(cmd.OutOrStdout(), "postrider", version)
			return err
		},
	}
}

// configured gives a command the flags of the configuration, and calls run with what they, the
// environment and the defaults say.
func configured(cmd *cobra.Command, run func(cmd *cobra.Command, cfg config.Config) error, only ...string) *cobra.Command {
	cfg := config.Default()
	cfg.Bind(cmd.Flags(), only...)
	cmd.Args = cobra.NoArgs
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if err := cfg.ReadEnvironment(cmd.Flags(), os.LookupEnv); err != nil {
			return err
		}
		if cmd.Flags().Lookup("temporal-address") != nil {
			if err := readProfile(cmd, &cfg); err != nil {
				return err
			}
		}
		if cmd.Flags().Lookup("event-retention") == nil {
			cfg.EventRetention = max(cfg.EventRetention, cfg.TemporalRetention) // it is for others to say
		}
		if err := cfg.Validate(); err != nil {
			return err
		}
		return run(cmd, cfg)
	}
	return cmd
}

// readProfile sets what nobody said of an external Temporal from a profile of its own configuration, if one is named.
func readProfile(cmd *cobra.Command, cfg *config.Config) error {
	address, namespace, err := engine.Profile()
	if err != nil {
		return err
	}
	if address != "" && !cmd.Flags().Changed("temporal-address") {
		cfg.TemporalAddress = address
	}
	if namespace != "" && !cmd.Flags().Changed("temporal-namespace") {
		cfg.TemporalNamespace = namespace
	}
	return nil
}
