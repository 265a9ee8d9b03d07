// Package loopback finds addresses for the benchmark's processes.
package loopback

import (
	"context"
	"fmt"
	"net"
)

// FreeAddress is a loopback address, host:port, that was free a moment ago.
func FreeAddress(ctx context.Context) (string, error) {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", fmt.Errorf("find a free port: %w", err)
	}
	return l.Addr().String(), l.Close()
}
