package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	_ "modernc.org/sqlite" // the driver "sqlite"

	"github.com/postrider/postrider/bench/internal/figures"
	"github.com/postrider/postrider/bench/internal/scrape"
)

// walMetric is the length of the file of SQLite's write-ahead log. It is looked at from outside: serve tells only what is held up.
const walMetric = "bench_wal_bytes"

// reader is overload while another process, this one, reads the database in one transaction all the time, such as a backup or a
// long query.
func reader(ctx context.Context, b *bed) (_ []figures.Figure, err error) {
	if b.postgres != "" {
		return nil, errors.New("reader is about SQLite's log; PostgreSQL has none that a reader holds up")
	}
	path := filepath.Join(b.dir, "data", "postrider.db")
	release, err := hold(ctx, path)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, release()) }()
	stop := watch(ctx, 100*time.Millisecond, func(context.Context) (scrape.Metrics, error) {
		info, err := os.Stat(path + "-wal") //nolint:gosec // of our own directory
		if err != nil {
			return nil, err
		}
		return scrape.Metrics{walMetric: float64(info.Size())}, nil
	})
	measured, err := overloaded(ctx, b, release)
	seen, err2 := stop()
	return slices.Concat([]figures.Figure{{Name: "log peak MiB", Value: mebibytes(int64(seen.peak(walMetric)))}}, measured), errors.Join(err, err2)
}

// hold reads from the database in a transaction that goes on until release, which may be called twice.
func hold(ctx context.Context, path string) (release func() error, err error) {
	db, err := sql.Open("sqlite", (&url.URL{Scheme: "file", Path: path, RawQuery: "mode=ro"}).String())
	if err != nil {
		return nil, err
	}
	tx, err := db.BeginTx(context.WithoutCancel(ctx), &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	release = sync.OnceValue(func() error { return errors.Join(tx.Rollback(), db.Close()) })
	var events int
	if err := tx.QueryRowContext(ctx, "SELECT count(*) FROM events").Scan(&events); err != nil {
		return nil, errors.Join(fmt.Errorf("read %s: %w", path, err), release())
	}
	return release, nil
}

func sayReader(o options) string {
	return sayOverload(o) + ", while another process reads the database in one transaction"
}
