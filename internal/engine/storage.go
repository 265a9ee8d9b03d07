package engine

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

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
)

// Valid reports whether k is one of the constants.
func (k StoreKind) Valid() bool { return k == Pebble || k == SQLite }

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

// storageIn is that of the directory: of the kind that is asked for, or that is there, or Pebble.
func storageIn(dir string, want StoreKind, fatal func(error)) (storage, error) {
	found, err := kindIn(dir)
	if err != nil {
		return nil, err
	}
	if want == "" {
		want = found
	}
	if found != "" && want != found {
		return nil, fmt.Errorf("the engine's data in %s is in %s, not in %s: start with --engine-store %s, or with another data directory",
			dir, found, want, found)
	}
	if want == SQLite {
		fs := filesIn(dir)
		return &fs, nil
	}
	return &database{dir: filepath.Join(dir, pebbleDir), fatal: fatal}, nil
}

// kindIn is the kind of the data in the directory, or empty.
func kindIn(dir string) (StoreKind, error) {
	for kind, name := range map[StoreKind]string{SQLite: mainFile, Pebble: pebbleDir} {
		_, err := os.Stat(filepath.Join(dir, name))
		if err == nil {
			return kind, nil
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return "", fmt.Errorf("look for the engine's data: %w", err)
		}
	}
	return "", nil
}
