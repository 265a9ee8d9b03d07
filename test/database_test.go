//go:build e2e

package e2e

import (
	"context"
	"testing"
	"time"

	"github.com/postrider/postrider/internal/client"
	postgrestest "github.com/postrider/postrider/internal/testkit/postgres"
)

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
