package postgres

import (
	"context"
	"errors"
	"fmt"

	"github.com/postrider/postrider/webhook"
)

// engineLock is the key of the advisory lock that a node with an embedded Temporal holds.
const engineLock = 0x706f737472696465

// LockEngine makes this process the only one with an embedded Temporal on the database: two would
// each know half of the workflows. It holds until release is called or the process ends. Conflict
// when another process holds it.
func (db *DB) LockEngine(ctx context.Context) (release func() error, err error) {
	conn, err := db.pool.Conn(ctx)
	if err != nil {
		return nil, fmt.Errorf("lock the embedded engine: %w", err)
	}
	var mine bool
	if err := conn.QueryRowContext(ctx, `SELECT pg_try_advisory_lock($1)`, int64(engineLock)).Scan(&mine); err != nil {
		return nil, errors.Join(fmt.Errorf("lock the embedded engine: %w", err), conn.Close())
	}
	if !mine {
		return nil, errors.Join(webhook.Errorf(webhook.Conflict, "engine_taken",
			"another node with an embedded Temporal uses this database; several nodes need an external one (--temporal-address)"), conn.Close())
	}
	return func() error {
		// When the connection is gone, so is the lock.
		_, _ = conn.ExecContext(context.WithoutCancel(ctx), `SELECT pg_advisory_unlock($1)`, int64(engineLock))
		_ = conn.Close()
		return nil
	}, nil
}
