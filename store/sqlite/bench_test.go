package sqlite_test

import (
	"crypto/rand"
	"fmt"
	"path/filepath"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/postrider/postrider/store"
	"github.com/postrider/postrider/store/sqlite"
	"github.com/postrider/postrider/webhook"
)

// callers is how many goroutines a benchmark calls the store from.
const callers = 64

// BenchmarkAccept accepts events of 1 KiB to one endpoint, one a call.
func BenchmarkAccept(b *testing.B) { benchmark(b, false, false) }

// BenchmarkAcceptAndAttempt also records a delivered first attempt of each.
func BenchmarkAcceptAndAttempt(b *testing.B) { benchmark(b, true, false) }

// BenchmarkWholeWay also clears the outbox, a hundred rows a call.
func BenchmarkWholeWay(b *testing.B) { benchmark(b, true, true) }

func benchmark(b *testing.B, attempt, clearOutbox bool) {
	db, err := sqlite.Open(b.Context(), filepath.Join(b.TempDir(), "facts.db"), sqlite.Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer db.Close()
	endpoint, err := db.CreateEndpoint(b.Context(), webhook.Endpoint{
		ID: "ep_1", Tenant: webhook.DefaultTenant, URL: "https://example.com", EventTypes: []string{"*"},
		Policy: webhook.DefaultPolicy(), State: webhook.EndpointEnabled, CreatedAt: time.Now(), UpdatedAt: time.Now(),
	})
	if err != nil {
		b.Fatal(err)
	}
	body := make([]byte, 1024)
	var left atomic.Int64
	left.Store(int64(b.N))
	var group sync.WaitGroup
	before := cpu(b)
	b.ResetTimer()
	for range callers {
		group.Go(func() {
			var done []int64
			for left.Add(-1) >= 0 {
				seq, err := oneEvent(b, db, endpoint, body, attempt)
				if err != nil {
					b.Error(err)
					return
				}
				if done = append(done, seq); clearOutbox && len(done) >= 100 {
					if err := db.OutboxDone(b.Context(), done); err != nil {
						b.Error(err)
						return
					}
					done = done[:0]
				}
			}
		})
	}
	group.Wait()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "events/s")
	b.ReportMetric(float64((cpu(b)-before).Microseconds())/float64(b.N), "cpu-µs/event")
}

// oneEvent accepts an event and records that it was delivered at the first attempt.
func oneEvent(b *testing.B, db *sqlite.DB, endpoint webhook.Endpoint, body []byte, attempt bool) (int64, error) {
	id, now := "evt_"+rand.Text(), time.Now()
	accepted, err := db.Accept(b.Context(), []store.NewEvent{{
		Tenant: webhook.DefaultTenant, ID: id, Type: "invoice.paid", Data: body, Fingerprint: webhook.FingerprintOf("invoice.paid", body),
		CreatedAt: now, EndpointsVersion: 1, Owner: 1,
		Deliveries: []store.NewDelivery{{EndpointKey: endpoint.Key, Policy: endpoint.Policy, WaitingFor: webhook.WaitingForTurn}},
	}})
	if err != nil {
		return 0, err
	}
	uid := accepted[0].Event.UID
	if accepted[0].Status != store.AcceptedNew {
		return 0, fmt.Errorf("event %s: status %d", id, accepted[0].Status)
	}
	if !attempt {
		return uid, nil
	}
	d := webhook.Delivery{
		EventUID: uid, EndpointKey: endpoint.Key, Tenant: webhook.DefaultTenant, EventID: id,
		State: webhook.DeliveryPending, WaitingFor: webhook.WaitingForTurn, Budget: 15, Policy: endpoint.Policy,
	}
	result := webhook.AttemptResult{Outcome: webhook.OutcomeDelivered, Status: 200, StartedAt: now, Duration: time.Millisecond}
	return uid, db.Apply(b.Context(), []store.Change{{
		Delivery: d.Apply(result, time.Now(), 0.5),
		Attempts: []webhook.Attempt{{
			ID: webhook.NewID(webhook.AttemptIDPrefix), Number: 1, Outcome: result.Outcome, Status: 200, StartedAt: now, Duration: result.Duration,
			RequestHeaders:  map[string]string{"content-type": "application/json", "user-agent": "Postrider/1", "webhook-id": id},
			ResponseHeaders: map[string]string{"content-length": "2", "date": "Mon, 01 Jan 2024 00:00:00 GMT"},
			ResponseBody:    []byte("ok"),
		}},
	}})[0]
}

// cpu is the time that the process has had on any core, also on behalf of the kernel.
func cpu(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
