package sender

import (
	"context"
	"syscall"
	"time"
)

// Control is the dial hook of the guard.
func (g Guard) Control(ctx context.Context, network, address string, c syscall.RawConn) error {
	return g.control(ctx, network, address, c)
}

// ParseRetryAfter is parseRetryAfter.
func ParseRetryAfter(value string, now time.Time) time.Duration { return parseRetryAfter(value, now) }
