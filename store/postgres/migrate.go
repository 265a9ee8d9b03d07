package postgres

import (
	"context"
	"database/sql"
	"embed"
	"fmt"
	"io/fs"

	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"

	"github.com/postrider/postrider/webhook"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Migrate brings the database up to date. Of several nodes that start at once one migrates while
// the others wait. A database that a newer Postrider made is refused.
func Migrate(ctx context.Context, url string) error {
	if err := migrate(ctx, url); err != nil {
		return fmt.Errorf("open database: %w", err)
	}
	return nil
}

func migrate(ctx context.Context, url string) error {
	pool, err := connect(url, nil, nil)
	if err != nil {
		return err
	}
	defer pool.Close()
	if err := pool.PingContext(ctx); err != nil {
		return unreachable(err)
	}
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return err
	}
	locker, err := lock.NewPostgresSessionLocker()
	if err != nil {
		return err
	}
	provider, err := goose.NewProvider(goose.DialectPostgres, pool, files, goose.WithSessionLocker(locker))
	if err != nil {
		return err
	}
	sources := provider.ListSources()
	if err := inspect(ctx, pool, sources[len(sources)-1].Version); err != nil {
		return err
	}
	_, err = provider.Up(ctx)
	return err
}

// inspect refuses a database that a newer Postrider made, or that holds the tables of something else.
func inspect(ctx context.Context, pool *sql.DB, newest int64) error {
	var versioned, tables bool
	err := pool.QueryRowContext(ctx, `SELECT to_regclass('goose_db_version') IS NOT NULL, to_regclass('events') IS NOT NULL`).
		Scan(&versioned, &tables)
	if err != nil {
		return err
	}
	if !versioned {
		if tables {
			return webhook.Errorf(webhook.Invalid, "foreign_database", "the database holds the tables of something else")
		}
		return nil
	}
	var version int64
	if err := pool.QueryRowContext(ctx, `SELECT coalesce(max(version_id), 0) FROM goose_db_version`).Scan(&version); err != nil {
		return err
	}
	if version > newest {
		return webhook.Errorf(webhook.Invalid, "database_too_new",
			"the database has version %d, made by a newer Postrider; this one knows %d", version, newest)
	}
	return nil
}

func unreachable(err error) error {
	e := webhook.Errorf(webhook.Unavailable, "database_unreachable", "the database cannot be reached")
	e.Cause = err
	return e
}
