package engine

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/jackc/pgx/v5"
	"go.temporal.io/server/common/config"
	"go.temporal.io/server/common/dynamicconfig"
	"go.temporal.io/server/temporal"
)

// StoreKind says in what the embedded server keeps its data.
type StoreKind string

// Kinds of stores.
const (
	Pebble StoreKind = "pebble" // every commit is on disk when it is answered
	SQLite StoreKind = "sqlite" // the last moments before a power failure are lost, and restored from the store's rows

	Postgres StoreKind = "postgres" // in the database that the store's rows are in
)

// Valid reports whether k is one of the constants.
func (k StoreKind) Valid() bool { return k == Pebble || k == SQLite || k == Postgres }

// storage is where the embedded server keeps its data.
type storage interface {
	// open makes it ready for a server to start on, with the namespace in it.
	open(ctx context.Context, cfg Config) error
	persistence() config.Persistence
	options() []temporal.ServerOption
	settings() dynamicconfig.StaticClient
	// close writes everything to its place, when the server has stopped.
	close(ctx context.Context) error
}

// Names of the two parts of the server's data, in its configuration.
const (
	mainStore       = "main"
	visibilityStore = "visibility"
)

// found is a kind of data that is there, and where.
type found struct {
	kind  StoreKind
	place string
}

// chooseStorage gives that of the kind that is asked for, or that is there, or of a new one. Two kinds that contradict each other,
// in the directory, in the database or in the configuration, are refused in one line. A database of nil is none.
func chooseStorage(ctx context.Context, cfg Config, dir string, database *pgx.ConnConfig, fatal func(error)) (storage, error) {
	there, err := kindsIn(ctx, dir, database)
	if err != nil {
		return nil, err
	}
	kind, err := chooseKind(cfg.Store, there, database != nil)
	if err != nil {
		return nil, err
	}
	switch kind {
	case SQLite:
		fs := filesIn(dir)
		return &fs, nil
	case Postgres:
		return &postgres{database: database}, nil
	default:
		return &pebbleDatabase{dir: filepath.Join(dir, pebbleDir), fatal: fatal}, nil
	}
}

func chooseKind(want StoreKind, there []found, database bool) (StoreKind, error) {
	if len(there) > 1 {
		return "", fmt.Errorf("the engine has data both %s (%s) and %s (%s): remove one of them, or use another data directory",
			there[0].place, there[0].kind, there[1].place, there[1].kind)
	}
	switch {
	case want == Postgres && !database:
		return "", errors.New("--engine-store postgres needs --database-url")
	case len(there) == 1 && want != "" && want != there[0].kind:
		return "", fmt.Errorf("the engine's data %s is in %s, not in %s: start with --engine-store %s, or with another data directory",
			there[0].place, there[0].kind, want, there[0].kind)
	case len(there) == 1:
		return there[0].kind, nil
	case want != "":
		return want, nil
	case database:
		return Postgres, nil
	default:
		return Pebble, nil
	}
}

// kindsIn are those of the data in the directory and in the database.
func kindsIn(ctx context.Context, dir string, database *pgx.ConnConfig) ([]found, error) {
	var all []found
	for _, kept := range []struct {
		kind StoreKind
		name string
	}{{Pebble, pebbleDir}, {SQLite, mainFile}} {
		_, err := os.Stat(filepath.Join(dir, kept.name))
		if err == nil {
			all = append(all, found{kept.kind, "in " + dir})
		} else if !errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("look for the engine's data: %w", err)
		}
	}
	if database == nil {
		return all, nil
	}
	there, err := postgresMain().isIn(ctx, database)
	if err != nil {
		return nil, err
	}
	if there {
		all = append(all, found{Postgres, "in the database"})
	}
	return all, nil
}
