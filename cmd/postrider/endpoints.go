package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/postrider/postrider/internal/client"
	"github.com/postrider/postrider/internal/terminal"
	"github.com/postrider/postrider/webhook"
)

func newEndpoints() *cobra.Command {
	one := func(use, short string, call func(ctx context.Context, c *caller, id string) error) *cobra.Command {
		cmd := &cobra.Command{Use: use + " ENDPOINT", Short: short, Args: cobra.ExactArgs(1)}
		return calling(cmd, func(ctx context.Context, c *caller, args []string) error { return call(ctx, c, args[0]) })
	}
	return group("endpoints", "Register endpoints and look after them",
		newEndpointsList(),
		newEndpointsCreate(),
		one("show", "Show an endpoint", func(ctx context.Context, c *caller, id string) error {
			answer, err := c.Endpoint(ctx, c.tenant, id)
			return shown(c, answer, err, c.showEndpoint)
		}),
		one("secret", "Show what requests to an endpoint are signed with", func(ctx context.Context, c *caller, id string) error {
			answer, err := c.EndpointSecret(ctx, c.tenant, id)
			return shown(c, answer, err, func(s client.Secret) { c.out.Printf("%s\n", s.Secret) })
		}),
		one("test", "Send an event of type postrider.test to an endpoint", func(ctx context.Context, c *caller, id string) error {
			answer, err := c.TestEndpoint(ctx, c.tenant, id)
			return shown(c, answer, err, c.showAccepted)
		}),
		one("pause", "Hold an endpoint's deliveries", func(ctx context.Context, c *caller, id string) error {
			answer, err := c.PauseEndpoint(ctx, c.tenant, id)
			return shown(c, answer, err, func(e client.Endpoint) { c.out.Printf("%s is %s\n", e.ID, e.State) })
		}),
		one("resume", "Send what was held, and go on", func(ctx context.Context, c *caller, id string) error {
			answer, err := c.ResumeEndpoint(ctx, c.tenant, id)
			return shown(c, answer, err, func(e client.Endpoint) { c.out.Printf("%s is %s\n", e.ID, e.State) })
		}),
		newEndpointsRecover(),
		one("delete", "Delete an endpoint; its open deliveries are cancelled", func(ctx context.Context, c *caller, id string) error {
			answer, err := c.DeleteEndpoint(ctx, c.tenant, id)
			return shown(c, answer, err, func(struct{}) { c.out.Printf("%s is deleted\n", id) })
		}),
	)
}

func newEndpointsRecover() *cobra.Command {
	cmd := &cobra.Command{
		Use: "recover ENDPOINT", Short: "Send again what an endpoint did not take", Args: cobra.ExactArgs(1),
		Example: "  postrider endpoints recover ep_01jd0y2c5k7m9p1r3t5v7x9z0b --since 96h",
	}
	f := &filters{limit: 250, named: map[string]*string{}}
	f.by(cmd.Flags(), "state", "state", "those in this state: exhausted (the default), expired or cancelled")
	f.bySince(cmd.Flags())
	return calling(cmd, func(ctx context.Context, c *caller, args []string) error {
		retried := 0
		for {
			answer, err := c.RecoverEndpoint(ctx, args[0], f.query(c.tenant))
			if err := shown(c, answer, err, func(page client.Page[client.Delivery]) { retried += len(page.Data) }); err != nil {
				return err
			}
			if f.cursor = answer.Value.NextCursor; f.cursor == "" {
				break
			}
		}
		if !c.json {
			c.out.Printf("%d deliveries are sent again\n", retried)
		}
		return nil
	})
}

func newEndpointsList() *cobra.Command {
	cmd := &cobra.Command{Use: "list", Short: "List endpoints, oldest first", Args: cobra.NoArgs}
	f := newFilters(cmd.Flags())
	f.by(cmd.Flags(), "state", "state", "only in this state: enabled, paused or disabled")
	return calling(cmd, func(ctx context.Context, c *caller, _ []string) error {
		answer, err := c.Endpoints(ctx, f.query(c.tenant))
		return shown(c, answer, err, func(page client.Page[client.Endpoint]) {
			table := terminal.NewTable("ENDPOINT", "TENANT", "STATE", "EVENT TYPES", "URL")
			printPage(c, page, "no endpoints", table, func(e client.Endpoint) []terminal.Cell {
				return []terminal.Cell{text(e.ID), text(e.Tenant), state(e.State), text(strings.Join(e.EventTypes, " ")), text(e.URL)}
			})
		})
	})
}

func newEndpointsCreate() *cobra.Command {
	cmd := &cobra.Command{
		Use: "create URL", Short: "Register an endpoint and show its secret", Args: cobra.ExactArgs(1),
		Example: "  postrider endpoints create https://example.com/webhooks --event-type 'invoice.*' --maximum-attempts 8",
	}
	e, flags := client.NewEndpoint{}, cmd.Flags()
	flags.StringSliceVarP(&e.EventTypes, "event-type", "t", []string{"*"}, "what it gets: invoice.paid, invoice.* or *; may be given more than once")
	flags.StringVar(&e.Description, "description", "", "what it is for")
	flags.StringToStringVar(&e.Headers, "header", nil, "header to send with every request, as name=value; may be given more than once")
	flags.StringVar(&e.Secret, "secret", "", "the signing secret, whsec_… (default a new one)")
	policy := policyFlags(flags)
	return calling(cmd, func(ctx context.Context, c *caller, args []string) error {
		e.URL, e.Tenant, e.Policy = args[0], c.tenant, policy()
		answer, err := c.CreateEndpoint(ctx, e)
		return shown(c, answer, err, c.showEndpoint)
	})
}

// policyFlags adds the parts of a policy; the result has those that were given.
func policyFlags(flags *pflag.FlagSet) func() map[string]any {
	given := map[string]func() any{
		"initial_interval":    read(flags.String("initial-interval", "", "time between the first attempt and the second (default 5s)")),
		"backoff_coefficient": read(flags.Float64("backoff-coefficient", 0, "how many times longer each interval is than the one before (default 3)")),
		"maximum_interval":    read(flags.String("maximum-interval", "", "no interval is longer (default 12h)")),
		"maximum_attempts":    read(flags.Int("maximum-attempts", 0, "attempts in all (default 15)")),
		"timeout":             read(flags.String("timeout", "", "how long the receiver may take (default 15s)")),
		"jitter":              read(flags.Float64("jitter", 0, "part of themselves that intervals are moved by (default 0.2)")),
		"permanent_statuses":  read(flags.IntSlice("permanent-status", nil, "4xx status that ends a delivery at once; may be given more than once")),
	}
	return func() map[string]any {
		policy := map[string]any{}
		for field, value := range given {
			name := strings.ReplaceAll(field, "_", "-")
			if flags.Changed(name) || field == "permanent_statuses" && flags.Changed("permanent-status") {
				policy[field] = value()
			}
		}
		return policy
	}
}

// span is the duration as the API writes it: 12h, not 12h0m0s.
func span(d webhook.Duration) string {
	s := time.Duration(d).String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

func read[T any](p *T) func() any { return func() any { return *p } }

func (c *caller) showEndpoint(e client.Endpoint) {
	p := e.Policy
	var headers []string
	for name, value := range e.Headers {
		headers = append(headers, name+": "+value)
	}
	slices.Sort(headers)
	c.pairs("endpoint", e.ID, "tenant", e.Tenant, "url", e.URL, "description", e.Description, "event types", strings.Join(e.EventTypes, " "),
		"headers", strings.Join(headers, ", "), "state", string(e.State), "why", e.DisabledReason,
		"retries", fmt.Sprintf("%d attempts: first retry after %s, then ×%g, at most %s apart, jitter ±%g %%",
			p.MaximumAttempts, span(p.InitialInterval), p.BackoffCoefficient, span(p.MaximumInterval), p.Jitter*100),
		"time-out", span(p.Timeout), "created", moment(e.CreatedAt), "secret", e.Secret)
}
