//go:build integration

package postgres_test

import (
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

func TestStore(t *testing.T) {
	t.Parallel()
	server := postgrestest.Start(t)
	template := server.Database(t)
	if err := postgres.Migrate(t.Context(), template); err != nil {
		t.Fatal(err)
	}
	t.Run("the suite", func(t *testing.T) {
		storetest.Run(t, func(t *testing.T) store.Store {
			t.Helper()
			return open(t, server.Copy(t, template))
		})
	})
}
