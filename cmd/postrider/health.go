package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/postrider/postrider/internal/client"
)

func newHealth() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "health",
		Short: "Ask a node whether it does its work; exit code 0 or 1",
		Long:  "Ask a node whether it does its work (GET /readyz): exit code 0 if so, else 1. It needs no key. Made for health checks of containers.",
		Args:  cobra.NoArgs,
	}
	return calling(cmd, func(ctx context.Context, c *caller, _ []string) error {
		answer, err := c.Readiness(ctx)
		if err := shown(c, answer, err, func(r client.Readiness) {
			c.out.Printf("%s: store %s, senders %s, intake %s, engine %s, backlog %d\n", r.Status, r.Store, r.Senders, r.Intake, r.Engine, r.Backlog)
		}); err != nil {
			return err
		}
		if r := answer.Value; !r.Ready() {
			return fmt.Errorf("not ready: store %s, senders %s, intake %s %s", r.Store, r.Senders, r.Intake, r.Reason)
		}
		return nil
	})
}
