package sqlite_test

import (
	"database/sql"
	"fmt"
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// judgeStatements asks SQLite for the plan of every statement that the suite came upon.
func judgeStatements(t *testing.T, statements map[string]bool) {
	t.Helper()
	if len(statements) < 100 {
		t.Fatalf("only %d statements were seen", len(statements))
	}
	path := filepath.Join(t.TempDir(), "facts.db")
	open(t, path)
	pool, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	planned := regexp.MustCompile(`^(SELECT|INSERT|UPDATE|DELETE|WITH)`)
	for _, text := range slices.Sorted(maps.Keys(statements)) {
		if !planned.MatchString(text) {
			continue
		}
		for _, step := range plan(t, pool, text) {
			if fault := judge(text, step); fault != "" {
				t.Errorf("%s: %s\n%s", fault, step, text)
			}
		}
	}
}

// judge says what is wrong with a step of a plan. To walk a table in its order up to a limit is
// right, as is to walk what is no table: keys that were passed in, a recursion's own rows, new
// rows. So is the outbox, all of whose rows are the one node's that may use the file.
func judge(text, step string) string {
	switch {
	case strings.HasPrefix(step, "SCAN json_each"), step == "SCAN step", step == "SCAN CONSTANT ROW", step == "SCAN o",
		strings.HasSuffix(step, "ROW VALUES CLAUSE"):
		return ""
	case strings.HasPrefix(step, "SCAN") && !strings.Contains(text, "LIMIT"):
		return "reads a whole table"
	case strings.Contains(step, "TEMP B-TREE FOR ORDER BY"):
		return "sorts"
	}
	return ""
}

func plan(t *testing.T, pool *sql.DB, text string) []string {
	t.Helper()
	rows, err := pool.QueryContext(t.Context(), "EXPLAIN QUERY PLAN "+text, make([]any, 600)...)
	if err != nil {
		t.Fatal(fmt.Errorf("%s: %w", text, err))
	}
	defer rows.Close()
	var steps []string
	for rows.Next() {
		var id, parent, unused int
		var detail string
		if err := rows.Scan(&id, &parent, &unused, &detail); err != nil {
			t.Fatal(err)
		}
		steps = append(steps, detail)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return steps
}
