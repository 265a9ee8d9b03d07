package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/postrider/postrider/internal/client"
	"github.com/postrider/postrider/webhook"
)

// sendFlags are the flags of send.
type sendFlags struct {
	id, file string
	wait     bool
	timeout  time.Duration
}

func newSend() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "send TYPE [DATA]",
		Short: "Send an event",
		Long: "Send an event. Its data is JSON, given as an argument, in a file or (-) on standard input; receivers get exactly these\n" +
			"bytes, without spaces and line ends around them. The same --id with the same data is accepted once, however often it is sent.",
		Example: "  postrider send invoice.paid '{\"invoice\": 1007, \"amount\": 4200}'\n" +
			"  postrider send invoice.paid --file invoice.json --id invoice-1007-paid --wait\n" +
			"  jq -c .order order.json | postrider send order.created -",
		Args: cobra.RangeArgs(1, 2),
	}
	var f sendFlags
	cmd.Flags().StringVar(&f.id, "id", "", "the event's id (default a new one)")
	cmd.Flags().StringVarP(&f.file, "file", "f", "", "read the data from this file; - is standard input")
	cmd.Flags().BoolVarP(&f.wait, "wait", "w", false, "wait until nothing is open any more; exit code 1 if it was not delivered to every endpoint")
	cmd.Flags().DurationVar(&f.timeout, "timeout", 0, "with --wait: wait no longer than this (default as long as it takes)")
	return calling(cmd, func(ctx context.Context, c *caller, args []string) error {
		data, err := f.data(args[1:], cmd.InOrStdin())
		if err != nil {
			return err
		}
		return f.send(ctx, c, client.NewEvent{ID: f.id, Type: args[0], Tenant: c.tenant, Data: data})
	})
}

func (f sendFlags) data(args []string, stdin io.Reader) ([]byte, error) {
	switch {
	case len(args) > 0 && f.file != "":
		return nil, errors.New("give the data as an argument or with --file, not both")
	case f.file == "-" || len(args) > 0 && args[0] == "-":
		data, err := io.ReadAll(stdin)
		if err != nil {
			return nil, fmt.Errorf("read the data: %w", err)
		}
		return data, nil
	case f.file != "":
		data, err := os.ReadFile(f.file)
		if err != nil {
			return nil, fmt.Errorf("read the data: %w", err)
		}
		return data, nil
	case len(args) > 0:
		return []byte(args[0]), nil
	default:
		return nil, errors.New("give the event's data: an argument, --file, or - for standard input")
	}
}

func (f sendFlags) send(ctx context.Context, c *caller, e client.NewEvent) error {
	accepted, err := c.PostEvent(ctx, e)
	if err != nil || !f.wait {
		return shown(c, accepted, err, c.showAccepted)
	}
	if !c.json {
		c.showAccepted(accepted.Value)
	}
	final, err := f.await(ctx, c, accepted.Value)
	if err != nil {
		return err
	}
	if err := shown(c, final, nil, func(e client.Event) { c.showDeliveries(e.Deliveries) }); err != nil {
		return err
	}
	if final.Value.State != webhook.EventDelivered {
		return fmt.Errorf("event %s is %s", final.Value.ID, final.Value.State)
	}
	return nil
}

// await asks often at first, then once a second.
func (f sendFlags) await(ctx context.Context, c *caller, e client.Accepted) (client.Answer[client.Event], error) {
	if f.timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, f.timeout)
		defer cancel()
	}
	for pause := 20 * time.Millisecond; ; pause = min(2*pause, time.Second) {
		answer, err := c.Event(ctx, e.Tenant, e.ID, "deliveries")
		if err == nil && answer.Value.State.Final() {
			return answer, nil
		}
		if err != nil && ctx.Err() == nil {
			return answer, err
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return answer, fmt.Errorf("event %s is not delivered yet; `postrider events show %s` tells more", e.ID, e.ID)
		}
	}
}

func (c *caller) showAccepted(a client.Accepted) {
	duplicate := ""
	if a.Duplicate {
		duplicate = "yes: it had been accepted before, and nothing was done"
	}
	c.pairs("event", a.ID, "type", a.Type, "tenant", a.Tenant, "state", string(a.State), "duplicate", duplicate,
		"endpoints", strconv.Itoa(len(a.EndpointIDs)))
}
