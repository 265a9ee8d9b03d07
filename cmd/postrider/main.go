// Command postrider delivers webhooks durably: an event that is posted once reaches every
// subscribed endpoint, signed, and retried for days if need be.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	sdkworker "go.temporal.io/sdk/worker"

	"github.com/postrider/postrider/internal/tuning"
)

// version is set by the build.
var version = "dev"

// heapSize is what the heap may grow to before garbage is collected. Under load a third of it is in use; collected at twice
// of that, an event costs a sixth more CPU time.
const heapSize = 288 << 20

func main() {
	tuning.Memory(heapSize)
	// What Temporal shows as the workers' build ID. Else its SDK reads the whole executable for a checksum at each start.
	sdkworker.SetBinaryChecksum(version)
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // a second signal ends the process at once
	if err := newRoot().ExecuteContext(ctx); err != nil {
		if !errors.Is(err, errShown) {
			fmt.Fprintln(os.Stderr, "postrider:", err)
		}
		os.Exit(1)
	}
}

// errShown ends the process with code 1 after the command has said why.
var errShown = errors.New("shown already")
