package sqlite

import (
	"bytes"
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/pressly/goose/v3"

	"github.com/postrider/postrider/webhook"
)

//go:embed migrations/*.sql
var migrations embed.FS

// applicationID marks the files that Postrider made ("Post" in ASCII).
const applicationID = 0x506f7374

// pageSize in bytes: PLACEHOLDER
const pageSize = 4096

// Migrate brings the file up to date, making it if it is not there. Each migration is a
// transaction: after a crash the next call goes on.
func Migrate(ctx context.Context, path string) error {
	if err := migrate(ctx, path); err != nil {
		return fmt.Errorf("open database %s: %w", path, err)
	}
	return nil
}

func migrate(ctx context.Context, path string) error {
	if err := checkHeader(path); err != nil {
		return err
	}
	// Page size and auto_vacuum must be set before anything is written, journal_mode included.
	pool, err := connect(path, 1, fmt.Sprintf("page_size(%d)", pageSize), "auto_vacuum(2)", "journal_mode(WAL)", "synchronous(FULL)")
	if err != nil {
		return err
	}
	defer pool.Close()
	if err := claim(ctx, pool); err != nil {
		return err
	}
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return err
	}
	provider, err := goose.NewProvider(goose.DialectSQLite3, pool, files)
	if err != nil {
		return err
	}
	current, newest, err := provider.GetVersions(ctx)
	if err != nil {
		return err
	}
	if current > newest {
		return webhook.Errorf(webhook.Invalid, "database_too_new",
			"the database has version %d, made by a newer Postrider; this one knows %d", current, newest)
	}
	_, err = provider.Up(ctx)
	return err
}

// checkHeader refuses a file that is not a SQLite database before the driver would write to it.
func checkHeader(path string) error {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer f.Close()
	want := []byte("SQLite format 3\x00")
	got := make([]byte, len(want))
	n, err := io.ReadFull(f, got)
	switch {
	case errors.Is(err, io.EOF): // empty: about to be made
		return nil
	case err != nil && !errors.Is(err, io.ErrUnexpectedEOF):
		return err
	case !bytes.Equal(got[:n], want):
		return webhook.Errorf(webhook.Invalid, "not_a_database", "the file is not a SQLite database")
	}
	return nil
}

// claim marks a new file as Postrider's and refuses the databases of others.
func claim(ctx context.Context, pool *sql.DB) error {
	var id, tables int64
	if err := pool.QueryRowContext(ctx, "PRAGMA application_id").Scan(&id); err != nil {
		return err
	}
	if id == applicationID {
		return nil
	}
	if err := pool.QueryRowContext(ctx, "SELECT count(*) FROM sqlite_schema").Scan(&tables); err != nil {
		return err
	}
	if id != 0 || tables > 0 {
		return webhook.Errorf(webhook.Invalid, "foreign_database", "the file is a SQLite database, but not Postrider's")
	}
	_, err := pool.ExecContext(ctx, fmt.Sprintf("PRAGMA application_id = %d", applicationID))
	return err
}
