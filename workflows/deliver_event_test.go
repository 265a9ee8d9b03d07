package workflows_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/postrider/postrider/activities"
	"github.com/postrider/postrider/internal/testkit/rows"
	"github.com/postrider/postrider/webhook"
	"github.com/postrider/postrider/workflows"
)

// story is one delivery's: what its receiver answers, when it gets requests, how it ends.
type story struct {
	name    string
	policy  webhook.Policy // default plain(3)
	answers []rows.Answer
	during  func(*world) // what else happens
	times   []time.Duration
	status  activities.Status // of the delivery
	how     string            // the run ends
	reason  string
	http    int
}

func status(codes ...int) []rows.Answer {
	var answers []rows.Answer
	for _, code := range codes {
		answers = append(answers, rows.Status(code))
	}
	return answers
}

func (s story) test(t *testing.T) {
	t.Parallel()
	policy := s.policy
	if policy.MaximumAttempts == 0 {
		policy = plain(3)
	}
	w := newWorld(t, nil)
	w.endpoint(policy, s.answers...)
	if s.during != nil {
		s.during(w)
	}
	end := w.run()
	if diff := cmp.Diff(s.times, w.times("ep_1")); diff != "" {
		t.Errorf("times of attempts: %s", diff)
	}
	if end.how != s.how {
		t.Errorf("the run is %s, want %s", end.how, s.how)
	}
	got := end.of(t, "ep_1")
	want := activities.EndpointOutcome{
		EndpointID: "ep_1", Status: s.status, Attempts: len(s.times), Reason: s.reason, HTTPStatus: s.http,
		Reported: got.Reported, Budget: got.Budget, Error: got.Error,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the run's result: %s", diff)
	}
	if row := w.Row("ep_1"); row.State != webhook.DeliveryState(s.status) || row.Reason != s.reason || row.Attempts != len(s.times) {
		t.Errorf("the row is %s (%s) after %d attempts", row.State, row.Reason, row.Attempts)
	}
}

func TestAReceiversAnswersDecideWhenAttemptsAreMade(t *testing.T) {
	t.Parallel()
	permanent := plain(5)
	permanent.PermanentStatuses = []int{404, 410}
	long := plain(8)
	steep := plain(4)
	steep.BackoffCoefficient, steep.MaximumInterval = 10, webhook.Duration(24*time.Hour)
	level := plain(4)
	level.BackoffCoefficient = 1
	const outOf, hour = webhook.ReasonOutOfAttempts, time.Hour

	for _, s := range []story{
		{name: "a 200 is delivered at once", answers: status(200), times: seconds(0), status: activities.Delivered, how: completed, http: 200},
		{name: "any 2xx is delivered", answers: status(299), times: seconds(0), status: activities.Delivered, how: completed, http: 299},
		{name: "a redirect is not followed", answers: status(302, 200), times: seconds(0, 10), status: activities.Delivered, how: completed, http: 200},
		{name: "the second attempt delivers", answers: status(503, 200), times: seconds(0, 10), status: activities.Delivered, how: completed, http: 200},
		{name: "the last attempt delivers", answers: status(500, 500, 201), times: seconds(0, 10, 30), status: activities.Delivered, how: completed, http: 201},
		{name: "three attempts are made and no more", answers: status(500), times: seconds(0, 10, 30), status: activities.Exhausted, how: failed, reason: outOf, http: 500},
		{name: "with one attempt there is no retry", policy: plain(1), answers: status(500), times: seconds(0), status: activities.Exhausted, how: failed, reason: outOf, http: 500},
		{name: "with two attempts there is one retry", policy: plain(2), answers: status(500), times: seconds(0, 10), status: activities.Exhausted, how: failed, reason: outOf, http: 500},
		{name: "the interval grows to its maximum", policy: long, answers: status(500), times: seconds(0, 10, 30, 70, 130, 190, 250, 310), status: activities.Exhausted, how: failed, reason: outOf, http: 500},
		{name: "a coefficient of ten", policy: steep, answers: status(500), times: seconds(0, 10, 110, 1110), status: activities.Exhausted, how: failed, reason: outOf, http: 500},
		{name: "a coefficient of one", policy: level, answers: status(500), times: seconds(0, 10, 20, 30), status: activities.Exhausted, how: failed, reason: outOf, http: 500},
		{name: "no answer is tried again", answers: []rows.Answer{rows.Timeout(), rows.Status(200)}, times: seconds(0, 10), status: activities.Delivered, how: completed, http: 200},
		{name: "no answer at all", answers: []rows.Answer{rows.Timeout()}, times: seconds(0, 10, 30), status: activities.Exhausted, how: failed, reason: outOf},
		{name: "a 404 is tried again by default", answers: status(404, 200), times: seconds(0, 10), status: activities.Delivered, how: completed, http: 200},
		{name: "a permanent 4xx ends it at the first attempt", policy: permanent, answers: status(404), times: seconds(0), status: activities.Exhausted, how: failed, reason: webhook.ReasonPermanent, http: 404},
		{name: "a permanent 4xx ends it at a retry", policy: permanent, answers: status(500, 500, 404), times: seconds(0, 10, 30), status: activities.Exhausted, how: failed, reason: webhook.ReasonPermanent, http: 404},
		{name: "Retry-After of a 429 postpones the first retry", answers: []rows.Answer{rows.RetryAfter(429, hour), rows.Status(200)}, times: seconds(0, 3600), status: activities.Delivered, how: completed, http: 200},
		{name: "Retry-After of a 503 postpones one retry and not those after it", answers: []rows.Answer{rows.Status(500), rows.RetryAfter(503, hour), rows.Status(500)}, policy: plain(4), times: seconds(0, 10, 3610, 3650), status: activities.Exhausted, how: failed, reason: outOf, http: 500},
		{name: "Retry-After never hurries", answers: []rows.Answer{rows.RetryAfter(429, time.Second), rows.Status(200)}, times: seconds(0, 10), status: activities.Delivered, how: completed, http: 200},
		{name: "Retry-After is capped at a day", answers: []rows.Answer{rows.RetryAfter(503, 30*24*hour), rows.Status(200)}, times: seconds(0, 86400), status: activities.Delivered, how: completed, http: 200},
		{name: "Retry-After at the last attempt gives no other", policy: plain(1), answers: []rows.Answer{rows.RetryAfter(503, hour)}, times: seconds(0), status: activities.Exhausted, how: failed, reason: outOf, http: 503},
		{
			name: "410 holds it until the endpoint is resumed", answers: status(410, 200),
			during: func(w *world) { w.at(hour, func(w *world) { w.Open("ep_1") }) },
			times:  seconds(0, 3600), status: activities.Delivered, how: completed, http: 200,
		},
		{
			name: "410 at a retry holds it, even where 410 is permanent", policy: permanent, answers: status(500, 410, 200),
			during: func(w *world) { w.at(hour, func(w *world) { w.Open("ep_1") }) },
			times:  seconds(0, 10, 3600), status: activities.Delivered, how: completed, http: 200,
		},
		{
			name: "410 at the last attempt leaves one more for when it is resumed", policy: plain(1), answers: status(410, 500),
			during: func(w *world) { w.at(hour, func(w *world) { w.Open("ep_1") }) },
			times:  seconds(0, 3600), status: activities.Exhausted, how: failed, reason: outOf, http: 500,
		},
		{
			name: "a first attempt waits for its gate, then is retried under the policy", answers: []rows.Answer{rows.Gate(webhook.WaitingForCap), rows.Status(500), rows.Status(200)},
			during: func(w *world) { w.at(time.Minute, func(w *world) { w.Open("ep_1") }) },
			times:  seconds(60, 70), status: activities.Delivered, how: completed, http: 200,
		},
		{
			name: "a retry that waits for the breaker uses up no attempt", answers: []rows.Answer{rows.Status(500), rows.Gate(webhook.WaitingForBreaker), rows.Status(500), rows.Status(200)},
			during: func(w *world) { w.at(time.Minute, func(w *world) { w.Open("ep_1") }) },
			times:  seconds(0, 60, 80), status: activities.Delivered, how: completed, http: 200,
		},
		{
			name: "it waits twice", answers: []rows.Answer{rows.Gate(webhook.WaitingForCap), rows.Status(500), rows.Gate(webhook.WaitingForBreaker), rows.Status(500)},
			during: func(w *world) {
				w.at(time.Minute, func(w *world) { w.Open("ep_1") })
				w.at(time.Hour, func(w *world) { w.Open("ep_1") })
			},
			times: seconds(60, 3600, 3620), status: activities.Exhausted, how: failed, reason: outOf, http: 500,
		},
		{
			name: "a first attempt in flight is waited for", answers: []rows.Answer{rows.Slow(), rows.Status(200)},
			during: func(w *world) { w.at(14*time.Second, func(w *world) { w.Land("ep_1") }) },
			times:  seconds(0), status: activities.Delivered, how: completed, http: 200,
		},
		{
			name: "a first attempt in flight that fails is retried from when it ended", answers: []rows.Answer{rows.Slow(), rows.Timeout(), rows.Status(200)},
			during: func(w *world) { w.at(14*time.Second, func(w *world) { w.Land("ep_1") }) },
			times:  seconds(0, 24), status: activities.Delivered, how: completed, http: 200,
		},
		{
			name: "outcome signals that say nothing new do no harm", answers: []rows.Answer{rows.Gate(webhook.WaitingForCap), rows.Status(500), rows.Status(200)},
			during: func(w *world) {
				for _, after := range seconds(1, 2, 60, 61, 62, 69) {
					w.at(after, func(w *world) {
						if after == time.Minute {
							w.Open("ep_1")
						}
						w.signal(workflows.SignalOutcome, workflows.OutcomeSignal{EndpointID: "ep_1"})
						w.signal(workflows.SignalOutcome, workflows.OutcomeSignal{})
						w.signal(workflows.SignalOutcome, workflows.OutcomeSignal{EndpointID: "ep_of_another_event"})
						w.signal(workflows.SignalOutcome, workflows.OutcomeSignal{EndpointIDs: []string{"ep_of_another_event", "ep_1"}})
					})
				}
			},
			times: seconds(60, 70), status: activities.Delivered, how: completed, http: 200,
		},
	} {
		t.Run(s.name, s.test)
	}
}

func TestJitterMovesEachRetryWithinItsShare(t *testing.T) {
	t.Parallel()
	policy := plain(7)
	policy.Jitter = 0.2
	at := 0
	random := func() float64 { // each value once, in an order that tells them apart
		at++
		return []float64{0, 0.999, 0.5, 0.25, 0.75, 0.1, 0.9}[at%7]
	}
	w := newWorld(t, random)
	w.endpoint(policy, rows.Status(500))
	w.run()
	// 10 s + 20 %, 20 s, 40 s - 10 %, 60 s + 10 %, 60 s - 16 %, 60 s + 16 %
	want := []time.Duration{0, 11996 * time.Millisecond, 20 * time.Second, 36 * time.Second, 66 * time.Second, 50400 * time.Millisecond, 69600 * time.Millisecond}
	for i := 1; i < len(want); i++ {
		want[i] += want[i-1]
	}
	if diff := cmp.Diff(want, w.times("ep_1")); diff != "" {
		t.Error(diff)
	}
}

func TestAnEventWithoutEndpointsIsUnrouted(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	end := w.run()
	if end.how != completed || end.result.State != webhook.EventUnrouted || len(end.result.Endpoints) != 0 {
		t.Errorf("it is %s, %s", end.how, end.result.State)
	}
}

func TestAnAttemptInWhichTheWorkerDiedCountsAsUnknown(t *testing.T) {
	t.Parallel()
	for _, s := range []story{
		{name: "the next one has the number after it", policy: plain(4), answers: []rows.Answer{rows.Status(500), rows.Dies(), rows.Status(200)}, times: seconds(0, 10, 30), status: activities.Delivered, how: completed, http: 200},
		{name: "two in a row", policy: plain(4), answers: []rows.Answer{rows.Status(500), rows.Dies(), rows.Dies(), rows.Status(200)}, times: seconds(0, 10, 30, 70), status: activities.Delivered, how: completed, http: 200},
		{name: "what can't be recorded counts too", policy: plain(4), answers: []rows.Answer{rows.Status(500), rows.Unrecorded(), rows.Status(500)}, times: seconds(0, 10, 30, 70), status: activities.Exhausted, how: failed, reason: webhook.ReasonOutOfAttempts, http: 500},
	} {
		t.Run(s.name, s.test)
	}
}

func TestALastAttemptWithoutAnOutcomeExhausts(t *testing.T) {
	t.Parallel()
	for name, answer := range map[string]rows.Answer{"the worker died": rows.Dies(), "it was not recorded": rows.Unrecorded()} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, nil)
			w.endpoint(plain(2), rows.Status(500), answer)
			end := w.run()
			if diff := cmp.Diff(seconds(0, 10), w.times("ep_1")); diff != "" {
				t.Error(diff)
			}
			if got := end.of(t, "ep_1"); end.how != failed || got.Status != activities.Exhausted || got.Reason != webhook.ReasonOutcomeUnknown {
				t.Errorf("the run is %s, the delivery %s (%s)", end.how, got.Status, got.Reason)
			}
		})
	}
}
