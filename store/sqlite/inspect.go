package sqlite

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/postrider/postrider/webhook"
)

// applicationID marks the files that Postrider made ("Post" in ASCII).
const applicationID = 0x506f7374

// inspect refuses a file that Postrider did not make, or that a newer one made, without changing
// anything. A file that is not there or is empty is fine: it is about to be made.
func inspect(ctx context.Context, path string, newest int64) error {
	empty, err := inspectHeader(path)
	if err != nil || empty {
		return err
	}
	name, err := dsn(path)
	if err != nil {
		return err
	}
	pool, err := sql.Open("sqlite", name+"&mode=ro")
	if err != nil {
		return err
	}
	defer pool.Close()
	var id, tables, version int64
	if err := pool.QueryRowContext(ctx, "PRAGMA application_id").Scan(&id); err != nil {
		return err
	}
	if err := pool.QueryRowContext(ctx, "SELECT count(*) FROM sqlite_schema").Scan(&tables); err != nil {
		return err
	}
	if id != applicationID && (id != 0 || tables > 0) {
		return webhook.Errorf(webhook.Invalid, "foreign_database", "the file is a SQLite database, but not Postrider's")
	}
	if tables == 0 {
		return nil
	}
	if err := pool.QueryRowContext(ctx, "SELECT max(version_id) FROM goose_db_version").Scan(&version); err != nil {
		return err
	}
	if version > newest {
		return webhook.Errorf(webhook.Invalid, "database_too_new",
			"the database has version %d, made by a newer Postrider; this one knows %d", version, newest)
	}
	return nil
}

// inspectHeader tells whether there is nothing in the file yet. It errs if what is there is not SQLite's.
func inspectHeader(path string) (empty bool, err error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return true, nil
	}
	if err != nil {
		return false, err
	}
	defer f.Close()
	want := []byte("SQLite format 3\x00")
	got := make([]byte, len(want))
	n, err := io.ReadFull(f, got)
	switch {
	case errors.Is(err, io.EOF):
		return true, nil
	case err != nil && !errors.Is(err, io.ErrUnexpectedEOF):
		return false, err
	case !bytes.Equal(got[:n], want):
		return false, webhook.Errorf(webhook.Invalid, "not_a_database", "the file is not a SQLite database")
	}
	return false, nil
}

// claim marks a new file as Postrider's.
func claim(ctx context.Context, pool *sql.DB) error {
	_, err := pool.ExecContext(ctx, fmt.Sprintf("PRAGMA application_id = %d", applicationID))
	return err
}
