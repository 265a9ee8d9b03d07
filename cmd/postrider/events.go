package main

import (
	"cmp"
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/postrider/postrider/internal/client"
	"github.com/postrider/postrider/internal/terminal"
)

func newEvents() *cobra.Command {
	return group("events", "Look at events; retry or cancel their deliveries",
		newEventsList(), newEventsShow(), newEventsRetry(), newEventsCancel())
}

func newEventsList() *cobra.Command {
	cmd := &cobra.Command{Use: "list", Short: "List events, newest first", Args: cobra.NoArgs}
	f := newFilters(cmd.Flags())
	f.by(cmd.Flags(), "type", "type", "only events of this type")
	f.by(cmd.Flags(), "state", "state", "only in this state: accepted, delivering, delivered, partial, exhausted, expired, cancelled or unrouted")
	f.by(cmd.Flags(), "endpoint", "endpoint_id", "only for this endpoint")
	f.bySince(cmd.Flags())
	return calling(cmd, func(ctx context.Context, c *caller, _ []string) error {
		answer, err := c.Events(ctx, f.query(c.tenant))
		return shown(c, answer, err, func(page client.Page[client.Event]) {
			table := terminal.NewTable("EVENT", "TYPE", "TENANT", "STATE", "BYTES", "CREATED")
			printPage(c, page, "no events", table, func(e client.Event) []terminal.Cell {
				return []terminal.Cell{text(e.ID), text(e.Type), text(e.Tenant), state(e.State), number(e.Size), text(moment(e.CreatedAt))}
			})
		})
	})
}

func newEventsShow() *cobra.Command {
	cmd := &cobra.Command{Use: "show EVENT", Short: "Show one event and what became of it at each endpoint", Args: cobra.ExactArgs(1)}
	withData := cmd.Flags().Bool("data", false, "show its data, too")
	withWorkflow := cmd.Flags().Bool("workflow", false, "show what Temporal says of its workflow, too")
	return calling(cmd, func(ctx context.Context, c *caller, args []string) error {
		include := "deliveries"
		if *withData {
			include += ",data"
		}
		if *withWorkflow {
			include += ",workflow"
		}
		answer, err := c.Event(ctx, c.tenant, args[0], include)
		return shown(c, answer, err, c.showEvent)
	})
}

func (c *caller) showEvent(e client.Event) {
	w := cmp.Or(e.Workflow, &client.Workflow{})
	c.pairs("event", e.ID, "type", e.Type, "tenant", e.Tenant, "state", string(e.State), "workflow", e.WorkflowID,
		"in temporal", w.Status, "run", w.RunID, "why", w.Error,
		"created", moment(e.CreatedAt), "completed", moment(e.CompletedAt), "data", string(e.Data))
	if len(w.Pending) > 0 {
		table := terminal.NewTable("PENDING", "ENDPOINT", "STATE", "ATTEMPT", "NEXT", "LAST FAILURE")
		for _, a := range w.Pending {
			table.Add(text(a.Type), text(a.EndpointID), text(a.State), number(a.Attempt), text(until(a.NextAttemptAt)), text(a.LastFailure))
		}
		table.Print(c.out)
	}
	c.showDeliveries(e.Deliveries)
}

// showDeliveries is what became of one event.
func (c *caller) showDeliveries(deliveries []client.Delivery) {
	table := terminal.NewTable("ENDPOINT", "STATE", "ATTEMPTS", "NEXT", "LAST")
	for _, d := range deliveries {
		table.Add(text(d.EndpointID), state(d.State), attempts(d), text(until(d.NextAttemptAt)), text(last(d)))
	}
	table.Print(c.out)
}

func attempts(d client.Delivery) terminal.Cell {
	return terminal.Cell{Text: fmt.Sprintf("%d/%d", d.Attempts, d.MaxAttempts), Right: true}
}

func newEventsRetry() *cobra.Command {
	cmd := &cobra.Command{
		Use: "retry EVENT", Short: "Make the next attempt now; take up again what ended undelivered", Args: cobra.ExactArgs(1),
	}
	var w client.Wish
	cmd.Flags().StringSliceVar(&w.EndpointIDs, "endpoint", nil, "only to this endpoint; may be given more than once")
	cmd.Flags().BoolVar(&w.Force, "force", false, "also send again what was delivered; needs --endpoint")
	return calling(cmd, func(ctx context.Context, c *caller, args []string) error {
		answer, err := c.Retry(ctx, c.tenant, args[0], w)
		return shown(c, answer, err, c.showEvent)
	})
}

func newEventsCancel() *cobra.Command {
	cmd := &cobra.Command{Use: "cancel EVENT", Short: "Give up what is not delivered yet", Args: cobra.ExactArgs(1)}
	var w client.Wish
	cmd.Flags().StringSliceVar(&w.EndpointIDs, "endpoint", nil, "only to this endpoint; may be given more than once")
	return calling(cmd, func(ctx context.Context, c *caller, args []string) error {
		answer, err := c.Cancel(ctx, c.tenant, args[0], w)
		return shown(c, answer, err, c.showEvent)
	})
}
