package sqlite_test

import (
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/postrider/postrider/store"
	"github.com/postrider/postrider/store/sqlite"
	"github.com/postrider/postrider/store/storetest"
)

// open opens the file and closes it at the test's end.
func open(t *testing.T, path string) *sqlite.DB {
	t.Helper()
	db, err := sqlite.Open(t.Context(), path, sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return db
}

// migrated is the content of a new database, so that not every test has to wait for the migrations.
func migrated(t *testing.T) []byte {
	t.Helper()
	path := filepath.Join(t.TempDir(), "facts.db")
	if err := sqlite.Migrate(t.Context(), path); err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return content
}

func TestStore(t *testing.T) {
	t.Parallel()
	template := migrated(t)
	var mu sync.Mutex
	statements := map[string]bool{}
	t.Run("the suite", func(t *testing.T) {
		storetest.Run(t, func(t *testing.T) store.Store {
			t.Helper()
			path := filepath.Join(t.TempDir(), "facts.db")
			if err := os.WriteFile(path, template, 0o600); err != nil {
				t.Fatal(err)
			}
			db := open(t, path)
			t.Cleanup(func() {
				mu.Lock()
				defer mu.Unlock()
				for _, text := range db.Statements() {
					statements[text] = true
				}
			})
			return db
		})
	})
	t.Run("every statement uses an index", func(t *testing.T) { judgeStatements(t, statements) })
}
