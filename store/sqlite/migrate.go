package sqlite

import (
	"context"
	"embed"
	"fmt"
	"io/fs"

	"github.com/pressly/goose/v3"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Migrate brings the file up to date, making it if it is not there. Each migration is a
// transaction: after a crash the next call goes on. A file that Postrider did not make, or that a
// newer Postrider made, is refused and left as it is.
func Migrate(ctx context.Context, path string) error {
	if err := migrate(ctx, path); err != nil {
		return fmt.Errorf("open database %s: %w", path, err)
	}
	return nil
}

func migrate(ctx context.Context, path string) error {
	// auto_vacuum must be set before anything is written, journal_mode included. The driver sets pragmas in the
	// order of the alphabet, so a page_size here would come too late.
	pool, err := connect(path, 1, "auto_vacuum(2)", "journal_mode(WAL)", "synchronous(FULL)")
	if err != nil {
		return err
	}
	defer pool.Close() // it connects when it is first used
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return err
	}
	provider, err := goose.NewProvider(goose.DialectSQLite3, pool, files)
	if err != nil {
		return err
	}
	sources := provider.ListSources()
	if err := inspect(ctx, path, sources[len(sources)-1].Version); err != nil {
		return err
	}
	if err := claim(ctx, pool); err != nil {
		return err
	}
	_, err = provider.Up(ctx)
	return err
}
