package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/postrider/postrider/store/internal/gather"
	"github.com/postrider/postrider/store/internal/sqldb"
	"github.com/postrider/postrider/webhook"
)

// What one transaction holds at most, so that the last in it does not wait too long.
const (
	maxOps      = 512
	maxRows     = 10_000
	closureRows = 100 // what an op is taken for whose rows are not known beforehand
)

// A commit costs as much as writing two events, so when crowd calls shared one the next begins no sooner than distance after
// it: by then more share it.
const (
	crowd    = 4
	distance = 2 * time.Millisecond
)

// op is what one caller wants written.
type op struct {
	ctx  context.Context //nolint:containedctx // the caller's, who waits for done
	rows int             // about how many it writes
	// run writes it. It may be run again after an error that was another's, so it must set what it
	// captures anew. Its error is its caller's alone if savepoint is set; else the transaction is
	// lost and the others in it are written again without it.
	run       func(tx *transaction) error
	savepoint bool
	between   bool // run is called between transactions, with nil
	done      chan error
}

// transaction is what ops write to.
type transaction struct {
	*conn
	keys     *keys
	versions map[string]int64 // endpoints versions of tenants; -1: no such tenant
	touched  map[int64]touch  // events whose deliveries have changed, by UID
}

// writer owns the one connection that writes.
type writer struct {
	store *sqldb.Store
	pool  *sql.DB
	conn  *conn
	keys  keys
	queue *gather.Queue[*op]
	// commits counts transactions; the checkpointer looks whether there were any.
	commits   atomic.Int64
	committed func(calls int, took time.Duration)
}

// writerCache is of the writer's page cache, in KiB. It has to hold the pages that every transaction
// writes, not the database: a page split has SQLite look through the whole cache at the next commit
// (it borrows the number of the lock-byte page, and then cuts off what seems to lie behind the
// file's end). At 32 MiB that was a seventh of the writer's time.
const writerCache = 8000

func newWriter(ctx context.Context, path string, s *sqldb.Store) (*writer, error) {
	pool, err := connect(path, 1, "journal_mode(WAL)", "synchronous(FULL)", "wal_autocheckpoint(0)",
		"foreign_keys(0)", fmt.Sprintf("cache_size(-%d)", writerCache), "temp_store(2)")
	if err != nil {
		return nil, err
	}
	c, err := newConn(ctx, pool)
	if err != nil {
		return nil, errors.Join(err, pool.Close())
	}
	w := &writer{store: s, pool: pool, conn: c, queue: gather.New(maxOps, maxRows, func(o *op) int { return o.rows })}
	if err := w.keys.load(ctx, c); err != nil {
		return nil, errors.Join(err, pool.Close())
	}
	return w, nil
}

// do queues an op and waits until it is durable. It does not leave earlier when the context ends,
// because then the caller would not know; commits take milliseconds.
func (w *writer) do(o *op) error {
	o.done = make(chan error, 1)
	if !w.queue.Put(o) {
		return webhook.Errorf(webhook.Unavailable, "closed", "the database is closed")
	}
	return <-o.done
}

// pause runs f while nothing is written.
func (w *writer) pause(f func() error) error {
	return w.do(&op{ctx: context.Background(), rows: maxRows, between: true, run: func(*transaction) error { return f() }})
}

func (w *writer) close() error { return w.pool.Close() }

// run commits what is queued until the queue is stopped and empty.
func (w *writer) run() {
	for batch, ok := w.queue.Take(); ok; batch, ok = w.queue.Take() {
		begun := time.Now()
		w.commit(batch)
		if left := distance - time.Since(begun); len(batch) >= crowd && left > 0 {
			<-time.After(left)
		}
	}
}

// commit writes the ops and answers their callers.
func (w *writer) commit(batch []*op) {
	// A pause fills a batch, so it is the last of one.
	if last := batch[len(batch)-1]; last.between {
		batch = batch[:len(batch)-1]
		defer func() { last.done <- last.run(nil) }()
	}
	if len(batch) == 0 {
		return
	}
	results := make([]error, len(batch))
	begun := time.Now()
	err := w.attempt(batch, results)
	if err != nil && len(batch) > 1 && !errors.Is(err, errCommit) {
		// One op spoiled it. Alone, each gets the answer that is its own.
		for _, o := range batch {
			w.commit([]*op{o})
		}
		return
	}
	w.committed(len(batch), time.Since(begun))
	for i, o := range batch {
		if err != nil {
			results[i] = err
		}
		o.done <- results[i]
	}
}

// errCommit marks the error of a commit itself, which is every op's.
var errCommit = errors.New("commit")

// attempt writes all ops in one transaction. Errors that are one op's own go into results; an
// error returned means that nothing was written.
func (w *writer) attempt(batch []*op, results []error) (err error) {
	ctx := context.Background()
	if err := w.conn.exec(ctx, "BEGIN IMMEDIATE"); err != nil {
		return fmt.Errorf("begin: %w", err)
	}
	defer func() {
		if err != nil {
			w.keys.forget()
			// SQLite may have rolled back by itself; then this errs, and that is no news.
			_ = w.conn.exec(ctx, "ROLLBACK")
		}
	}()
	tx := &transaction{conn: w.conn, keys: &w.keys, versions: map[string]int64{}, touched: map[int64]touch{}}
	for i, o := range batch {
		if results[i] = o.ctx.Err(); results[i] != nil {
			continue // its caller has gone; nothing was written
		}
		if o.savepoint {
			results[i], err = w.guarded(ctx, tx, o)
		} else {
			err = o.run(tx)
		}
		if err != nil {
			return err
		}
	}
	if err := w.refresh(ctx, tx); err != nil {
		return err
	}
	if err := w.conn.exec(ctx, "COMMIT"); err != nil {
		return fmt.Errorf("%w: %w", errCommit, err)
	}
	w.commits.Add(1)
	return nil
}

// guarded runs an op whose error undoes only its own writes. The second error means that the
// transaction is lost.
func (w *writer) guarded(ctx context.Context, tx *transaction, o *op) (own, lost error) {
	// It may read and change what the transaction keeps in memory.
	if err := w.refresh(ctx, tx); err != nil {
		return nil, err
	}
	defer clear(tx.versions)
	if err := tx.exec(ctx, "SAVEPOINT op"); err != nil {
		return nil, err
	}
	if own = o.run(tx); own != nil {
		if err := tx.exec(ctx, "ROLLBACK TO op"); err != nil {
			return nil, errors.Join(own, err)
		}
	}
	return own, tx.exec(ctx, "RELEASE op")
}
