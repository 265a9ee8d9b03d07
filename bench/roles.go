package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"strconv"

	"github.com/postrider/postrider/bench/internal/load"
	"github.com/postrider/postrider/bench/internal/receiver"
)

// The subcommands that the benchmark starts as processes.
const (
	loadCommand     = "load"
	receiverCommand = "receiver"
)

// runLoad reads a load.Plan as JSON and writes the posts as CSV.
func runLoad(ctx context.Context, in io.Reader, out io.Writer) error {
	var plan load.Plan
	if err := json.NewDecoder(in).Decode(&plan); err != nil {
		return fmt.Errorf("read the plan: %w", err)
	}
	posts, err := load.Run(ctx, plan)
	if err != nil {
		return err
	}
	return load.Write(out, posts)
}

// runReceiver receives until ctx ends. Its arguments are its address and the size of the events' data.
func runReceiver(ctx context.Context, args []string, out io.Writer) error {
	if len(args) != 2 {
		return fmt.Errorf("usage: bench %s <address> <size of the data>", receiverCommand)
	}
	size, err := strconv.Atoi(args[1])
	if err != nil {
		return fmt.Errorf("the size of the data: %w", err)
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", args[0])
	if err != nil {
		return err
	}
	if _, err := fmt.Fprintln(out, "receiving on", listener.Addr()); err != nil {
		return err
	}
	return receiver.New(size).Serve(ctx, listener)
}
