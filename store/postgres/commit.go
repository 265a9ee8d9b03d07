package postgres

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/postrider/postrider/store/internal/gather"
	"github.com/postrider/postrider/webhook"
)

const (
	maxOps     = 512
	maxRows    = 10_000
	maxRepeats = 5 // of a transaction that Postgres gave up in favour of another
	// batchTimeout bounds a group commit, whose callers wait for it whatever becomes of their own
	// contexts.
	batchTimeout = 45 * time.Second
)

// waiter is an op that somebody waits for.
type waiter interface {
	abandoned() error // the error of its caller's context
	answer(err error)
	wait() error // for the answer
}

// ticket makes an op a waiter.
type ticket struct {
	ctx  context.Context //nolint:containedctx // only to see whether the caller is still there
	done chan error
}

func newTicket(ctx context.Context) ticket { return ticket{ctx: ctx, done: make(chan error, 1)} }

func (t ticket) abandoned() error { return t.ctx.Err() }
func (t ticket) answer(err error) { t.done <- err }
func (t ticket) wait() error      { return <-t.done }

// committer writes the ops of many callers in one transaction.
type committer[T waiter] struct {
	pool  *sql.DB
	queue *gather.Queue[T]
	// write writes all ops. What is one op's own error it leaves with the op; an error returned
	// means that nothing is written. It may be called again.
	write     func(ctx context.Context, tx *sql.Tx, batch []T) error
	committed func(calls int, took time.Duration)
}

func newCommitter[T waiter](pool *sql.DB, committed func(int, time.Duration), write func(context.Context, *sql.Tx, []T) error, weigh func(T) int) *committer[T] {
	if committed == nil {
		committed = func(int, time.Duration) {}
	}
	return &committer[T]{pool: pool, write: write, committed: committed, queue: gather.New(maxOps, maxRows, weigh)}
}

// do queues an op and waits until it is durable. It does not leave earlier when the context ends,
// because then the caller would not know.
func (c *committer[T]) do(o T) error {
	if !c.queue.Put(o) {
		return webhook.Errorf(webhook.Unavailable, "closed", "the database is closed")
	}
	return o.wait()
}

func (c *committer[T]) run() {
	for batch, ok := c.queue.Take(); ok; batch, ok = c.queue.Take() {
		live := batch[:0]
		for _, o := range batch {
			if err := o.abandoned(); err != nil {
				o.answer(err)
				continue
			}
			live = append(live, o)
		}
		c.commit(live)
	}
}

func (c *committer[T]) commit(batch []T) {
	if len(batch) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), batchTimeout)
	defer cancel()
	begun := time.Now()
	err := transact(ctx, c.pool, func(tx *sql.Tx) error { return c.write(ctx, tx, batch) })
	if err != nil && len(batch) > 1 && refused(err) {
		// One op spoiled it. Alone, each gets the answer that is its own.
		for _, o := range batch {
			c.commit([]T{o})
		}
		return
	}
	c.committed(len(batch), time.Since(begun))
	for _, o := range batch {
		o.answer(err)
	}
}

// transact runs write in a transaction, again if Postgres gave it up in favour of another.
func transact(ctx context.Context, pool *sql.DB, write func(*sql.Tx) error) error {
	for n := 1; ; n++ {
		err := once(ctx, pool, write)
		if err == nil || n == maxRepeats || !repeatable(err) {
			return err
		}
	}
}

func once(ctx context.Context, pool *sql.DB, write func(*sql.Tx) error) error {
	tx, err := pool.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("begin: %w", err)
	}
	defer tx.Rollback() //nolint:errcheck // after a commit it does nothing
	if err := write(tx); err != nil {
		return err
	}
	if err := tx.Commit(); err != nil {
		return fmt.Errorf("commit: %w", err)
	}
	return nil
}

// Codes of errors that are not the statement's fault.
const (
	serializationFailure = "40001"
	deadlockDetected     = "40P01"
)

func repeatable(err error) bool {
	var e *pgconn.PgError
	return errors.As(err, &e) && (e.Code == serializationFailure || e.Code == deadlockDetected)
}

// refused reports whether the database refused a statement, rather than being away or out of order.
func refused(err error) bool {
	var e *pgconn.PgError
	if !errors.As(err, &e) {
		return false
	}
	switch e.Code[:2] {
	case "21", "22", "23": // cardinality, data, constraints
		return true
	}
	return false
}
