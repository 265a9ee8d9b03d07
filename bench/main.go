// Command bench measures Postrider: what it accepts and delivers, how fast, and what that costs. The
// load generator, the receiver and the system under test are processes of their own. README.md says how
// to repeat it and what each figure means.
//
// The subcommands load and receiver are the processes that it starts.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/pflag"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil && !errors.Is(err, pflag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	if len(args) > 0 {
		switch args[0] {
		case loadCommand:
			return runLoad(ctx, os.Stdin, os.Stdout)
		case receiverCommand:
			return runReceiver(ctx, args[1:], os.Stdout)
		}
	}
	o, err := parseOptions(args)
	if err != nil {
		return err
	}
	return benchmark(ctx, o, os.Stdout, os.Stderr)
}
