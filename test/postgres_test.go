//go:build e2e

package e2e

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/postrider/postrider/internal/client"
	postgrestest "github.com/postrider/postrider/internal/testkit/postgres"
	"github.com/postrider/postrider/internal/testkit/receiver"
	"github.com/postrider/postrider/webhook"
)

// TestBehaviourOnPostgres is the whole behaviour with everything in Postgres, Temporal's data too.
func TestBehaviourOnPostgres(t *testing.T) {
	t.Parallel()
	database := postgrestest.Start(t).Database(t)
	testBehaviour(t, serve(t, "--database-url", database))
}

// TestARestartOnPostgresGoesOnInAnotherDirectory: nothing but the database is needed to go on.
func TestARestartOnPostgresGoesOnInAnotherDirectory(t *testing.T) {
	t.Parallel()
	database := postgrestest.Start(t).Database(t)
	r := startReceiver(t, script)
	first := serve(t, "--database-url", database)
	before := suite{process: first, receiver: r}
	_, down := before.endpoint("down", slow())
	_, ok := before.endpoint("ok", nil)
	waiting := first.post(client.NewEvent{Type: down, Data: []byte(`{}`)}).ID
	pending, next := before.awaitBackOff(waiting, 1)
	delivered := first.post(client.NewEvent{Type: ok, Data: []byte(`{}`)}).ID
	before.awaitRun(delivered, "Completed")
	first.stop()

	second := serve(t, "--database-url", database)
	after := suite{process: second, receiver: r}
	again, then := after.awaitBackOff(waiting, 1)
	if again.Workflow.RunID != pending.Workflow.RunID || !then.NextAttemptAt.Equal(next.NextAttemptAt) {
		t.Errorf("run %s with %+v is now run %s with %+v", pending.Workflow.RunID, next, again.Workflow.RunID, then)
	}
	after.awaitRun(delivered, "Completed")
	if _, err := second.api.Cancel(t.Context(), "", waiting, client.Wish{}); err != nil {
		t.Fatal(err)
	}
	after.awaitState(waiting, webhook.EventCancelled)
	wantWorkflows(t, second.dial(), 2, wantSoon)
	second.stop()
}

// TestAKilledProcessOnPostgresLosesNothing also starts the next one while the database may still know the killed one.
func TestAKilledProcessOnPostgresLosesNothing(t *testing.T) {
	database := postgrestest.Start(t).Database(t)
	r := slowReceiver(t)
	p := serve(t, "--database-url", database)
	p.endpoint(r, "/slow", quick(10))
	l, killed := killUnderLoad(t, []*client.Client{p.api}, p)
	p.start()
	wantNothingOpen(t, p.api, 2*time.Minute)
	wantDelivered(t, r, l, killed)
	wantWorkflows(t, p.dial(), eventCount(t, p.api), workflowsSoon)
}

// TestADatabaseThatCrashesLosesNothing ends PostgreSQL under load, at once and with no word to its clients, and starts it
// again. Postrider lives through it: events are refused meanwhile, and afterwards all goes on by itself.
func TestADatabaseThatCrashesLosesNothing(t *testing.T) {
	for range kills(t) {
		server := postgrestest.Start(t)
		r := slowReceiver(t)
		p := serve(t, "--database-url", server.Database(t))
		p.endpoint(r, "/slow", quick(10))
		apis := []*client.Client{p.api}
		l, crashed := crashUnderLoad(t, apis, func() { server.Stop(t) })
		pause(t.Context(), 3*time.Second)
		server.Restart(t)
		wantNothingOpen(t, p.api, time.Minute)
		wantDelivered(t, r, l, crashed)
		await(t, wantSoon, "events to be accepted again", func(ctx context.Context) error {
			_, err := p.api.PostEvent(ctx, client.NewEvent{Type: "after", Data: []byte(`{}`)})
			return err
		})
		wantNothingOpen(t, p.api, wantSoon)
		wantWorkflows(t, p.dial(), eventCount(t, p.api), workflowsSoon)
		p.stop()
	}
}

func TestNodesCanHaveAnEngineOnTheirDatabase(t *testing.T) {
	t.Parallel()
	database := postgrestest.Start(t).Database(t)
	r := startReceiver(t, receiver.Statuses(500, 200))
	engine := newProcess(t, "engine", t.TempDir(), "--database-url", database)
	engine.start()
	for _, node := range []string{"first", "second"} {
		p := serve(t, "--temporal-address", engine.temporal, "--database-url", database)
		p.endpoint(r, "/"+node, quick(5), node)
		p.awaitEvent(p.post(client.NewEvent{Type: node, Data: []byte(`{}`)}).ID, "delivery", func(e client.Event) bool {
			return e.State == webhook.EventDelivered
		})
	}
	wantWorkflows(t, dial(t, engine.temporal), 2, wantSoon)
}

func TestASecondEmbeddedTemporalOnADatabaseIsRefused(t *testing.T) {
	t.Parallel()
	database := postgrestest.Start(t).Database(t)
	first := serve(t, "--database-url", database)
	second := newProcess(t, "serve", t.TempDir(), "--database-url", database)
	if said := second.startRefused(); !strings.Contains(said, "another node with an embedded Temporal uses this database; "+
		"several nodes need an external one (--temporal-address)") {
		t.Errorf("it said %s", said)
	}
	first.stop()
}
