package dispatch_test

import (
	"testing"
	"time"

	"github.com/postrider/postrider/internal/dispatch"
	"github.com/postrider/postrider/store"
)

// weighing are n events of a tenant that weigh one each.
func weighing(tenant string, n int) []store.NewEvent {
	events := make([]store.NewEvent, n)
	for i := range events {
		events[i].Tenant = tenant
	}
	return events
}

func TestThePressureOnTheStoreFollowsWhatItCanDo(t *testing.T) {
	t.Parallel()
	p, now := dispatch.NewPressure(500*time.Millisecond), time.Now()
	leave, err := p.Enter(weighing("a", 10_000), now)
	if err != nil {
		t.Fatal(err)
	}
	leave(now.Add(5 * time.Second)) // 2,000 a second
	p.Adapt()
	equal(t, "limit", []int{p.Limit()}, []int{1000})

	leave, _ = p.Enter(weighing("a", 900), now)
	if _, err := p.Enter(weighing("a", 200), now); err == nil {
		t.Error("more than the limit was let in")
	}
	later, err := p.Enter(weighing("b", 100), now.Add(400*time.Millisecond))
	if err != nil {
		t.Errorf("a tenant that has sent little was refused: %v", err)
	}
	leave(now.Add(600 * time.Millisecond))
	later(now.Add(600 * time.Millisecond)) // took 200 ms: not all were slow
	p.Adapt()
	equal(t, "limit", []int{p.Limit()}, []int{1250})
	p.Adapt()
	equal(t, "limit after a second in which nothing was sent", []int{p.Limit()}, []int{1250})
}

func TestSomethingIsLetInHoweverSlowTheStore(t *testing.T) {
	t.Parallel()
	p, now := dispatch.NewPressure(500*time.Millisecond), time.Now()
	leave, _ := p.Enter(weighing("a", 1), now)
	leave(now.Add(time.Hour))
	p.Adapt()
	leave, err := p.Enter(weighing("a", 5000), now)
	if err != nil {
		t.Errorf("a large batch was refused although nothing waits: %v", err)
	}
	if _, err := p.Enter(weighing("b", 1), now); err == nil {
		t.Error("it lets in what will wait for long")
	}
	leave(now.Add(time.Second))
	if _, err := p.Enter(weighing("b", 1), now); err != nil {
		t.Errorf("refused although nothing waits: %v", err)
	}
}
