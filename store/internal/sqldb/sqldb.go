// Package sqldb is what the stores on SQLite and on Postgres have in common: the SQL that both
// understand, and the rules that go with it. Each database adds how it opens, how it gathers
// commits, and the two hot paths (Accept and Apply) in its own best way.
//
// Columns mean the same in both. States and the like are the words of package webhook; times are
// microseconds since 1970, 0 where there is none; headers, event types, policies and secrets are
// JSON. A start row that Accept wrote to the outbox has the event's UID as its sequence number,
// so that it is found without an index.
package sqldb

import (
	"context"
	"database/sql"
	"errors"
	"sync"

	"github.com/postrider/postrider/webhook"
)

// Querier is a connection or a transaction.
type Querier interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// Backend is the database underneath.
type Backend interface {
	// Reader reads single statements.
	Reader() Querier
	// Lister reads what people list and count, which may take long: where connections are few it has its own.
	Lister() Querier
	// Snapshot runs read in a read-only transaction that sees one state of the database.
	Snapshot(ctx context.Context, read func(Querier) error) error
	// Write runs write in a transaction. When write errs nothing of it is kept. It may be run
	// again, so it must set what it captures anew.
	Write(ctx context.Context, write func(Querier) error) error
	// NextKeys takes n keys for events and outbox rows; they grow.
	NextKeys(ctx context.Context, tx Querier, n int) ([]int64, error)
	// OrderOutbox makes sure that no other transaction puts urgent rows for these owners into the
	// outbox until this one has ended, so that who reads on from the last key misses none.
	OrderOutbox(ctx context.Context, tx Querier, owners []int64) error
}

// Dialect is where the two databases differ in a way that matters here.
type Dialect struct {
	// Now is an expression: the database's clock in microseconds.
	Now string
	// ForUpdate follows a SELECT whose rows shall stay as they are until the transaction ends.
	ForUpdate string
	// SkipLocked follows ForUpdate where rows locked by others shall be left out.
	SkipLocked string
	// In is a condition that holds when the column is one of the keys, which are bound as the
	// parameter with the given number, and the parameter's value.
	In func(column string, parameter int, keys []int64) (condition string, value any)
}

// Store implements the cold part of store.Store.
type Store struct {
	backend  Backend
	dialect  Dialect
	policies policies

	mu          sync.RWMutex
	endpointIDs map[int64]string // they never change
}

// New is a Store on the given backend.
func New(backend Backend, dialect Dialect) *Store {
	return &Store{backend: backend, dialect: dialect, policies: newPolicies(), endpointIDs: map[int64]string{}}
}

// Read runs one query and calls scan for each row.
func Read(ctx context.Context, q Querier, query string, args []any, scan func(*sql.Rows) error) error {
	rows, err := q.QueryContext(ctx, query, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := scan(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}

// readKeys runs a query whose rows are one number each.
func readKeys(ctx context.Context, q Querier, query string, args ...any) ([]int64, error) {
	var keys []int64
	err := Read(ctx, q, query, args, func(rows *sql.Rows) error {
		var key int64
		if err := rows.Scan(&key); err != nil {
			return err
		}
		keys = append(keys, key)
		return nil
	})
	return keys, err
}

// affected runs a statement and tells how many rows it changed.
func affected(ctx context.Context, q Querier, query string, args ...any) (int, error) {
	result, err := q.ExecContext(ctx, query, args...)
	if err != nil {
		return 0, err
	}
	n, err := result.RowsAffected()
	return int(n), err
}

// notFound turns "no rows" into the NotFound error for what was looked for.
func notFound(err error, what string) error {
	if errors.Is(err, sql.ErrNoRows) {
		return missing(what)
	}
	return err
}

func missing(what string) error {
	return webhook.Errorf(webhook.NotFound, "", "there is no such %s", what)
}

// placeholders of a row of n values, the first with number first.
func placeholders(first, n int) string {
	b := make([]byte, 0, 4*n+2)
	b = append(b, '(')
	for i := range n {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, '$')
		b = appendInt(b, first+i)
	}
	return string(append(b, ')'))
}
