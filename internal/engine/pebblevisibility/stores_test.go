package pebblevisibility_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/google/uuid"
	"go.temporal.io/server/chasm"
	chasmtests "go.temporal.io/server/chasm/lib/tests"
	"go.temporal.io/server/common/config"
	"go.temporal.io/server/common/dynamicconfig"
	"go.temporal.io/server/common/log"
	"go.temporal.io/server/common/metrics"
	"go.temporal.io/server/common/persistence/serialization"
	"go.temporal.io/server/common/persistence/visibility/store"
	"go.temporal.io/server/common/persistence/visibility/store/sql"
	"go.temporal.io/server/common/resolver"
	"go.temporal.io/server/common/searchattribute"

	"github.com/postrider/postrider/internal/engine/pebblestore"
	"github.com/postrider/postrider/internal/engine/pebblevisibility"
)

// openDB is a database in memory, small enough for files to be written and merged.
func openDB(t testing.TB) *pebblestore.DB {
	t.Helper()
	return open(t, "engine", pebblestore.Options{FS: vfs.NewMem(), MemTable: 256 << 10})
}

func open(t testing.TB, dir string, o pebblestore.Options) *pebblestore.DB {
	t.Helper()
	db, err := pebblestore.Open(dir, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return db
}

// onPebble is the store to test.
func onPebble(t testing.TB, db *pebblestore.DB) store.VisibilityStore {
	t.Helper()
	return newStore(t, pebblevisibility.NewFactory(db))
}

func newStore(t testing.TB, f *pebblevisibility.Factory) store.VisibilityStore {
	t.Helper()
	s, err := f.NewVisibilityStore(
		config.CustomDatastoreConfig{IndexName: "visibility"},
		searchattribute.NewTestProvider(), searchattribute.NewTestMapperProvider(nil), nil, archetypes(t),
		resolver.NewNoopResolver(), log.NewNoopLogger(), metrics.NoopMetricsHandler,
	)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// onSQLite is Temporal's store with the schema as it comes, in memory.
func onSQLite(t testing.TB) store.VisibilityStore {
	t.Helper()
	s, err := sql.NewSQLVisibilityStore(
		config.SQL{
			PluginName: "sqlite", DatabaseName: fmt.Sprintf("visibility-%s", uuid.NewString()),
			ConnectAttributes: map[string]string{"mode": "memory", "cache": "private"},
		},
		resolver.NewNoopResolver(), searchattribute.NewTestProvider(), searchattribute.NewTestMapperProvider(nil),
		archetypes(t), dynamicconfig.GetBoolPropertyFn(true), log.NewNoopLogger(), metrics.NoopMetricsHandler,
		serialization.NewSerializer(),
	)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

// bounded is a context for calls that take no time.
func bounded() context.Context { return context.Background() }

// openStopped is a database that answers nothing any more.
func openStopped() (*pebblestore.DB, error) {
	db, err := pebblestore.Open("engine", pebblestore.Options{FS: vfs.NewMem()})
	if err != nil {
		return nil, err
	}
	return db, db.Close()
}

// archetypes has one of Temporal's for tests.
func archetypes(t testing.TB) *chasm.Registry {
	t.Helper()
	r := chasm.NewRegistry(log.NewNoopLogger())
	if err := r.Register(chasmtests.Library); err != nil {
		t.Fatal(err)
	}
	return r
}
