package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/postrider/postrider/internal/client"
	"github.com/postrider/postrider/internal/terminal"
	"github.com/postrider/postrider/internal/testkit/receiver"
)

// stall is one of the demo's endpoints: what it gets, and how it behaves.
type stall struct {
	name       string
	eventTypes []string
	says       string
	script     receiver.Script
}

func stalls() []stall {
	return []stall{
		{"billing", []string{"invoice.*"}, "takes everything at once", receiver.Always(receiver.Answer{})},
		{"warehouse", []string{"order.*"}, "fails twice with 503, then takes it", receiver.Statuses(503, 503, 200)},
		{
			"crm",
			[]string{"user.*", "subscription.*"},
			"answers 429, Retry-After: 2, at first",
			receiver.Sequence(receiver.Answer{Status: 429, RetryAfter: "2"}, receiver.Answer{Status: 204}),
		},
		{
			"mailer",
			[]string{"user.signup", "invoice.payment_failed"},
			"drops the connection at first",
			receiver.Sequence(receiver.Answer{Drop: true}, receiver.Answer{Status: 202}),
		},
		{"analytics", []string{"*"}, "is slow: 600 ms for each", receiver.Always(receiver.Answer{Delay: 600 * time.Millisecond})},
	}
}

func startStalls() (*receiver.Receiver, error) {
	scripts := map[string]receiver.Script{}
	for _, s := range stalls() {
		scripts["/"+s.name] = s.script
	}
	return receiver.Start(receiver.Config{Script: receiver.ByPath(scripts)})
}

// registerStalls makes an endpoint of each, with retries short enough to watch.
func (d *demo) registerStalls(ctx context.Context) error {
	policy := map[string]any{
		"initial_interval": "1s", "backoff_coefficient": 2, "maximum_interval": "10s", "maximum_attempts": 8, "timeout": "5s", "jitter": 0.1,
	}
	table := terminal.NewTable("ENDPOINT", "GETS", "THE RECEIVER")
	for _, s := range stalls() {
		made, err := d.client.CreateEndpoint(ctx, client.NewEndpoint{
			URL: d.receiver.URL("/" + s.name), EventTypes: s.eventTypes, Description: s.name + ", which " + s.says, Policy: policy,
		})
		if err != nil {
			return fmt.Errorf("register %s: %w", s.name, err)
		}
		if err := d.receiver.Trust("/"+s.name, made.Value.Secret); err != nil {
			return err
		}
		d.names[made.Value.ID] = s.name
		table.Add(terminal.Cell{Text: s.name, Style: terminal.Bold}, text(strings.Join(s.eventTypes, ", ")), text(s.says))
	}
	d.out.Printf("\n")
	table.Print(d.out)
	d.out.Printf("\n")
	return nil
}
