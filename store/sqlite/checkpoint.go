package sqlite

import (
	"context"
	"database/sql"
	"log/slog"
	"os"
	"time"
)

const (
	checkpointEvery = 100 * time.Millisecond
	// passiveAbove is the size of the log from which it is copied into the file beside the writer.
	passiveAbove = 8 << 20
	// truncateAbove is the size from which the writer is made to wait for the rest, which is short
	// after a passive checkpoint, because under constant load the log would never come to an end.
	truncateAbove = 64 << 20
)

// checkpointer keeps the write-ahead log small, off the path of commits.
type checkpointer struct {
	pool   *sql.DB
	wal    string // the log's file
	logger *slog.Logger
}

func newCheckpointer(path string, logger *slog.Logger) (*checkpointer, error) {
	pool, err := connect(path, 1, "synchronous(FULL)")
	if err != nil {
		return nil, err
	}
	return &checkpointer{pool: pool, wal: path + "-wal", logger: logger}, nil
}

// run checkpoints until the context ends, and then closes its connection.
func (c *checkpointer) run(ctx context.Context) {
	defer c.pool.Close()
	ticker := time.NewTicker(checkpointEvery)
	defer ticker.Stop()
	var done int64 // size of the log at the last passive checkpoint
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		size := c.size()
		if size < done {
			done = 0 // the writer has begun the log anew
		}
		if size-done < passiveAbove {
			continue
		}
		c.checkpoint(ctx, "PASSIVE")
		if done = size; c.size() > truncateAbove {
			c.checkpoint(ctx, "TRUNCATE")
			done = 0
		}
	}
}

func (c *checkpointer) size() int64 {
	info, err := os.Stat(c.wal)
	if err != nil {
		return 0
	}
	return info.Size()
}

func (c *checkpointer) checkpoint(ctx context.Context, mode string) {
	if _, err := c.pool.ExecContext(ctx, "PRAGMA wal_checkpoint("+mode+")"); err != nil && ctx.Err() == nil {
		c.logger.WarnContext(ctx, "checkpoint failed", "mode", mode, "error", err)
	}
}
