package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/postrider/postrider/internal/client"
	"github.com/postrider/postrider/internal/config"
	"github.com/postrider/postrider/internal/telemetry"
	"github.com/postrider/postrider/internal/terminal"
	"github.com/postrider/postrider/internal/testkit/receiver"
)

func newDemo() *cobra.Command {
	var exit bool
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Start everything on free ports and watch events being delivered",
		Long: "Start everything on free ports and in a directory of its own, with a receiver that fails some requests on purpose;\n" +
			"send it events and watch them being delivered. Then it stays up to be tried out, until Ctrl-C, and leaves nothing behind.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return runDemo(cmd.Context(), terminal.New(cmd.OutOrStdout(), os.LookupEnv), exit)
		},
	}
	cmd.Flags().BoolVar(&exit, "exit", false, "end when everything is delivered; exit code 1 if anything is not")
	return cmd
}

// demo is what it is all shown with.
type demo struct {
	out      *terminal.Terminal
	node     *node
	api      string // address
	key      string
	client   *client.Client
	receiver *receiver.Receiver
	names    map[string]string // of the endpoints, by ID
}

func runDemo(ctx context.Context, out *terminal.Terminal, exit bool) (err error) {
	dir, err := os.MkdirTemp("", "postrider-demo-")
	if err != nil {
		return fmt.Errorf("make a directory: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	logs, err := os.Create(filepath.Join(dir, "demo.log"))
	if err != nil {
		return fmt.Errorf("make a log: %w", err)
	}
	defer func() { err = errors.Join(err, logs.Close()) }()

	d := &demo{out: out, key: "pr_demo_" + rand.Text(), names: map[string]string{}}
	out.Printf("\n%s\n", out.Paint(terminal.Dim, "Starting Postrider with everything in it: API, worker, Temporal, Temporal UI …"))
	d.node, err = openNode(ctx, demoConfig(filepath.Join(dir, "data"), d.key), roles{api: true, worker: true}, logs)
	switch {
	case err != nil && ctx.Err() != nil: // Ctrl-C
		return leave(exit)
	case err != nil:
		return err
	}
	running, stop := context.WithCancel(context.WithoutCancel(ctx))
	ended := make(chan error, 1)
	go func() { ended <- d.node.run(running) }()
	defer func() {
		stop()
		err = errors.Join(err, <-ended)
	}()
	return d.run(ctx, ended, exit, logs.Name())
}

func demoConfig(dir, key string) config.Config {
	const freePort = "127.0.0.1:0"
	cfg := config.Default()
	cfg.Listen, cfg.TemporalListen, cfg.TemporalUIListen = freePort, freePort, freePort
	cfg.DataDir, cfg.AdminKey, cfg.Dev = dir, config.Credential(key), true
	cfg.LogLevel, cfg.LogFormat = slog.LevelWarn, telemetry.LogText
	cfg.MinFreeDisk = 64 * config.MiB
	cfg.ShutdownTimeout = 5 * time.Second
	return cfg
}

// run shows it all. A node that ends by itself ends the demo; its error is put back for the caller.
func (d *demo) run(ctx context.Context, ended chan error, exit bool, logs string) error {
	ctx, failed := context.WithCancelCause(ctx)
	defer failed(nil)
	go func() {
		select {
		case err := <-ended:
			failed(errors.New("the node ended by itself"))
			ended <- err
		case <-ctx.Done():
		}
	}()
	undelivered, err := d.show(ctx)
	if ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	switch {
	case errors.Is(err, context.Canceled): // by Ctrl-C
		d.out.Printf("\nStopped before everything was delivered.\n")
		return leave(exit)
	case err != nil:
		return err
	case exit:
		return leave(undelivered > 0)
	}
	d.tryNext(logs)
	d.watch(ctx)
	d.out.Printf("\n%s\n", d.out.Paint(terminal.Dim, "Stopping …"))
	return nil
}

// leave ends the demo; why it is bad has been said.
func leave(bad bool) error {
	if bad {
		return errShown
	}
	return nil
}

// show is the demo itself: endpoints, events, progress, and how it ended.
func (d *demo) show(ctx context.Context) (undelivered int, err error) {
	if err := d.connect(ctx); err != nil {
		return 0, err
	}
	d.introduce()
	if d.receiver, err = startStalls(); err != nil {
		return 0, err
	}
	d.node.onClose(func(context.Context) error { return d.receiver.Close() })
	if err := d.registerStalls(ctx); err != nil {
		return 0, err
	}
	events, err := d.deliver(ctx)
	if err != nil {
		return 0, err
	}
	return d.conclude(events), nil
}

// connect waits until the node answers and is ready.
func (d *demo) connect(ctx context.Context) (err error) {
	d.api = "http://" + d.node.listener.Addr().String()
	if d.client, err = client.New(client.Config{API: d.api, Key: d.key}); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	for {
		answer, err := d.client.Readiness(ctx)
		if err == nil && answer.Value.Ready() {
			return nil
		}
		select {
		case <-time.After(20 * time.Millisecond):
		case <-ctx.Done():
			if errors.Is(ctx.Err(), context.DeadlineExceeded) {
				return errors.New("the node is not ready after a minute")
			}
			return ctx.Err()
		}
	}
}
