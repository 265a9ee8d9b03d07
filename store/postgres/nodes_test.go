//go:build integration

package postgres_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	postgrestest "github.com/postrider/postrider/internal/testkit/postgres"
	"github.com/postrider/postrider/store"
	"github.com/postrider/postrider/store/postgres"
	"github.com/postrider/postrider/webhook"
)

func newEvent(id string, owner int64) store.NewEvent {
	return store.NewEvent{
		Tenant: "a", ID: id, Type: "x", Data: []byte(id), Fingerprint: webhook.FingerprintOf("x", []byte(id)),
		CreatedAt: time.Now(), Owner: owner,
	}
}

func TestNodesThatShareADatabase(t *testing.T) {
	t.Parallel()
	url := postgrestest.Start(t).Database(t)
	nodes := make([]*postgres.DB, 2)
	var opening sync.WaitGroup
	for i := range nodes { // both migrate at once
		opening.Go(func() {
			var err error
			if nodes[i], err = postgres.Open(t.Context(), url, postgres.Options{}); err != nil {
				t.Error(err)
			}
		})
	}
	opening.Wait()
	if t.Failed() {
		t.FailNow()
	}
	a, b := nodes[0], nodes[1]
	t.Cleanup(func() { a.Close(); b.Close() })

	t.Run("they know the store by one ID", func(t *testing.T) {
		if a.ID() != b.ID() {
			t.Fatalf("IDs are %s and %s", a.ID(), b.ID())
		}
	})
	t.Run("the same events accepted by both at once are new for one", func(t *testing.T) {
		var fresh, duplicates atomic.Int64
		var group sync.WaitGroup
		for round := range 20 {
			for i, db := range nodes {
				group.Go(func() {
					var events []store.NewEvent
					for n := range 10 {
						events = append(events, newEvent(fmt.Sprintf("evt_%d_%d", round, n), int64(i+1)))
					}
					if i == 1 {
						slices.Reverse(events)
					}
					accepted, err := db.Accept(t.Context(), events)
					if err != nil {
						t.Error(err)
					}
					for _, x := range accepted {
						switch x.Status {
						case store.AcceptedNew:
							fresh.Add(1)
						case store.AcceptedDuplicate:
							duplicates.Add(1)
						}
					}
				})
			}
		}
		group.Wait()
		if fresh.Load() != 200 || duplicates.Load() != 200 {
			t.Fatalf("%d new, %d duplicates, want 200 each", fresh.Load(), duplicates.Load())
		}
	})
	t.Run("an endpoint made by one makes the other's event stale", func(t *testing.T) {
		p, err := a.CreateEndpoint(t.Context(), webhook.Endpoint{ID: "ep_1", Tenant: "a", State: webhook.EndpointEnabled, Policy: webhook.DefaultPolicy()})
		if err != nil {
			t.Fatal(err)
		}
		accepted, err := b.Accept(t.Context(), []store.NewEvent{newEvent("evt_stale", 1)})
		if err != nil || accepted[0].Status != store.AcceptedStale {
			t.Fatalf("accepted is %+v, %v", accepted, err)
		}
		e := newEvent("evt_fresh", 1)
		e.EndpointsVersion = 1
		e.Deliveries = []store.NewDelivery{{EndpointKey: p.Key, Policy: p.Policy}}
		if accepted, err = b.Accept(t.Context(), []store.NewEvent{e}); err != nil || accepted[0].Status != store.AcceptedNew {
			t.Fatalf("accepted is %+v, %v", accepted, err)
		}
	})
	t.Run("a node that was taken for dead accepts nothing", func(t *testing.T) {
		var keys [2]int64
		for i, db := range nodes {
			var err error
			if keys[i], err = db.RegisterNode(t.Context(), fmt.Sprintf("node-%d", i)); err != nil {
				t.Fatal(err)
			}
		}
		e := newEvent("evt_alive", keys[0])
		e.EndpointsVersion = 1
		if accepted, err := a.Accept(t.Context(), []store.NewEvent{e}); err != nil || accepted[0].Status != store.AcceptedNew {
			t.Fatalf("accepted is %+v, %v", accepted, err)
		}
		if err := b.ReleaseNode(t.Context(), keys[0]); err != nil {
			t.Fatal(err)
		}
		for rows := 1; rows > 0; {
			var err error
			if rows, _, err = b.TakeOver(t.Context(), keys[1], time.Hour, 10); err != nil {
				t.Fatal(err)
			}
		}
		e.ID = "evt_dead"
		_, err := a.Accept(t.Context(), []store.NewEvent{e})
		if failure, ok := webhook.AsError(err); !ok || failure.Code != "node_removed" {
			t.Errorf("got %v, want node_removed", err)
		}
		if _, err := b.Event(t.Context(), "a", e.ID); !errors.Is(err, webhook.NotFound) {
			t.Errorf("got %v, want no such event", err)
		}
		if keys[0], err = a.RegisterNode(t.Context(), "node-0"); err != nil {
			t.Fatal(err)
		}
		e.Owner = keys[0]
		if accepted, err := a.Accept(t.Context(), []store.NewEvent{e}); err != nil || accepted[0].Status != store.AcceptedNew {
			t.Fatalf("accepted is %+v, %v", accepted, err)
		}
	})
	t.Run("nudges appear in the order of their keys, whoever writes them", func(t *testing.T) {
		testNudgesInOrder(t, nodes)
	})
}

// testNudgesInOrder has both nodes write nudges for one owner while a reader reads on from the last
// key that it saw: it must not miss any.
func testNudgesInOrder(t *testing.T, nodes []*postgres.DB) {
	t.Helper()
	const owner, rounds = 7, 100
	var events []string
	for n := range 2 * rounds {
		e := newEvent(fmt.Sprintf("evt_nudge_%d", n), owner)
		e.EndpointsVersion = 1
		p, err := nodes[0].Endpoint(t.Context(), "a", "ep_1")
		if err != nil {
			t.Fatal(err)
		}
		e.Deliveries = []store.NewDelivery{{EndpointKey: p.Key, Policy: p.Policy}}
		if _, err := nodes[0].Accept(t.Context(), []store.NewEvent{e}); err != nil {
			t.Fatal(err)
		}
		events = append(events, e.ID)
	}
	var writers sync.WaitGroup
	for i := range 8 {
		writers.Go(func() {
			for n := i; n < len(events); n += 8 {
				_, _, err := nodes[i%2].Wish(t.Context(), store.WishRequest{Tenant: "a", EventID: events[n], Wish: webhook.WishCancel, Owner: owner, Now: time.Now()})
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	written := make(chan struct{})
	go func() { writers.Wait(); close(written) }()
	var seen int
	last, over := int64(0), false
	for {
		rows, err := nodes[0].Outbox(t.Context(), owner, store.OutboxWish, last, 1000)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range rows {
			last = r.Seq
		}
		if seen += len(rows); over {
			break
		}
		select {
		case <-written:
			over = true // and read once more
		default:
		}
	}
	if seen != len(events) {
		t.Fatalf("%d nudges were seen, %d written", seen, len(events))
	}
}

func TestAServerThatGoesAndComesBack(t *testing.T) {
	t.Parallel()
	server := postgrestest.Start(t)
	db := open(t, server.Database(t))
	if _, err := db.Accept(t.Context(), []store.NewEvent{newEvent("evt_1", 1)}); err != nil {
		t.Fatal(err)
	}
	server.Stop(t)
	if _, err := db.Accept(t.Context(), []store.NewEvent{newEvent("evt_2", 1)}); err == nil {
		t.Fatal("accepted without a server")
	}
	if err := db.Ready(t.Context()); err == nil {
		t.Fatal("ready without a server")
	}
	server.Restart(t)
	if err := db.Ready(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := db.Event(t.Context(), "a", "evt_1"); err != nil {
		t.Fatal(err)
	}
	if accepted, err := db.Accept(t.Context(), []store.NewEvent{newEvent("evt_2", 1)}); err != nil || accepted[0].Status != store.AcceptedNew {
		t.Fatalf("accepted is %+v, %v", accepted, err)
	}
}

func TestAnOpThatFailsDoesNotTakeTheOthersWithIt(t *testing.T) {
	t.Parallel()
	url := postgrestest.Start(t).Database(t)
	db := open(t, url)
	execute(t, url, "ALTER TABLE events ADD CONSTRAINT refuse CHECK (id <> 'evt_7')")
	var callers sync.WaitGroup
	for i := range 64 {
		callers.Go(func() {
			id := fmt.Sprintf("evt_%d", i)
			_, err := db.Accept(t.Context(), []store.NewEvent{newEvent(id, 1)})
			if refused := err != nil && strings.Contains(err.Error(), "refuse"); refused != (i == 7) {
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

func TestOpenRefusesOnPostgres(t *testing.T) {
	t.Parallel()
	server := postgrestest.Start(t)
	newer, foreign := server.Database(t), server.Database(t)
	if err := postgres.Migrate(t.Context(), newer); err != nil {
		t.Fatal(err)
	}
	execute(t, newer, "INSERT INTO goose_db_version (version_id, is_applied) VALUES (9999, true)")
	execute(t, foreign, "CREATE TABLE events (x int)")
	for _, row := range []struct{ name, url, want string }{
		{"a database of a newer version", newer, "newer Postrider"},
		{"a database with the tables of something else", foreign, "something else"},
		{"a server that is not there", "postgres://user:secret@127.0.0.1:1/x?sslmode=disable", "cannot be reached"},
		{"a URL that is none", "postgres://user:secret@127.0.0.1:port/x", "not valid"},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			db, err := postgres.Open(t.Context(), row.url, postgres.Options{})
			if err == nil {
				db.Close()
				t.Fatal("it was opened")
			}
			if !strings.Contains(err.Error(), row.want) || strings.Contains(err.Error(), "secret") || strings.Contains(err.Error(), "\n") {
				t.Fatalf("error is %q, want one line with %q and no password", err, row.want)
			}
		})
	}
}

func TestAClosedDatabaseRefusesWrites(t *testing.T) {
	t.Parallel()
	db, err := postgres.Open(t.Context(), postgrestest.Start(t).Database(t), postgres.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := db.Accept(t.Context(), []store.NewEvent{newEvent("evt_1", 1)}); !errors.Is(err, webhook.Unavailable) {
		t.Fatalf("error is %v", err)
	}
}

func execute(t *testing.T, url, statement string) {
	t.Helper()
	if _, err := connect(t, url).ExecContext(t.Context(), statement); err != nil {
		t.Fatal(err)
	}
}
