package engine

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/blang/semver/v4"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"go.temporal.io/server/common/persistence"
	temporalschema "go.temporal.io/server/schema"
)

// migrate brings the schemas of the stores to their versions, all of it or nothing: it is one transaction.
// The database's lock keeps others out.
func (p *postgres) migrate(ctx context.Context, stores ...postgresStore) error {
	conn, err := dialDatabase(ctx, p.database)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	err = pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error {
		for _, s := range stores {
			if err := s.migrate(ctx, tx); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("set up the engine's data in the database: %w", p.advise(err))
	}
	return nil
}

// isIn reports whether the store has been set up in the database.
func (s postgresStore) isIn(ctx context.Context, database *pgx.ConnConfig) (there bool, err error) {
	conn, err := dialDatabase(ctx, database)
	if err != nil {
		return false, err
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	err = conn.QueryRow(ctx, `SELECT to_regclass($1) IS NOT NULL`, s.schema+".schema_version").Scan(&there)
	if err != nil {
		return false, fmt.Errorf("look for the engine's data in the database: %w", err)
	}
	return there, nil
}

// migrate records versions in the tables of Temporal's own tool.
func (s postgresStore) migrate(ctx context.Context, tx pgx.Tx) error {
	found, err := s.prepare(ctx, tx)
	if err != nil {
		return err
	}
	known, err := semver.ParseTolerant(s.version)
	if err != nil {
		return fmt.Errorf("read temporal's own version of schema %s: %w", s.schema, err)
	}
	if found.GT(known) {
		return fmt.Errorf("schema %s has version %s, made by a newer Postrider; this one knows %s", s.schema, short(found), short(known))
	}
	migrations, err := s.readMigrations()
	if err != nil {
		return err
	}
	for _, m := range migrations {
		if m.version.LTE(found) || m.version.GT(known) {
			continue
		}
		if err := m.run(ctx, tx, s.schema); err != nil {
			return fmt.Errorf("bring schema %s to version %s: %w", s.schema, short(m.version), err)
		}
	}
	return nil
}

// prepare makes schema and version tables if need be, and gives the version that is there: 0.0 of a new one.
func (s postgresStore) prepare(ctx context.Context, tx pgx.Tx) (found semver.Version, err error) {
	var there bool
	if err := tx.QueryRow(ctx, `SELECT to_regnamespace($1) IS NOT NULL`, s.schema).Scan(&there); err != nil {
		return found, err
	}
	statements := []string{
		`SET LOCAL search_path = ` + s.schema,
		`CREATE TABLE IF NOT EXISTS schema_version (version_partition INT NOT NULL, db_name VARCHAR(255) NOT NULL, creation_time TIMESTAMP,
			curr_version VARCHAR(64), min_compatible_version VARCHAR(64), PRIMARY KEY (version_partition, db_name))`,
		`CREATE TABLE IF NOT EXISTS schema_update_history (version_partition INT NOT NULL, year INT NOT NULL, month INT NOT NULL,
			update_time TIMESTAMP NOT NULL, description VARCHAR(255), manifest_md5 VARCHAR(64), new_version VARCHAR(64),
			old_version VARCHAR(64), PRIMARY KEY (version_partition, year, month, update_time))`,
	}
	if !there { // IF NOT EXISTS would need the right to make one that exists
		statements = slices.Insert(statements, 0, `CREATE SCHEMA `+s.schema)
	}
	for _, statement := range statements {
		if _, err := tx.Exec(ctx, statement); err != nil {
			return found, err
		}
	}
	var version string
	err = tx.QueryRow(ctx, `SELECT curr_version FROM schema_version WHERE version_partition = 0 AND db_name = $1`, s.schema).Scan(&version)
	if errors.Is(err, pgx.ErrNoRows) {
		return found, nil
	}
	if err != nil {
		return found, err
	}
	if found, err = semver.ParseTolerant(version); err != nil {
		return found, fmt.Errorf("schema %s has a version that is none: %q", s.schema, version)
	}
	return found, nil
}

// migration is one of Temporal's steps from version to version.
type migration struct {
	version       semver.Version
	minCompatible string
	description   string
	statements    []string
}

// readMigrations gives them in order.
func (s postgresStore) readMigrations() ([]migration, error) {
	dir := path.Join(s.migrations, "versioned")
	entries, err := fs.ReadDir(temporalschema.Assets(), dir)
	if err != nil {
		return nil, fmt.Errorf("read temporal's migrations: %w", err)
	}
	var all []migration
	for _, e := range entries {
		m, err := readMigration(path.Join(dir, e.Name()))
		if err != nil {
			return nil, fmt.Errorf("read temporal's migration %s: %w", e.Name(), err)
		}
		all = append(all, m)
	}
	slices.SortFunc(all, func(a, b migration) int { return a.version.Compare(b.version) })
	return all, nil
}

func readMigration(dir string) (m migration, err error) {
	text, err := fs.ReadFile(temporalschema.Assets(), path.Join(dir, "manifest.json"))
	if err != nil {
		return m, err
	}
	var manifest struct {
		CurrVersion          string
		MinCompatibleVersion string
		Description          string
		SchemaUpdateCqlFiles []string
	}
	if err := json.Unmarshal(text, &manifest); err != nil {
		return m, err
	}
	m.minCompatible, m.description = manifest.MinCompatibleVersion, manifest.Description
	if m.version, err = semver.ParseTolerant(manifest.CurrVersion); err != nil {
		return m, err
	}
	for _, name := range manifest.SchemaUpdateCqlFiles {
		file, err := temporalschema.Assets().Open(path.Join(dir, name))
		if err != nil {
			return m, err
		}
		statements, err := persistence.LoadAndSplitQueryFromReaders([]io.Reader{file})
		if err = errors.Join(err, file.Close()); err != nil {
			return m, err
		}
		m.statements = append(m.statements, statements...)
	}
	return m, nil
}

func (m migration) run(ctx context.Context, tx pgx.Tx, schema string) error {
	for _, statement := range m.statements {
		// Nobody else is there to be kept waiting, and a transaction may not do it.
		statement = strings.Replace(statement, "INDEX CONCURRENTLY ", "INDEX ", 1)
		if _, err := tx.Exec(ctx, statement); err != nil {
			return err
		}
	}
	const note = `INSERT INTO schema_update_history (version_partition, year, month, update_time, description, manifest_md5, new_version, old_version)
		SELECT 0, extract(year FROM now), extract(month FROM now), now, $2::text, '', $3::text,
			coalesce((SELECT curr_version FROM schema_version WHERE version_partition = 0 AND db_name = $1), '0')
		FROM (SELECT clock_timestamp() AT TIME ZONE 'UTC') AS clock (now)`
	if _, err := tx.Exec(ctx, note, schema, m.description, short(m.version)); err != nil {
		return err
	}
	const reach = `INSERT INTO schema_version (version_partition, db_name, creation_time, curr_version, min_compatible_version)
		VALUES (0, $1, now() AT TIME ZONE 'UTC', $2, $3)
		ON CONFLICT (version_partition, db_name) DO UPDATE SET creation_time = excluded.creation_time,
			curr_version = excluded.curr_version, min_compatible_version = excluded.min_compatible_version`
	_, err := tx.Exec(ctx, reach, schema, short(m.version), m.minCompatible)
	return err
}

// short is a version as Temporal writes it.
func short(v semver.Version) string { return fmt.Sprintf("%d.%d", v.Major, v.Minor) }

// SQLSTATE codes that people can do something about.
const (
	insufficientPrivilege = "42501"
	undefinedFile         = "58P01" // of an extension that is not installed, up to Postgres 15
	featureNotSupported   = "0A000" // the same since
)

// advise adds what to do to errors that a role with more rights, or an operator, can help with.
func (p *postgres) advise(err error) error {
	pg, ok := errors.AsType[*pgconn.PgError](err)
	if !ok {
		return err
	}
	switch role := (pgx.Identifier{p.database.User}).Sanitize(); pg.Code { //nolint:misspell // pgx's word
	case insufficientPrivilege:
		return fmt.Errorf("%w; let the database's owner run: CREATE SCHEMA IF NOT EXISTS %s AUTHORIZATION %[4]s; "+
			"CREATE SCHEMA IF NOT EXISTS %[3]s AUTHORIZATION %[4]s; CREATE EXTENSION IF NOT EXISTS btree_gin; "+
			"or keep the engine's data in files (--engine-store pebble)", err, postgresMain().schema, postgresVisibility().schema, role)
	case undefinedFile, featureNotSupported:
		return fmt.Errorf("%w; install the extension btree_gin at the database's server (postgresql-contrib), "+
			"or keep the engine's data in files (--engine-store pebble)", err)
	}
	return err
}
