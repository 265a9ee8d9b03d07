package sqlite

import (
	"context"
	"database/sql"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"
)

const (
	// pageSize in bytes, SQLite's own. Larger pages are fewer, but an event's random ID would then change
	// as many of them, and each goes whole into the write-ahead log.
	pageSize = 4096
	// checkpointEvery is how often the write-ahead log is copied into the file. Pages that were
	// written several times meanwhile are copied once.
	checkpointEvery = time.Second
	// restartAbove is the number of pages in the log (64 MiB) from which the writer is made to
	// wait until all of it is copied, so that it begins the log anew; under constant load it would
	// grow for ever.
	restartAbove = 64 << 20 / frameSize
	// frameSize is what a page takes in the log (SQLite's file format, 4.2: a header of 24 bytes goes before it).
	frameSize = 24 + pageSize
)

// checkpointer keeps the write-ahead log small, off the path of commits. It never makes SQLite
// itself restart or truncate the log: that would cost the writer's connection its whole cache.
//
// While something reads the database in one transaction, what was written since that began stays in the log. Our own readers are
// quick; another process's need not be.
type checkpointer struct {
	pool   *sql.DB
	writer *writer
	logger *slog.Logger
	bytes  atomic.Int64 // of the log, while some of it can't be copied; else 0
}

func newCheckpointer(path string, w *writer, logger *slog.Logger) (*checkpointer, error) {
	pool, err := connect(path, 1, "synchronous(FULL)", "cache_size(-1000)")
	if err != nil {
		return nil, err
	}
	return &checkpointer{pool: pool, writer: w, logger: logger}, nil
}

// run checkpoints until the context ends, and then closes its connection.
func (c *checkpointer) run(ctx context.Context) {
	defer c.pool.Close()
	ticker := time.NewTicker(checkpointEvery)
	defer ticker.Stop()
	var seen int64
	warned := false
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		commits := c.writer.commits.Load()
		if commits == seen && c.bytes.Load() == 0 {
			continue
		}
		seen = commits
		if err := c.checkpoint(ctx); err != nil && ctx.Err() == nil {
			c.logger.WarnContext(ctx, "checkpoint failed", "error", err)
		}
		long := c.bytes.Load() >= 2*restartAbove*frameSize
		if long && !warned {
			c.logger.WarnContext(ctx, "something has been reading the database for long, and its log grows", "bytes", c.bytes.Load())
		}
		warned = long
	}
}

func (c *checkpointer) checkpoint(ctx context.Context) error {
	pages, left, err := c.passive(ctx)
	if err == nil && pages >= restartAbove {
		err = c.writer.pause(func() (err error) {
			pages, left, err = c.passive(ctx)
			return err
		})
	}
	switch {
	case err != nil || pages < 0: // it failed, or another process is at it: nothing is known
	case pages < restartAbove || left == 0: // the next write begins the log anew, if need be
		c.bytes.Store(0)
	default:
		c.bytes.Store(pages * frameSize)
	}
	return err
}

// passive copies what it can without making anybody wait. It returns how long the log is, and how much of it is left to be copied.
func (c *checkpointer) passive(ctx context.Context) (pages, left int64, err error) {
	var busy, copied int64
	err = c.pool.QueryRowContext(ctx, "PRAGMA wal_checkpoint(PASSIVE)").Scan(&busy, &pages, &copied)
	if err != nil {
		return 0, 0, fmt.Errorf("checkpoint: %w", err)
	}
	return pages, pages - copied, nil
}
