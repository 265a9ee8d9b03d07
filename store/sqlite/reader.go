package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"sync"

	"github.com/postrider/postrider/store/internal/sqldb"
)

const (
	readers       = 4   // connections for single statements
	snapshots     = 2   // connections for transactions
	listers       = 2   // connections for what people list and count, which may take long: nothing else waits for them
	maxStatements = 256 // texts of statements that are kept prepared
)

// reader runs queries on connections that cannot write. It keeps statements prepared.
type reader struct {
	pool      *sql.DB
	snapshots chan *conn // those that no snapshot is using

	mu         sync.Mutex
	statements map[string]*sql.Stmt
}

// newReader opens connections for single statements and for transactions.
func newReader(ctx context.Context, path string, singles, transactions int) (*reader, error) {
	pool, err := connect(path, singles+transactions, "query_only(1)", "cache_size(-8000)", "temp_store(2)")
	if err != nil {
		return nil, err
	}
	r := &reader{pool: pool, snapshots: make(chan *conn, transactions), statements: map[string]*sql.Stmt{}}
	for range transactions {
		c, err := newConn(ctx, pool)
		if err != nil {
			return nil, errors.Join(err, r.close())
		}
		r.snapshots <- c
	}
	return r, nil
}

// close ends the pool. A snapshot under way ends with an error.
func (r *reader) close() error { return r.pool.Close() }

// prepare is the statement for the query, or nil if it cannot be prepared or kept.
func (r *reader) prepare(ctx context.Context, query string) *sql.Stmt {
	r.mu.Lock()
	defer r.mu.Unlock()
	if s := r.statements[query]; s != nil || len(r.statements) >= maxStatements {
		return s
	}
	s, err := r.pool.PrepareContext(ctx, query)
	if err != nil {
		return nil // running the query will tell
	}
	r.statements[query] = s
	return s
}

// ExecContext implements sqldb.Querier; the connection refuses whatever writes.
func (r *reader) ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error) {
	return r.pool.ExecContext(ctx, query, args...)
}

// QueryContext implements sqldb.Querier.
func (r *reader) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	if s := r.prepare(ctx, query); s != nil {
		return s.QueryContext(ctx, args...)
	}
	return r.pool.QueryContext(ctx, query, args...)
}

// QueryRowContext implements sqldb.Querier.
func (r *reader) QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row {
	if s := r.prepare(ctx, query); s != nil {
		return s.QueryRowContext(ctx, args...)
	}
	return r.pool.QueryRowContext(ctx, query, args...)
}

// snapshot runs read in a transaction.
func (r *reader) snapshot(ctx context.Context, read func(sqldb.Querier) error) (err error) {
	var c *conn
	select {
	case c = <-r.snapshots:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { r.snapshots <- c }()
	if err := c.exec(ctx, "BEGIN"); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.exec(ctx, "COMMIT")) }()
	return read(c)
}
