//go:build e2e

package e2e

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/postrider/postrider/internal/client"
	"github.com/postrider/postrider/internal/testkit/receiver"
)

// TestEventsAreDeliveredWhileTemporalIsAway stops the engine while events come in: first attempts go
// on, nothing is refused, and every workflow and every retry follows after.
func TestEventsAreDeliveredWhileTemporalIsAway(t *testing.T) {
	t.Parallel()
	r := startReceiver(t, receiver.ByPath(map[string]receiver.Script{
		"/ok":   receiver.Always(receiver.Answer{}),
		"/once": receiver.Statuses(503, 200),
	}))
	engine := newProcess(t, "engine", t.TempDir())
	engine.start()
	p := serve(t, "--temporal-address", engine.temporal)
	p.endpoint(r, "/ok", nil, "ok")
	p.endpoint(r, "/once", quick(10), "once")
	apis := []*client.Client{p.api}
	before := postAll(t.Context(), apis, 50, 4, "ok")
	if err := r.AwaitDeliveries(t.Context(), 50); err != nil {
		t.Fatal(err)
	}

	engine.kill()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	during := &load{}
	for n := 0; ctx.Err() == nil; n++ {
		kind := "ok"
		if n%5 == 0 {
			kind = "once"
		}
		l := postAll(t.Context(), apis, 10, 2, kind)
		during.accepted, during.refused = append(during.accepted, l.accepted...), during.refused+l.refused
		if err := r.Await(t.Context(), func(s receiver.Summary) bool { return s.Requests >= 50+len(during.accepted) }); err != nil {
			t.Fatal("first attempts do not go on: ", err)
		}
		pause(ctx, 200*time.Millisecond)
	}
	if during.refused > 0 {
		t.Errorf("%d events were refused", during.refused)
	}
	await(t, 10*time.Second, "the API to say that the engine is away", func(ctx context.Context) error {
		answer, err := p.api.Readiness(ctx)
		if err == nil && !strings.Contains(string(answer.JSON), `"engine":"away"`) {
			err = fmt.Errorf("%s", answer.JSON)
		}
		return err
	})

	engine.start()
	all := len(before.accepted) + len(during.accepted)
	if err := r.AwaitDeliveries(t.Context(), all); err != nil {
		t.Fatal(err)
	}
	wantNothingOpen(t, p.api, time.Minute)
	wantWorkflows(t, dial(t, engine.temporal), all, workflowsSoon)
	if s := r.Summary(); s.Duplicates > 0 {
		t.Errorf("%d deliveries came twice", s.Duplicates)
	}
}

func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
