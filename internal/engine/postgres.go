package engine

import (
	"context"
	"fmt"
	"time"

	"github.com/iancoleman/strcase"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/jmoiron/sqlx"
	"go.temporal.io/server/common/config"
	"go.temporal.io/server/common/dynamicconfig"
	"go.temporal.io/server/common/persistence/sql/sqlplugin/postgresql"
	pgschema "go.temporal.io/server/schema/postgresql/v12"
	sqliteschema "go.temporal.io/server/schema/sqlite"
	"go.temporal.io/server/temporal"
)

// postgresStore is one of the two that Temporal has in the database, in a Postgres schema of its own.
type postgresStore struct {
	schema      string // in databases: never rename
	migrations  string // Temporal's, by their embedded directory
	version     string // that this Temporal needs
	connections int    // at most, of each of Temporal's four services
}

func postgresMain() postgresStore {
	return postgresStore{"postrider_temporal", "postgresql/v12/temporal", pgschema.Version, 12}
}

func postgresVisibility() postgresStore {
	return postgresStore{"postrider_temporal_visibility", "postgresql/v12/visibility", pgschema.VisibilityVersion, 4}
}

// postgres keeps everything in the database that Postrider's own rows are in.
type postgres struct{ database *pgx.ConnConfig }

func (p *postgres) open(ctx context.Context, cfg Config) error {
	if err := p.migrate(ctx, postgresMain(), postgresVisibility()); err != nil {
		return err
	}
	ns, err := newNamespace(cfg.Namespace, cfg.Retention)
	if err != nil {
		return err
	}
	if err := sqliteschema.CreateNamespaces(p.config(postgresMain()), ns); err != nil { // of any SQL, in spite of its name
		return fmt.Errorf("create namespace %s: %w", cfg.Namespace, err)
	}
	return nil
}

func (p *postgres) persistence() config.Persistence {
	return config.Persistence{
		DefaultStore: mainStore, VisibilityStore: visibilityStore, NumHistoryShards: shards,
		DataStores: map[string]config.DataStore{
			mainStore:       {SQL: p.config(postgresMain())},
			visibilityStore: {SQL: p.config(postgresVisibility())},
		},
	}
}

func (*postgres) options() []temporal.ServerOption { return nil }

func (*postgres) settings() dynamicconfig.StaticClient {
	return dynamicconfig.StaticClient{
		// Commits of a shard share the server's fsync. By default one at a time holds the shard until it is on disk.
		dynamicconfig.ShardIOConcurrency.Key(): 16,
	}
}

func (*postgres) close(context.Context) error { return nil } // the services have closed their connections

// config is for Temporal's plugin, which asks Connect for its connections. So they are made of the URL as a whole,
// and Temporal's configuration holds no password. DatabaseName is only a name: the key of the schema's version.
func (p *postgres) config(s postgresStore) *config.SQL {
	return &config.SQL{
		PluginName:   postgresql.PluginNamePGX,
		DatabaseName: s.schema,
		Connect:      func(*config.SQL) (*sqlx.DB, error) { return p.connect(s) },
	}
}

// connect is a pool whose connections see the store's schema only.
func (p *postgres) connect(s postgresStore) (*sqlx.DB, error) {
	database := p.database.Copy()
	database.RuntimeParams["search_path"] = s.schema
	db := sqlx.NewDb(stdlib.OpenDB(*database, stdlib.OptionAfterConnect(durationsAreNumbers)), "pgx")
	db.SetMaxOpenConns(s.connections)
	db.SetMaxIdleConns(s.connections)
	db.SetConnMaxIdleTime(time.Minute)
	db.MapperFunc(strcase.ToSnake)                                           // a column's name from a field's
	ctx, cancel := context.WithTimeout(context.Background(), connectTimeout) // Temporal gives none
	defer cancel()
	if err := db.PingContext(ctx); err != nil {
		_ = db.Close()
		return nil, err
	}
	return db, nil
}

// durationsAreNumbers makes pgx write durations as Temporal stores them, in nanoseconds. By itself it
// does so unless the URL asks for the simple protocol.
func durationsAreNumbers(_ context.Context, c *pgx.Conn) error {
	c.TypeMap().RegisterDefaultPgType(time.Duration(0), "int8")
	c.TypeMap().RegisterDefaultPgType(new(time.Duration), "int8")
	return nil
}
