//go:build integration

package postgres_test

import (
	"errors"
	"testing"

	postgrestest "github.com/postrider/postrider/internal/testkit/postgres"
	"github.com/postrider/postrider/store/postgres"
	"github.com/postrider/postrider/webhook"
)

func TestOnlyOneProcessHasAnEmbeddedEngineOnADatabase(t *testing.T) {
	t.Parallel()
	url := postgrestest.Start(t).Database(t)
	open := func() *postgres.DB {
		db, err := postgres.Open(t.Context(), url, postgres.Options{})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = db.Close() })
		return db
	}
	first, second := open(), open()
	done, err := first.LockEngine(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := second.LockEngine(t.Context()); !errors.Is(err, webhook.Conflict) {
		t.Errorf("the second got %v, want a conflict", err)
	}
	if err := done(); err != nil {
		t.Fatal(err)
	}
	release, err := second.LockEngine(t.Context())
	if err != nil {
		t.Fatal("once the first is gone: ", err)
	}
	if err := release(); err != nil {
		t.Error(err)
	}
}
