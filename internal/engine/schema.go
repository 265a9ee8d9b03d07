package engine

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"go.temporal.io/server/common/persistence/sql/sqlplugin"
	sqliteschema "go.temporal.io/server/schema/sqlite"
)

// schemaVersion is kept in each file's user_version, which Temporal does not use. Temporal has no migrations for
// SQLite: raise it when a new Temporal changes its schema, and write the migration then. Version 1 is Temporal's
// 0.11 and visibility 0.1, trimmed.
const schemaVersion = 1

// reclaimPages bounds how much free space a start gives back to the file system (in 4 KiB pages); while
// the server runs, it is used again for new rows.
const reclaimPages = 10_000

// schema is what a file holds: what adapt makes of Temporal's statements (nothing of those it returns empty), then our own.
type schema struct {
	adapt func(statement string) string
	add   []string
}

func mainSchema() schema {
	return schema{adapt: func(statement string) string {
		if strings.Contains(statement, visibilityTable) {
			return ""
		}
		return statement
	}}
}

func shippedSchema() schema {
	return schema{adapt: func(statement string) string { return statement }}
}

// setUp makes the file's schema, all of it or nothing: schema and version are one transaction.
func (f file) setUp(ctx context.Context) error {
	state, err := f.inspect(ctx)
	switch {
	case err != nil:
		return err
	case state.version == schemaVersion:
		return f.reclaim(ctx)
	case state.version > schemaVersion:
		return fmt.Errorf("%s was written by a newer Postrider (schema %d, this one knows %d)", f.path, state.version, schemaVersion)
	case state.version != 0:
		return fmt.Errorf("%s was written by an older Postrider (schema %d, this one needs %d) and cannot be upgraded", f.path, state.version, schemaVersion)
	}
	if len(state.objects) > 0 {
		if err := f.checkIncomplete(ctx, state); err != nil {
			return err
		}
		if err := f.remove(); err != nil {
			return err
		}
	}
	return f.create(ctx)
}

func (f file) create(ctx context.Context) (err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("set up the schema of %s: %w", f.path, err)
		}
	}()
	statements, err := f.schema.statements()
	if err != nil {
		return err
	}
	db, err := f.open()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	// auto_vacuum can only be chosen before the first table.
	if _, err := db.ExecContext(ctx, "PRAGMA auto_vacuum = incremental; PRAGMA journal_mode = wal"); err != nil {
		return err
	}
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }() // no-op after the commit
	for _, statement := range append(statements, fmt.Sprintf("PRAGMA user_version = %d", schemaVersion)) {
		if _, err := tx.ExecContext(ctx, statement); err != nil {
			return err
		}
	}
	return tx.Commit()
}

// state is what a file holds when it is found.
type state struct {
	version int
	objects map[string]bool // names of tables, indexes and triggers
	rows    bool            // workflows are in it
}

func (f file) inspect(ctx context.Context) (_ state, err error) {
	db, err := f.open()
	if err != nil {
		return state{}, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	st, err := inspect(ctx, db)
	if err != nil {
		return state{}, fmt.Errorf("read the schema of %s: %w", f.path, err)
	}
	return st, nil
}

func inspect(ctx context.Context, db *sql.DB) (_ state, err error) {
	st := state{objects: map[string]bool{}}
	if err := db.QueryRowContext(ctx, "PRAGMA user_version").Scan(&st.version); err != nil {
		return state{}, err
	}
	rows, err := db.QueryContext(ctx, "SELECT name FROM sqlite_schema WHERE name NOT LIKE 'sqlite\\_%' ESCAPE '\\'")
	if err != nil {
		return state{}, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			return state{}, err
		}
		st.objects[name] = true
	}
	if err := rows.Err(); err != nil {
		return state{}, err
	}
	for _, table := range []string{"executions", visibilityTable} {
		if !st.objects[table] {
			continue
		}
		var some bool
		if err := db.QueryRowContext(ctx, "SELECT EXISTS (SELECT 1 FROM "+table+")").Scan(&some); err != nil {
			return state{}, err
		}
		st.rows = st.rows || some
	}
	return st, nil
}

// checkIncomplete errs unless the file can only be what a set-up that was cut short has left: no version, nothing
// in it that is not Temporal's, something missing, no workflows. (Ours leaves nothing; that of an
// earlier program or of Temporal's own tools might.)
func (f file) checkIncomplete(ctx context.Context, found state) error {
	planned, err := f.schema.objects(ctx)
	if err != nil {
		return err
	}
	shipped, err := shippedSchema().objects(ctx)
	if err != nil {
		return err
	}
	for name := range found.objects {
		if !planned[name] && !shipped[name] {
			return fmt.Errorf("%s is not a file of Postrider's: it has a table %s", f.path, name)
		}
	}
	complete := true
	for name := range planned {
		complete = complete && found.objects[name]
	}
	if complete || found.rows {
		return fmt.Errorf("%s is a Temporal database, but not one that Postrider made", f.path)
	}
	return nil
}

func (f file) remove() error {
	for _, suffix := range []string{"-wal", "-shm", "-journal", ""} {
		if err := os.Remove(f.path + suffix); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("remove a file with an incomplete schema: %w", err)
		}
	}
	return nil
}

// reclaim gives some free pages back to the file system.
func (f file) reclaim(ctx context.Context) (err error) {
	db, err := f.open()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	if _, err := db.ExecContext(ctx, fmt.Sprintf("PRAGMA incremental_vacuum(%d)", reclaimPages)); err != nil {
		return fmt.Errorf("give free space of %s back: %w", f.path, err)
	}
	return nil
}

// statements are the schema's, in order.
func (s schema) statements() ([]string, error) {
	var all recorder
	if err := sqliteschema.SetupSchemaOnDB(&all); err != nil {
		return nil, fmt.Errorf("read temporal's schema: %w", err)
	}
	var kept []string
	for _, statement := range all.statements {
		if adapted := s.adapt(statement); adapted != "" {
			kept = append(kept, adapted)
		}
	}
	return append(kept, s.add...), nil
}

// objects are the names that the schema defines.
func (s schema) objects(ctx context.Context) (_ map[string]bool, err error) {
	statements, err := s.statements()
	if err != nil {
		return nil, err
	}
	db, err := sql.Open("sqlite", ":memory:")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	db.SetMaxOpenConns(1)
	for _, statement := range statements {
		if _, err := db.ExecContext(ctx, statement); err != nil {
			return nil, fmt.Errorf("try temporal's schema: %w", err)
		}
	}
	st, err := inspect(ctx, db)
	return st.objects, err
}

// recorder is the database that Temporal's set-up believes to write to.
type recorder struct {
	sqlplugin.AdminDB

	statements []string
}

// Exec notes the statement.
func (r *recorder) Exec(statement string, _ ...any) error {
	r.statements = append(r.statements, statement)
	return nil
}
