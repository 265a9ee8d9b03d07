package engine_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/postrider/postrider/internal/engine"
	"github.com/postrider/postrider/internal/testkit/temporaltest"
)

func TestWhoSaysNothingGetsTheStoreThatIsThere(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	first := temporaltest.StartWith(t, engine.Config{Dir: dir, Store: engine.SQLite, UIListen: engine.Off})
	start(t, temporaltest.Dial(t, first), "survivor", "DeliverEvent")
	first.Stop()

	second := temporaltest.StartWith(t, engine.Config{Dir: dir, UIListen: engine.Off})
	if _, err := temporaltest.Dial(t, second).DescribeWorkflowExecution(t.Context(), "survivor", ""); err != nil {
		t.Error(err)
	}
}

func TestADirectoryOfTheOtherStoreIsRefused(t *testing.T) {
	t.Parallel()
	for there, asked := range map[engine.StoreKind]engine.StoreKind{engine.SQLite: engine.Pebble, engine.Pebble: engine.SQLite} {
		dir := t.TempDir()
		temporaltest.StartWith(t, engine.Config{Dir: dir, Store: there, UIListen: engine.Off}).Stop()
		_, err := engine.Start(t.Context(), engine.Config{Dir: dir, Store: asked, Listen: "127.0.0.1:0", UIListen: engine.Off})
		if want := "start with --engine-store " + string(there); err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: got %v, want %s", there, err, want)
		}
	}
}

func TestADamagedDatabaseIsRefused(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	temporaltest.StartWith(t, engine.Config{Dir: dir, Store: engine.Pebble, UIListen: engine.Off}).Stop()
	manifests, err := filepath.Glob(filepath.Join(dir, "pebble", "MANIFEST-*"))
	if err != nil || len(manifests) == 0 {
		t.Fatalf("no manifest: %v", err)
	}
	for _, name := range manifests {
		if err := os.WriteFile(name, []byte("nothing of Pebble's"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	_, err = engine.Start(t.Context(), engine.Config{Dir: dir, Listen: "127.0.0.1:0", UIListen: engine.Off})
	if err == nil || !strings.Contains(err.Error(), dir) || strings.Contains(err.Error(), "\n") {
		t.Errorf("got %v", err)
	}
}
