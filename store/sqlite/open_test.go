package sqlite_test

import (
	"bytes"
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/postrider/postrider/store"
	"github.com/postrider/postrider/store/sqlite"
	"github.com/postrider/postrider/webhook"
)

func TestOpenTakesAnyPath(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"plain.db", "a?b=c.db", "a#b.db", "a%20b.db", "a b&c.db", "ü'\".db"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), name)
			if _, err := open(t, path).RegisterNode(t.Context(), "a"); err != nil {
				t.Fatal(err)
			}
			if _, err := os.Stat(path); err != nil {
				t.Fatal(err)
			}
		})
	}
}

func TestOpenRefuses(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name string
		make func(t *testing.T, path string)
		want string
	}{
		{"a file that is no database", func(t *testing.T, path string) {
			t.Helper()
			write(t, path, []byte("these are my notes, and nobody shall touch them"))
		}, "not a SQLite database"},
		{"a short file that is no database", func(t *testing.T, path string) {
			t.Helper()
			write(t, path, []byte("x"))
		}, "not a SQLite database"},
		{"a directory", func(t *testing.T, path string) {
			t.Helper()
			if err := os.Mkdir(path, 0o700); err != nil {
				t.Fatal(err)
			}
		}, "directory"},
		{"the database of somebody else", func(t *testing.T, path string) {
			t.Helper()
			execute(t, path, "CREATE TABLE mine (x)")
		}, "not Postrider's"},
		{"a database of a newer version", func(t *testing.T, path string) {
			t.Helper()
			write(t, path, migrated(t))
			execute(t, path, "INSERT INTO goose_db_version (version_id, is_applied) VALUES (9999, 1)")
		}, "newer Postrider"},
		{"a database that is damaged", func(t *testing.T, path string) {
			t.Helper()
			content := migrated(t)
			copy(content[100:], strings.Repeat("\x00", len(content)-100))
			write(t, path, content)
		}, "malformed"},
		{"a path in a directory that is not there", func(t *testing.T, path string) {
			t.Helper()
			if err := os.Remove(filepath.Dir(path)); err != nil {
				t.Fatal(err)
			}
		}, "unable to open database file"},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "facts.db")
			row.make(t, path)
			before, _ := os.ReadFile(path)
			db, err := sqlite.Open(t.Context(), path, sqlite.Options{})
			if err == nil {
				db.Close()
				t.Fatal("it was opened")
			}
			if !strings.Contains(err.Error(), row.want) || !strings.Contains(err.Error(), path) {
				t.Fatalf("error is %q, want the path and %q", err, row.want)
			}
			if after, _ := os.ReadFile(path); !bytes.Equal(after, before) {
				t.Fatal("the file was changed")
			}
		})
	}
}

func write(t *testing.T, path string, content []byte) {
	t.Helper()
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
}

func execute(t *testing.T, path, statement string) {
	t.Helper()
	pool, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	if _, err := pool.ExecContext(t.Context(), statement); err != nil {
		t.Fatal(err)
	}
}

func TestWhatWasWrittenIsThereAfterReopening(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "facts.db")
	first, err := sqlite.Open(t.Context(), path, sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	event := store.NewEvent{Tenant: "a", ID: "evt_1", Type: "x", Data: []byte("data"), CreatedAt: time.Unix(1, 0)}
	accepted, err := first.Accept(t.Context(), []store.NewEvent{event})
	if err != nil {
		t.Fatal(err)
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	second := open(t, path)
	if first.ID() != second.ID() {
		t.Fatalf("ID is %s, was %s", second.ID(), first.ID())
	}
	data, err := second.EventData(t.Context(), accepted[0].Event.UID)
	if err != nil || string(data) != "data" {
		t.Fatalf("data is %q, %v", data, err)
	}
}

func TestNoKeyIsUsedTwiceEvenIfItsRowIsGone(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "facts.db")
	last := int64(0)
	for range 3 {
		db, err := sqlite.Open(t.Context(), path, sqlite.Options{})
		if err != nil {
			t.Fatal(err)
		}
		accepted, err := db.Accept(t.Context(), []store.NewEvent{{Tenant: "a", ID: "evt_1", Type: "x", CreatedAt: time.Unix(1, 0)}})
		if err != nil {
			t.Fatal(err)
		}
		uid := accepted[0].Event.UID
		if uid <= last {
			t.Fatalf("UID %d follows %d", uid, last)
		}
		last = uid
		if n, err := db.DeleteEvents(t.Context(), time.Now(), 10); n != 1 || err != nil {
			t.Fatalf("deleted %d, %v", n, err)
		}
		if err := db.OutboxDone(t.Context(), []int64{uid}); err != nil {
			t.Fatal(err)
		}
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestAClosedDatabaseRefusesWrites(t *testing.T) {
	t.Parallel()
	db, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "facts.db"), sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if err := db.Ready(t.Context()); !errors.Is(err, webhook.Unavailable) {
		t.Fatalf("error is %v", err)
	}
}

func TestSpaceOfDeletedEventsIsGivenBack(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "facts.db")
	db := open(t, path)
	events := make([]store.NewEvent, 200)
	for i := range events {
		events[i] = store.NewEvent{Tenant: "a", ID: webhook.NewID("evt_"), Type: "x", Data: make([]byte, 20_000), CreatedAt: time.Unix(1, 0)}
	}
	if _, err := db.Accept(t.Context(), events); err != nil {
		t.Fatal(err)
	}
	pages := func() int64 {
		pool, err := sql.Open("sqlite", path)
		if err != nil {
			t.Fatal(err)
		}
		defer pool.Close()
		var n int64
		if err := pool.QueryRowContext(t.Context(), "PRAGMA page_count").Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	full := pages()
	if _, err := db.DeleteEvents(t.Context(), time.Now(), 1000); err != nil {
		t.Fatal(err)
	}
	if err := db.Compact(t.Context()); err != nil {
		t.Fatal(err)
	}
	if now := pages(); now > full*3/4 {
		t.Fatalf("%d pages, were %d", now, full)
	}
}
