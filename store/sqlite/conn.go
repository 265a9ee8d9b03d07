package sqlite

import (
	"context"
	"database/sql"

	"github.com/postrider/postrider/store/internal/sqldb"
)

// conn is one connection with its prepared statements, used by one goroutine at a time. It does
// not heed the end of a context: SQLite answers an interrupted write by rolling back the whole
// transaction, which others have a part in.
type conn struct {
	raw        *sql.Conn
	statements map[string]*sql.Stmt
}

var _ sqldb.Querier = (*conn)(nil)

func newConn(ctx context.Context, pool *sql.DB) (*conn, error) {
	raw, err := pool.Conn(ctx)
	if err != nil {
		return nil, err
	}
	return &conn{raw: raw, statements: map[string]*sql.Stmt{}}, nil
}

// prepare is the statement for the query, or nil if it cannot be prepared or kept.
func (c *conn) prepare(ctx context.Context, query string) *sql.Stmt {
	if s := c.statements[query]; s != nil || len(c.statements) >= maxStatements {
		return s
	}
	s, err := c.raw.PrepareContext(ctx, query)
	if err != nil {
		return nil // running the query will tell
	}
	c.statements[query] = s
	return s
}

// ExecContext implements sqldb.Querier.
func (c *conn) ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error) {
	ctx = context.WithoutCancel(ctx)
	if s := c.prepare(ctx, query); s != nil {
		return s.ExecContext(ctx, args...)
	}
	return c.raw.ExecContext(ctx, query, args...)
}

// QueryContext implements sqldb.Querier.
func (c *conn) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	ctx = context.WithoutCancel(ctx)
	if s := c.prepare(ctx, query); s != nil {
		return s.QueryContext(ctx, args...)
	}
	return c.raw.QueryContext(ctx, query, args...)
}

// QueryRowContext implements sqldb.Querier.
func (c *conn) QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row {
	ctx = context.WithoutCancel(ctx)
	if s := c.prepare(ctx, query); s != nil {
		return s.QueryRowContext(ctx, args...)
	}
	return c.raw.QueryRowContext(ctx, query, args...)
}

func (c *conn) exec(ctx context.Context, query string, args ...any) error {
	_, err := c.ExecContext(ctx, query, args...)
	return err
}

// changed runs a statement and tells how many rows it changed.
func (c *conn) changed(ctx context.Context, query string, args ...any) (int64, error) {
	result, err := c.ExecContext(ctx, query, args...)
	if err != nil {
		return 0, err
	}
	return result.RowsAffected()
}
