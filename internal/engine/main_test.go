package engine_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"go.temporal.io/sdk/temporal"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/postrider/postrider/internal/engine"
	"github.com/postrider/postrider/workflows"
)

var (
	tenant    = temporal.NewSearchAttributeKeyKeyword(workflows.AttributeTenant)
	eventType = temporal.NewSearchAttributeKeyKeyword(workflows.AttributeEventType)
)

// One server of each kind for all tests that do not stop it, since each costs a second.
var (
	sharedDir     string
	sharedServers = map[engine.StoreKind]*engine.Server{}
	sharedLock    sync.Mutex
)

// shared is the server of whoever says nothing.
func shared(t *testing.T) *engine.Server {
	t.Helper()
	return sharedOn(t, engine.Pebble)
}

func sharedOn(t *testing.T, kind engine.StoreKind) *engine.Server {
	t.Helper()
	sharedLock.Lock()
	defer sharedLock.Unlock()
	if s := sharedServers[kind]; s != nil {
		return s
	}
	cfg := configOf(t, kind)
	cfg.Dir, cfg.Listen, cfg.UIListen = sharedDirOf(kind), "127.0.0.1:0", "localhost:0"
	s, err := engine.Start(context.Background(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	sharedServers[kind] = s
	return s
}

func stopShared(kind engine.StoreKind) {
	sharedLock.Lock()
	defer sharedLock.Unlock()
	if s := sharedServers[kind]; s != nil {
		s.Stop()
		delete(sharedServers, kind)
	}
}

func sharedDirOf(kind engine.StoreKind) string { return filepath.Join(sharedDir, string(kind)) }

// newDatabase makes an empty database for the test: with the tag integration only.
var newDatabase func(t *testing.T) string

// configOf is that of a server on a new store of the kind.
func configOf(t *testing.T, kind engine.StoreKind) engine.Config {
	t.Helper()
	cfg := engine.Config{Dir: t.TempDir(), Store: kind, UIListen: engine.Off}
	if kind == engine.Postgres {
		cfg.DatabaseURL = newDatabase(t)
	}
	return cfg
}

// onEach runs a test on every kind of store that needs nothing but files; TestPostgres has the same for the third.
func onEach(t *testing.T, test func(t *testing.T, kind engine.StoreKind)) {
	t.Helper()
	for _, kind := range []engine.StoreKind{engine.Pebble, engine.SQLite} {
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			test(t, kind)
		})
	}
}

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "engine")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	sharedDir = dir
	defer os.RemoveAll(dir)
	defer func() {
		for _, s := range sharedServers {
			s.Stop()
		}
	}()
	return m.Run()
}

func durationOf(d time.Duration) *durationpb.Duration { return durationpb.New(d) }

func contextWithTimeout(t *testing.T, d time.Duration) (context.Context, context.CancelFunc) {
	t.Helper()
	return context.WithTimeout(t.Context(), d)
}
