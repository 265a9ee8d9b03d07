package main

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/postrider/postrider/internal/client"
	"github.com/postrider/postrider/internal/terminal"
	"github.com/postrider/postrider/webhook"
)

func newDeliveries() *cobra.Command {
	return group("deliveries", "Look at deliveries (one event to one endpoint); retry or cancel one",
		newDeliveriesList(), newDeliveriesShow(), newDeliveriesRetry(), newDeliveriesCancel())
}

func newDeliveriesList() *cobra.Command {
	cmd := &cobra.Command{Use: "list", Short: "List deliveries, newest first", Args: cobra.NoArgs}
	f := newFilters(cmd.Flags())
	f.by(cmd.Flags(), "event", "event_id", "only of this event")
	f.by(cmd.Flags(), "endpoint", "endpoint_id", "only to this endpoint")
	f.by(cmd.Flags(), "state", "state", "only in this state: pending, retrying, held, delivered, exhausted, cancelled or expired")
	f.bySince(cmd.Flags())
	return calling(cmd, func(ctx context.Context, c *caller, _ []string) error {
		answer, err := c.Deliveries(ctx, f.query(c.tenant))
		return shown(c, answer, err, func(page client.Page[client.Delivery]) {
			table := terminal.NewTable("EVENT", "TYPE", "ENDPOINT", "STATE", "ATTEMPTS", "NEXT", "LAST")
			printPage(c, page, "no deliveries", table, func(d client.Delivery) []terminal.Cell {
				return []terminal.Cell{
					text(d.EventID), text(d.EventType), text(d.EndpointID), state(d.State), attempts(d), text(until(d.NextAttemptAt)), text(last(d)),
				}
			})
		})
	})
}

func newDeliveriesShow() *cobra.Command {
	cmd := &cobra.Command{
		Use: "show EVENT ENDPOINT", Short: "Show a delivery and its attempts (--json: the attempts)", Args: cobra.ExactArgs(2),
	}
	return calling(cmd, func(ctx context.Context, c *caller, args []string) error {
		query := url.Values{"event_id": {args[0]}, "endpoint_id": {args[1]}}
		if c.tenant != "" {
			query.Set("tenant", c.tenant)
		}
		found, err := c.Deliveries(ctx, query)
		if err != nil {
			return err
		}
		if len(found.Value.Data) == 0 {
			return fmt.Errorf("event %s is not for endpoint %s", args[0], args[1])
		}
		query.Set("limit", "250")
		answer, err := c.Attempts(ctx, query)
		return shown(c, answer, err, func(page client.Page[client.Attempt]) {
			c.showDelivery(found.Value.Data[0])
			slices.Reverse(page.Data) // the first attempt first
			table := terminal.NewTable("ATTEMPT", "STARTED", "TOOK", "OUTCOME", "STATUS", "ERROR")
			printPage(c, page, "no attempts yet", table, attemptCells)
		})
	})
}

func (c *caller) showDelivery(d client.Delivery) {
	next := moment(d.NextAttemptAt)
	if next != "" {
		next += " (" + until(d.NextAttemptAt) + ")"
	}
	c.pairs("event", d.EventID, "type", d.EventType, "endpoint", d.EndpointID, "tenant", d.Tenant, "state", string(d.State),
		"waits for", string(d.WaitingFor), "asked for", string(d.Wish), "reason", d.Reason,
		"attempts", fmt.Sprintf("%d of %d", d.Attempts, d.MaxAttempts), "next attempt", next,
		"created", moment(d.CreatedAt), "completed", moment(d.CompletedAt))
}

func attemptCells(a client.Attempt) []terminal.Cell {
	style, status := terminal.Yellow, ""
	if a.Outcome == webhook.OutcomeDelivered {
		style = terminal.Green
	}
	if a.Status != 0 {
		status = strconv.Itoa(a.Status)
	}
	took := time.Duration(a.DurationMS * float64(time.Millisecond))
	return []terminal.Cell{
		number(a.Number), text(moment(a.StartedAt)), {Text: brief(took), Right: true}, {Text: string(a.Outcome), Style: style}, text(status), text(a.Error),
	}
}

func newDeliveriesRetry() *cobra.Command {
	cmd := &cobra.Command{
		Use: "retry EVENT ENDPOINT", Short: "Make the next attempt now; take it up again if it ended undelivered", Args: cobra.ExactArgs(2),
	}
	force := cmd.Flags().Bool("force", false, "send again though it was delivered")
	return calling(cmd, func(ctx context.Context, c *caller, args []string) error {
		answer, err := c.Retry(ctx, c.tenant, args[0], client.Wish{EndpointIDs: args[1:], Force: *force})
		return shown(c, answer, err, c.showEvent)
	})
}

func newDeliveriesCancel() *cobra.Command {
	cmd := &cobra.Command{Use: "cancel EVENT ENDPOINT", Short: "Give it up", Args: cobra.ExactArgs(2)}
	return calling(cmd, func(ctx context.Context, c *caller, args []string) error {
		answer, err := c.Cancel(ctx, c.tenant, args[0], client.Wish{EndpointIDs: args[1:]})
		return shown(c, answer, err, c.showEvent)
	})
}
