package activities_test

import (
	"context"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/postrider/postrider/internal/testkit/rows"
	"github.com/postrider/postrider/webhook"
)

// Whatever workers, people and power failures do to Temporal's count, no attempt that is in the rows
// is made again, and none is made beyond the budget. An attempt in which the worker died is in
// Temporal's count only: its number is used again if that count is lost, by a Reset, a file that fell
// back, or an activity that ended since the delivery has to wait.
func TestNoAttemptIsMadeTwice(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		budget := rapid.IntRange(1, 6).Draw(t, "budget")
		d := webhook.Delivery{
			EventUID: 1, EndpointKey: key, EndpointID: "ep_1", Policy: plain(budget), Budget: budget,
			State: webhook.DeliveryPending, WaitingFor: webhook.WaitingForTurn,
		}
		var answers []rows.Answer
		for range rapid.IntRange(1, 8).Draw(t, "answers") {
			answers = append(answers, rapid.SampledFrom([]rows.Answer{
				rows.Status(503), rows.Status(503), rows.Timeout(), rows.Dies(), rows.Dies(), rows.Unrecorded(),
				rows.RetryAfter(429, time.Hour), rows.Gate(webhook.WaitingForCap), rows.Status(200),
			}).Draw(t, "answer"))
		}
		e := newEngine(d, append(answers, rows.Status(503))...)
		e.Send("ep_1")
		forgotten := 0 // so many of the oldest requests are not in Temporal's count any more
		for range 25 {
			if e.Row("ep_1").State.Final() && len(e.before) == 0 {
				break
			}
			switch rapid.SampledFrom([]string{"invoke", "invoke", "invoke", "invoke", "wait", "reset", "unpause", "fall back"}).Draw(t, "what") {
			case "invoke":
				invokeOrGoOn(t, e)
			case "wait":
				e.clock = e.clock.Add(time.Duration(rapid.IntRange(1, 3600).Draw(t, "seconds")) * time.Second)
			case "reset":
				e.reset()
				forgotten = len(e.numbers())
			case "unpause":
				e.unpause()
			case "fall back":
				if n := len(e.before); n > 0 {
					e.fallBack(rapid.IntRange(1, n).Draw(t, "by"))
					forgotten = len(e.numbers())
				}
			}
			if e.Row("ep_1").WaitingFor != webhook.WaitingForNothing {
				forgotten = len(e.numbers())
			}
			check(t, e, budget, forgotten)
		}
	})
}

// invokeOrGoOn does what Temporal does, or what the workflow does once the activity is over.
func invokeOrGoOn(t *rapid.T, e *engine) {
	before := e.Row("ep_1")
	switch {
	case !e.now.closed:
		e.invoke()
	case before.State.Final():
	case e.now.failed: // workers died in the last attempts
		if _, err := e.Settle(context.Background(), 1, key, webhook.DeliveryExhausted, webhook.ReasonOutcomeUnknown); err != nil {
			t.Fatal(err)
		}
	case before.WaitingFor != webhook.WaitingForNothing:
		e.Send("ep_1")
		e.schedule()
	default: // Temporal was behind
		if before.DueAt.After(e.clock) {
			e.clock = before.DueAt
		}
		e.schedule()
	}
}

func check(t *rapid.T, e *engine, budget, forgotten int) {
	recorded, made := map[int]bool{}, map[int]bool{}
	for i, m := range e.Made("ep_1") {
		switch {
		case m.Number < 1 || m.Number > budget:
			t.Fatalf("attempt %d of %d was made", m.Number, budget)
		case recorded[m.Number]:
			t.Fatalf("attempt %d was made again", m.Number)
		case made[m.Number]:
			t.Fatalf("attempt %d was made twice", m.Number)
		}
		made[m.Number] = i >= forgotten
		recorded[m.Number] = m.Recorded
	}
	if d := e.Row("ep_1"); d.Attempts > budget || d.Reported > d.Attempts {
		t.Fatalf("%d attempts, %d reported, of %d", d.Attempts, d.Reported, budget)
	}
}
