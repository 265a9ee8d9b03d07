// Package sqlite keeps Postrider's facts in one SQLite file, which one process at a time may have
// open: row keys come from memory. The caller sees to that by locking the data directory.
//
// All writes go through one goroutine, the writer. It takes what callers have queued, writes it in
// one transaction and fsyncs once for all of them. Reads go over other connections and never wait
// for it. A checkpointer moves the write-ahead log into the file beside the writer.
package sqlite

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	_ "modernc.org/sqlite" // the driver "sqlite"

	"github.com/postrider/postrider/store"
	"github.com/postrider/postrider/store/internal/sqldb"
)

// Options of Open. The zero value works.
type Options struct {
	Logger *slog.Logger // default: none
	// Committed is told of every group commit: how many calls it served and how long it took.
	Committed func(calls int, took time.Duration) // default: nobody is told
}

// DB is a store.Store in a SQLite file.
type DB struct {
	*sqldb.Store

	id     string
	reader *reader
	lister *reader
	writer *writer
	log    *checkpointer

	stop       context.CancelFunc // ends the background goroutines
	background sync.WaitGroup
}

var _ store.Store = (*DB)(nil)

// Open opens the file, making it if it is not there, and migrates it. A file that Postrider did
// not make, or that a newer Postrider made, is refused.
func Open(ctx context.Context, path string, opts Options) (*DB, error) {
	logger := opts.Logger
	if logger == nil {
		logger = slog.New(slog.DiscardHandler)
	}
	if err := Migrate(ctx, path); err != nil {
		return nil, err
	}
	if opts.Committed == nil {
		opts.Committed = func(int, time.Duration) {}
	}
	db, err := open(ctx, path, logger, opts.Committed)
	if err != nil {
		return nil, fmt.Errorf("open database %s: %w", path, err)
	}
	return db, nil
}

func open(ctx context.Context, path string, logger *slog.Logger, committed func(int, time.Duration)) (*DB, error) {
	pinMemory()
	db := &DB{}
	db.Store = sqldb.New(db, dialect())
	var err error
	if db.writer, err = newWriter(ctx, path, db.Store); err != nil {
		return nil, err
	}
	db.writer.committed = committed
	if db.reader, err = newReader(ctx, path, readers, snapshots); err != nil {
		return nil, errors.Join(err, db.writer.close())
	}
	if db.lister, err = newReader(ctx, path, listers, 0); err != nil {
		return nil, errors.Join(err, db.reader.close(), db.writer.close())
	}
	if db.log, err = newCheckpointer(path, db.writer, logger); err != nil {
		return nil, errors.Join(err, db.lister.close(), db.reader.close(), db.writer.close())
	}
	background, stop := context.WithCancel(context.WithoutCancel(ctx))
	db.stop = stop
	db.background.Go(func() { db.writer.run() })
	db.background.Go(func() { db.log.run(background) })
	err = db.Write(ctx, func(tx sqldb.Querier) (err error) {
		db.id, err = sqldb.StoreID(ctx, tx)
		return err
	})
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return db, nil
}

// ID implements store.Store.
func (db *DB) ID() string { return db.id }

// LogBytes implements store.Dispatch.
func (db *DB) LogBytes() int64 { return db.log.bytes.Load() }

// Close implements store.Store. Calls that come later err.
func (db *DB) Close() error {
	db.stop()
	db.writer.queue.Stop()
	db.background.Wait()
	return errors.Join(db.lister.close(), db.reader.close(), db.writer.close())
}

// Compact implements store.Retention.
func (db *DB) Compact(ctx context.Context) error {
	err := db.Write(ctx, func(tx sqldb.Querier) error {
		_, err := tx.ExecContext(ctx, fmt.Sprintf("PRAGMA incremental_vacuum(%d)", compactPages))
		return err
	})
	if err != nil {
		return fmt.Errorf("compact database: %w", err)
	}
	return nil
}

// compactPages is how many pages one Compact gives back, 4 MiB: a few milliseconds of the writer.
const compactPages = 1000

// Reader implements sqldb.Backend.
func (db *DB) Reader() sqldb.Querier { return db.reader }

// Lister implements sqldb.Backend.
func (db *DB) Lister() sqldb.Querier { return db.lister }

// Snapshot implements sqldb.Backend.
func (db *DB) Snapshot(ctx context.Context, read func(sqldb.Querier) error) error {
	return db.reader.snapshot(ctx, read)
}

// Write implements sqldb.Backend: write runs in the writer's next transaction.
func (db *DB) Write(ctx context.Context, write func(sqldb.Querier) error) error {
	return db.writer.do(&op{ctx: ctx, rows: closureRows, savepoint: true, run: func(tx *transaction) error { return write(tx) }})
}

// NextKeys implements sqldb.Backend.
func (db *DB) NextKeys(ctx context.Context, tx sqldb.Querier, n int) ([]int64, error) {
	keys := make([]int64, n)
	for i := range keys {
		var err error
		if keys[i], err = db.writer.keys.next(ctx, tx); err != nil {
			return nil, err
		}
	}
	return keys, nil
}

// OrderOutbox implements sqldb.Backend: there is but one writer.
func (db *DB) OrderOutbox(context.Context, sqldb.Querier, []int64) error { return nil }

func dialect() sqldb.Dialect {
	return sqldb.Dialect{
		Now: "CAST(unixepoch('subsec') * 1000000 AS INTEGER)",
		In: func(column string, parameter int, keys []int64) (string, any) {
			return fmt.Sprintf("%s IN (SELECT value FROM json_each($%d))", column, parameter), jsonArray(keys)
		},
	}
}
