//go:build integration

package postgres

import (
	"context"

	"github.com/jackc/pgx/v5"
)

// OpenTraced opens a database that was migrated, and tells the tracer of every statement.
func OpenTraced(ctx context.Context, url string, tracer pgx.QueryTracer) (*DB, error) {
	return open(ctx, url, Options{MaxConnections: 1, tracer: tracer})
}
