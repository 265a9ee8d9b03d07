//go:build e2e

package e2e

import (
	"context"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/postrider/postrider/internal/client"
	"github.com/postrider/postrider/internal/testkit/receiver"
)

// faultsTime is how long events come in while Temporal's calls to its data fail: POSTRIDER_TEST_FAULTS_TIME, or 20 s.
func faultsTime(t *testing.T) time.Duration {
	t.Helper()
	text := os.Getenv("POSTRIDER_TEST_FAULTS_TIME")
	if text == "" {
		return 20 * time.Second
	}
	d, err := time.ParseDuration(text)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// TestFaultsInTemporalsDataLoseNothing has a hundredth of Temporal's calls to its data fail, from the first to the last: as
// unavailable, as too slow, done or not, and as owned by another.
func TestFaultsInTemporalsDataLoseNothing(t *testing.T) {
	for _, mode := range []string{"auto", "workflow"} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			r := startReceiver(t, receiver.ByPath(map[string]receiver.Script{
				"/ok":   receiver.Always(receiver.Answer{}),
				"/once": receiver.Statuses(503, 200),
			}))
			p := serve(t, "--engine-faults", "0.01", "--first-attempt", mode)
			p.endpoint(r, "/ok", nil, "ok")
			once := quick(10)
			once["timeout"] = "1s" // a retry whose start was lost is begun anew when its time is up
			p.endpoint(r, "/once", once, "once")
			ctx, cancel := context.WithTimeout(t.Context(), faultsTime(t))
			defer cancel()
			all := &load{}
			told := false // at some time: only the end of the log is kept
			for ctx.Err() == nil {
				told = told || strings.Contains(p.log.String(), "fault injection error")
				all.post(t.Context(), []*client.Client{p.api}, 8, 2, "ok")
				all.post(t.Context(), []*client.Client{p.api}, 2, 1, "once")
				pause(ctx, 100*time.Millisecond)
			}
			if all.refused > 0 {
				t.Errorf("%d events were refused", all.refused)
			}
			if err := r.AwaitDeliveries(t.Context(), len(all.accepted)); err != nil {
				t.Fatal(err)
			}
			wantNothingOpen(t, p.api, 2*time.Minute)
			wantWorkflows(t, p.dial(), len(all.accepted), workflowsSoon)
			s := r.Summary()
			t.Logf("%d events, %d requests, %d duplicates", len(all.accepted), s.Requests, s.Duplicates)
			if s.Duplicates > 0 {
				t.Errorf("%d deliveries came twice", s.Duplicates)
			}
			if !told {
				t.Error("the log tells of no fault")
			}
		})
	}
}
