//go:build e2e

package e2e

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/postrider/postrider/internal/client"
	"github.com/postrider/postrider/internal/testkit/receiver"
)

// kills is how often each kill test kills: POSTRIDER_TEST_KILLS, or 3.
func kills(t *testing.T) int {
	t.Helper()
	text := os.Getenv("POSTRIDER_TEST_KILLS")
	if text == "" {
		return 3
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

const (
	killEvents  = 2000
	killClients = 16
)

func slowReceiver(t *testing.T) *receiver.Receiver {
	t.Helper()
	return startReceiver(t, receiver.Always(receiver.Answer{Delay: 200 * time.Millisecond}))
}

// TestAKilledProcessLosesNothing kills serve with SIGKILL at a random moment under load.
func TestAKilledProcessLosesNothing(t *testing.T) {
	for range kills(t) {
		r := slowReceiver(t)
		p := serve(t)
		p.endpoint(r, "/slow", quick(10))
		l, killed := killUnderLoad(t, []*client.Client{p.api}, p)
		p.start()
		wantNothingOpen(t, p.api, time.Minute)
		wantDelivered(t, r, l, killed)
		wantWorkflows(t, p.dial(), eventCount(t, p.api), workflowsSoon)
		p.kill()
	}
}

// killUnderLoad kills a process when a random part of the events is accepted. What the others are
// asked meanwhile goes on.
func killUnderLoad(t *testing.T, apis []*client.Client, victim *process) (*load, time.Time) {
	t.Helper()
	l, posted := &load{}, make(chan struct{})
	go func() {
		defer close(posted)
		l.post(t.Context(), apis, killEvents, killClients, "kill")
	}()
	at := rand.IntN(killEvents * 9 / 10)
	await(t, time.Minute, "events to be accepted", enough(l, at))
	killed := time.Now() // a process takes a while to be gone
	victim.kill()
	<-posted
	return l, killed
}

// enough checks that so many events were accepted.
func enough(l *load, want int) func(context.Context) error {
	return func(context.Context) error {
		if n := l.count(); n < want {
			return fmt.Errorf("%d of %d", n, want)
		}
		return nil
	}
}

// commitTime is within what an answer must have been committed: 50 ms, or POSTRIDER_TEST_COMMIT_TIME where
// the machine is known to stall for longer.
func commitTime() time.Duration {
	if d, err := time.ParseDuration(os.Getenv("POSTRIDER_TEST_COMMIT_TIME")); err == nil {
		return d
	}
	return 50 * time.Millisecond
}

// wantDelivered fails for every accepted event that the receiver did not get, and for duplicates of
// others than were in flight at the kill or answered within commitTime before it.
func wantDelivered(t *testing.T, r *receiver.Receiver, l *load, killed time.Time) {
	t.Helper()
	lost, repeated, unexplained := 0, 0, 0
	for _, id := range l.accepted {
		requests := r.RequestsOf(id)
		if len(requests) == 0 {
			lost++
			continue
		}
		if len(requests) == 1 {
			continue
		}
		repeated++
		if answered := requests[0].AnsweredAt; !answered.IsZero() && answered.Before(killed.Add(-commitTime())) || len(requests) > 2 {
			unexplained++
		}
	}
	t.Logf("accepted %d, refused %d, repeated %d", len(l.accepted), l.refused, repeated)
	if lost > 0 {
		t.Errorf("%d of %d accepted events were lost", lost, len(l.accepted))
	}
	if unexplained > 0 {
		t.Errorf("%d events were sent again although they had been answered well before the kill", unexplained)
	}
}

func eventCount(t *testing.T, api *client.Client) int {
	t.Helper()
	n, cursor := 0, ""
	for {
		answer, err := api.Events(t.Context(), map[string][]string{"limit": {"250"}, "cursor": {cursor}})
		if err != nil {
			t.Fatal(err)
		}
		n += len(answer.Value.Data)
		if cursor = answer.Value.NextCursor; cursor == "" {
			return n
		}
	}
}
