package sqlite_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/postrider/postrider/store"
	"github.com/postrider/postrider/store/sqlite"
)

// TestAnOpThatFailsDoesNotTakeTheOthersWithIt has many callers in one transaction, one of which
// the database refuses.
func TestAnOpThatFailsDoesNotTakeTheOthersWithIt(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "facts.db")
	db := open(t, path)
	execute(t, path, `CREATE TRIGGER refuse BEFORE INSERT ON events WHEN NEW.id = 'evt_7' BEGIN SELECT RAISE(ABORT, 'refused'); END`)
	var callers sync.WaitGroup
	for i := range 64 {
		callers.Go(func() {
			id := fmt.Sprintf("evt_%d", i)
			_, err := db.Accept(t.Context(), []store.NewEvent{{Tenant: "a", ID: id, Type: "x", CreatedAt: time.Unix(1, 0)}})
			if refused := err != nil && strings.Contains(err.Error(), "refused"); refused != (i == 7) {
				t.Errorf("event %s: %v", id, err)
			}
		})
	}
	callers.Wait()
	page, err := db.ListEvents(t.Context(), store.EventQuery{PageQuery: store.PageQuery{Limit: 100}})
	if err != nil || len(page.Data) != 63 {
		t.Fatalf("%d events, %v", len(page.Data), err)
	}
}

func TestACallerThatHasGoneWritesNothing(t *testing.T) {
	t.Parallel()
	db := open(t, filepath.Join(t.TempDir(), "facts.db"))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := db.Accept(ctx, []store.NewEvent{{Tenant: "a", ID: "evt_1", Type: "x", CreatedAt: time.Unix(1, 0)}})
	if !errors.Is(err, context.Canceled) {
		t.Fatalf("error is %v", err)
	}
	if _, err := db.Event(t.Context(), "a", "evt_1"); err == nil {
		t.Fatal("the event is there")
	}
}

func TestInACrowdCommitsKeepADistance(t *testing.T) {
	t.Parallel()
	var crowds atomic.Int64
	db, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "facts.db"), sqlite.Options{Committed: func(calls int, _ time.Duration) {
		if calls >= sqlite.Crowd {
			crowds.Add(1)
		}
	}})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	begun := time.Now()
	var callers sync.WaitGroup
	for i := range 32 {
		callers.Go(func() {
			for n := range 30 {
				id := fmt.Sprintf("evt_%d_%d", i, n)
				if _, err := db.Accept(t.Context(), []store.NewEvent{{Tenant: "a", ID: id, Type: "x", CreatedAt: time.Unix(1, 0)}}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	callers.Wait()
	most := int64(time.Since(begun)/sqlite.Distance) + 1
	if n := crowds.Load(); n == 0 || n > most {
		t.Errorf("%d commits of a crowd, want some and at most %d", n, most)
	}
}
