package engine_test

import (
	"database/sql"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/postrider/postrider/internal/engine"
	"github.com/postrider/postrider/internal/testkit/temporaltest"
)

func execute(t *testing.T, path string, statements ...string) {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for _, statement := range statements {
		if _, err := db.ExecContext(t.Context(), statement); err != nil {
			t.Fatalf("%s: %v", statement, err)
		}
	}
}

func value(t *testing.T, path, query string) (v string) {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+path+"?mode=ro")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if err := db.QueryRowContext(t.Context(), query).Scan(&v); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return v
}

// partial is what a set-up that was cut short after a few statements leaves.
const partial = "CREATE TABLE namespaces(partition_id INT NOT NULL, id BINARY(16) NOT NULL, name VARCHAR(255) UNIQUE NOT NULL)"

func TestTheFilesAreMadeAsTheyShouldBe(t *testing.T) {
	t.Parallel()
	sharedOn(t, engine.SQLite)
	for _, name := range []string{"temporal.db", "temporal-visibility.db"} {
		path := filepath.Join(sharedDirOf(engine.SQLite), name)
		for query, want := range map[string]string{
			"PRAGMA user_version": "1",
			"PRAGMA auto_vacuum":  "2",
			"PRAGMA journal_mode": "wal",
		} {
			if got := value(t, path, query); got != want {
				t.Errorf("%s: %s: got %s, want %s", name, query, got, want)
			}
		}
	}
	const names = "SELECT coalesce(group_concat(name, ' ' ORDER BY name), '') FROM sqlite_schema WHERE type = "
	visibility := filepath.Join(sharedDirOf(engine.SQLite), "temporal-visibility.db")
	want := "by_keyword_01 by_keyword_02 by_parent_workflow_id by_status by_temporal_namespace_division by_workflow_id by_workflow_type default_idx"
	if got := value(t, visibility, names+"'index' AND sql IS NOT NULL"); got != want {
		t.Errorf("indexes: got %s, want %s", got, want)
	}
	if got := value(t, visibility, "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name IN ('executions', 'executions_visibility_fts_text')"); got != "0" {
		t.Errorf("%s tables too many", got)
	}
	if got := value(t, visibility, "SELECT count(*) FROM pragma_table_xinfo('executions_visibility') WHERE name IN ('Keyword02', 'Keyword10', 'Int01', 'Text03')"); got != "2" {
		t.Errorf("%s of the four columns are there, want the two keywords", got)
	}
	if got := value(t, filepath.Join(sharedDirOf(engine.SQLite), "temporal.db"), "SELECT count(*) FROM sqlite_schema WHERE name LIKE 'executions_visibility%'"); got != "0" {
		t.Errorf("the main file has %s things of visibility", got)
	}
}

func TestASetUpThatWasCutShortIsDoneAgain(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	execute(t, filepath.Join(dir, "temporal.db"), "PRAGMA journal_mode = wal", partial)
	execute(t, filepath.Join(dir, "temporal-visibility.db"), "PRAGMA journal_mode = wal") // no table yet
	s := temporaltest.StartWith(t, engine.Config{Dir: dir, Store: engine.SQLite, UIListen: engine.Off})
	start(t, temporaltest.Dial(t, s), "one", "DeliverEvent")
}

func TestFilesThatAreNotOursAreRefusedAndLeftAlone(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		file       string
		statements []string
		want       string
	}{
		"a newer schema": {"temporal.db", []string{partial, "PRAGMA user_version = 2"}, "was written by a newer Postrider (schema 2, this one knows 1)"},
		"a newer schema of visibility": {
			"temporal-visibility.db",
			[]string{"CREATE TABLE executions_visibility(x)", "PRAGMA user_version = 9"},
			"was written by a newer Postrider (schema 9, this one knows 1)",
		},
		"an older schema":          {"temporal.db", []string{partial, "PRAGMA user_version = -1"}, "was written by an older Postrider (schema -1, this one needs 1)"},
		"somebody else's database": {"temporal.db", []string{partial, "CREATE TABLE cats(name)"}, "is not a file of Postrider's: it has a table cats"},
		"workflows are in it": {
			"temporal.db",
			[]string{partial, "CREATE TABLE executions(x)", "INSERT INTO executions VALUES (1)"},
			"is a Temporal database, but not one that Postrider made",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), tc.file)
			execute(t, path, tc.statements...)
			before := value(t, path, "SELECT group_concat(sql) FROM sqlite_schema")
			_, err := engine.Start(t.Context(), engine.Config{Dir: filepath.Dir(path), Store: engine.SQLite, Listen: "127.0.0.1:0", UIListen: engine.Off})
			if err == nil || !strings.Contains(err.Error(), tc.want) || !strings.Contains(err.Error(), path) {
				t.Errorf("got %v, want %s", err, tc.want)
			}
			if got := value(t, path, "SELECT group_concat(sql) FROM sqlite_schema"); got != before {
				t.Errorf("it is now %s", got)
			}
		})
	}
}

func TestAFileThatIsNoDatabaseIsRefused(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "temporal.db")
	if err := os.WriteFile(path, []byte(strings.Repeat("not a database. ", 1000)), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := engine.Start(t.Context(), engine.Config{Dir: filepath.Dir(path), Store: engine.SQLite, Listen: "127.0.0.1:0", UIListen: engine.Off})
	if err == nil || !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), "not a database") {
		t.Errorf("got %v", err)
	}
}
