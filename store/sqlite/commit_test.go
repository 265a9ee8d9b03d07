package sqlite_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/postrider/postrider/store"
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
