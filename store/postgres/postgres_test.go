//go:build integration

package postgres_test

import (
	"database/sql"
	"testing"

	postgrestest "github.com/postrider/postrider/internal/testkit/postgres"
	"github.com/postrider/postrider/store"
	"github.com/postrider/postrider/store/postgres"
	"github.com/postrider/postrider/store/storetest"
)

// open opens the database and closes it at the test's end.
func open(t *testing.T, url string) *postgres.DB {
	t.Helper()
	db, err := postgres.Open(t.Context(), url, postgres.Options{MaxConnections: 8})
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

func connect(t *testing.T, url string) *sql.DB {
	t.Helper()
	pool, err := sql.Open("pgx", url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { pool.Close() })
	return pool
}

// wipe deletes all that is in a database.
const wipe = `DELETE FROM tenants; DELETE FROM event_types; DELETE FROM endpoints; DELETE FROM api_keys; DELETE FROM nodes;
	DELETE FROM policies; DELETE FROM events; DELETE FROM bodies; DELETE FROM deliveries; DELETE FROM attempts; DELETE FROM outbox`

func TestStore(t *testing.T) {
	t.Parallel()
	server := postgrestest.Start(t)
	free := make(chan string, 100) // databases that no subtest is using: making one takes a second
	t.Run("the suite", func(t *testing.T) {
		storetest.Run(t, func(t *testing.T) store.Store {
			t.Helper()
			var url string
			select {
			case url = <-free:
			default:
				url = server.Database(t)
			}
			pool := connect(t, url)
			t.Cleanup(func() {
				if _, err := pool.Exec(wipe); err != nil {
					t.Error(err)
				}
				free <- url
			})
			return open(t, url)
		})
	})
	t.Run("every query uses an index", func(t *testing.T) { judgeQueries(t, <-free) })
}
