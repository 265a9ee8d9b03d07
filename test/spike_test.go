//go:build e2e

package e2e

import (
	"testing"
	"time"

	"github.com/postrider/postrider/internal/client"
	"github.com/postrider/postrider/internal/testkit/receiver"
)

func TestEveryEventOfASpikeIsDeliveredOnceAndHasItsWorkflow(t *testing.T) {
	const events = 5000
	r := startReceiver(t, nil)
	p := serve(t)
	p.endpoint(r, "/ok", nil)
	l := postAll(t.Context(), []*client.Client{p.api}, events, 32, "spike")
	if l.refused > 0 {
		t.Fatalf("%d events were refused", l.refused)
	}
	if err := r.AwaitDeliveries(t.Context(), events); err != nil {
		t.Fatal(err)
	}
	wantWorkflows(t, p.dial(), events, workflowsSoon)
	wantNothingOpen(t, p.api, time.Second)
	if s := r.Summary(); s.Duplicates > 0 || s.BadSignatures > 0 || s.Requests != events {
		t.Errorf("received %+v", s)
	}
}

func TestADeadEndpointWithNineTenthsOfTheTrafficHoldsUpNobody(t *testing.T) {
	const events, share = 2000, 10
	r := startReceiver(t, receiver.ByPath(map[string]receiver.Script{
		"/dead": receiver.Always(receiver.Answer{Hang: true}),
		"/ok":   receiver.Always(receiver.Answer{}),
	}))
	p := serve(t)
	p.endpoint(r, "/dead", slow(), "dead")
	p.endpoint(r, "/ok", nil, "live")
	apis := []*client.Client{p.api}
	dead := make(chan *load, 1)
	go func() { dead <- postAll(t.Context(), apis, events-events/share, 16, "dead") }()
	live := postAll(t.Context(), apis, events/share, 2, "live")
	accepted := time.Now()
	if err := r.AwaitDeliveries(t.Context(), live.count()); err != nil {
		t.Fatal(err)
	}
	if late := time.Since(accepted); late > 2*time.Second {
		t.Errorf("the last live event came %v after it was accepted", late)
	}
	if l := <-dead; l.refused > 0 {
		t.Errorf("%d events for the dead endpoint were refused", l.refused)
	}
}
