package sqlite_test

import (
	"database/sql"
	"path/filepath"
	"testing"
	"time"

	"github.com/postrider/postrider/store"
	"github.com/postrider/postrider/webhook"
)

func TestALogThatAReaderHoldsUpIsNoticed(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "facts.db")
	db := open(t, path)
	fill := func() {
		for range 70 {
			event := store.NewEvent{Tenant: "a", ID: webhook.NewID("evt_"), Type: "x", Data: make([]byte, 1<<20), CreatedAt: time.Unix(1, 0)}
			if _, err := db.Accept(t.Context(), []store.NewEvent{event}); err != nil {
				t.Fatal(err)
			}
		}
	}
	await := func(what string, ok func(bytes int64) bool) {
		t.Helper()
		deadline := time.After(20 * time.Second)
		for !ok(db.LogBytes()) {
			select {
			case <-deadline:
				t.Fatalf("the log is %d bytes long, want %s", db.LogBytes(), what)
			case <-time.After(20 * time.Millisecond):
			}
		}
	}
	reader, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	reading, err := reader.BeginTx(t.Context(), &sql.TxOptions{ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	var n int
	if err := reading.QueryRowContext(t.Context(), "SELECT count(*) FROM events").Scan(&n); err != nil {
		t.Fatal(err)
	}
	fill()
	await("what was written", func(bytes int64) bool { return bytes > 70<<20 })
	if err := reading.Rollback(); err != nil {
		t.Fatal(err)
	}
	await("nothing, although nothing more is written", func(bytes int64) bool { return bytes == 0 })
	fill()
	for end := time.Now().Add(2500 * time.Millisecond); time.Now().Before(end); { // two checkpoints
		await("nothing where nobody reads", func(bytes int64) bool { return bytes == 0 })
		if _, err := db.RegisterNode(t.Context(), "a"); err != nil { // a commit
			t.Fatal(err)
		}
	}
}
