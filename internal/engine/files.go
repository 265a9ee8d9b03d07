package engine

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
	"time"

	"go.temporal.io/server/common/config"
	"go.temporal.io/server/common/dynamicconfig"
	sqliteplugin "go.temporal.io/server/common/persistence/sql/sqlplugin/sqlite"
	sqliteschema "go.temporal.io/server/schema/sqlite"
	"go.temporal.io/server/temporal"
)

// file is one of the engine's two SQLite files.
type file struct {
	path   string
	schema schema
}

// files are the engine's. Visibility, which the list queries of UI and API read, has its own: a connection
// of its own, so that its writes do not queue before those that workflows wait for.
type files struct{ main, visibility file }

const mainFile = "temporal.db"

func filesIn(dir string) files {
	return files{
		main:       file{filepath.Join(dir, mainFile), mainSchema()},
		visibility: file{filepath.Join(dir, "temporal-visibility.db"), visibilitySchema()},
	}
}

func (fs *files) open(ctx context.Context, cfg Config) error {
	for _, f := range []file{fs.main, fs.visibility} {
		if err := f.setUp(ctx); err != nil {
			return err
		}
	}
	ns, err := newNamespace(cfg.Namespace, cfg.Retention)
	if err != nil {
		return err
	}
	if err := sqliteschema.CreateNamespaces(fs.main.config(), ns); err != nil {
		return fmt.Errorf("create namespace %s: %w", cfg.Namespace, err)
	}
	return nil
}

func (fs *files) persistence() config.Persistence {
	return config.Persistence{
		DefaultStore: mainStore, VisibilityStore: visibilityStore, NumHistoryShards: shards,
		DataStores: map[string]config.DataStore{mainStore: {SQL: fs.main.config()}, visibilityStore: {SQL: fs.visibility.config()}},
	}
}

func (*files) options() []temporal.ServerOption { return nil }

func (*files) settings() dynamicconfig.StaticClient { return nil }

// close moves the write-ahead logs into the files. Visibility first: after a crash between the two it is
// the older of them, and a workflow that it does not know yet is written again by a task of the other, whereas
// one that the other does not know would stay in lists for ever.
func (fs *files) close(ctx context.Context) error {
	return errors.Join(fs.visibility.checkpoint(ctx), fs.main.checkpoint(ctx))
}

// config is for Temporal's plugin, which runs every attribute that is not part of SQLite's URI as a pragma on
// each connection. One connection: its transactions begin as readers, so a second one would fail them as busy,
// which Temporal answers by reloading the whole shard. synchronous=normal survives a kill of the process; the
// last moments before a power failure are restored from the store's rows.
func (f file) config() *config.SQL {
	return &config.SQL{
		PluginName:   sqliteplugin.PluginName,
		DatabaseName: f.escaped(),
		MaxConns:     1,
		MaxIdleConns: 1,
		ConnectAttributes: map[string]string{
			"mode":               "rw", // the file is there: an empty one made here would have no schema
			"busy_timeout":       "5000",
			"journal_mode":       "wal",
			"synchronous":        "normal",
			"cache_size":         "-32768", // KiB
			"temp_store":         "memory",
			"journal_size_limit": "67108864",
		},
	}
}

// escaped is the path as SQLite's URI wants it; the plugin puts it between "file:" and "?" as it is.
func (f file) escaped() string { return (&url.URL{Path: f.path}).EscapedPath() }

// open is a connection of our own, beside the plugin's.
func (f file) open() (*sql.DB, error) {
	db, err := sql.Open("sqlite", "file:"+f.escaped()+"?_pragma=busy_timeout(5000)")
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", f.path, err)
	}
	db.SetMaxOpenConns(1)
	return db, nil
}

func (f file) checkpoint(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	db, err := f.open()
	if err != nil {
		return err
	}
	_, err = db.ExecContext(ctx, "PRAGMA wal_checkpoint(TRUNCATE)")
	if err = errors.Join(err, db.Close()); err != nil {
		return fmt.Errorf("checkpoint %s: %w", f.path, err)
	}
	return nil
}
