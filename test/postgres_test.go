//go:build e2e

package e2e

import (
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

// TestPostgresThatStopsUnderLoadHurtsNothing stops the server that store and engine are on at once, as a failing machine would.
func TestPostgresThatStopsUnderLoadHurtsNothing(t *testing.T) {
	pg := postgrestest.Start(t)
	r := startReceiver(t, receiver.Always(receiver.Answer{}))
	p := serve(t, "--database-url", pg.Database(t))
	p.endpoint(r, "/ok", quick(10))
	l, posted := &load{}, make(chan struct{})
	go func() {
		defer close(posted)
		l.post(t.Context(), []*client.Client{p.api}, 1000, 8, "outage")
	}()
	await(t, time.Minute, "events to be accepted", enough(l, 300))
	pg.Stop(t)
	pg.Restart(t)
	<-posted
	wantNothingOpen(t, p.api, 2*time.Minute)
	for _, id := range l.accepted {
		if len(r.RequestsOf(id)) == 0 {
			t.Errorf("event %s was lost", id)
		}
	}
	wantWorkflows(t, p.dial(), eventCount(t, p.api), workflowsSoon)
	p.stop()
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
