package workflows_test

import (
	"testing"
	"time"

	"github.com/postrider/postrider/activities"
	"github.com/postrider/postrider/internal/testkit/rows"
	"github.com/postrider/postrider/webhook"
	"github.com/postrider/postrider/workflows"
)

// Payloads as people write them in the Temporal UI and CLI.
type payload map[string]any

func everything() payload         { return payload{} }
func only(endpointID any) payload { return payload{"endpoint_id": endpointID} }

// signalled sends a signal after some time.
func signalled(after time.Duration, name string, payload any) func(*world) {
	return func(w *world) { w.at(after, func(w *world) { w.signal(name, payload) }) }
}

// whileInFlight is an answer that comes after the workflow was signalled and has asked Temporal to
// cancel the activity.
func whileInFlight(w *world, answer rows.Answer, name string, payload any) rows.Answer {
	return answer.During(func() {
		w.signal(name, payload)
		w.cancellation.await()
	})
}

func TestSignals(t *testing.T) {
	t.Parallel()
	const cancelled = webhook.ReasonCancelled
	gate := rows.Gate(webhook.WaitingForCap)
	for _, s := range []story{
		{name: "cancel in back-off", answers: status(500), during: signalled(5*time.Second, "cancel", everything()), times: seconds(0), status: activities.Cancelled, how: canceled, reason: cancelled, http: 500},
		{name: "cancel in back-off of one endpoint", answers: status(500), during: signalled(25*time.Second, "cancel", only("ep_1")), times: seconds(0, 10), status: activities.Cancelled, how: canceled, reason: cancelled, http: 500},
		{name: "cancel without a payload is of all endpoints", answers: status(500), during: signalled(5*time.Second, "cancel", nil), times: seconds(0), status: activities.Cancelled, how: canceled, reason: cancelled, http: 500},
		{name: "cancel while waiting", answers: []rows.Answer{gate}, during: signalled(5*time.Second, "cancel", everything()), status: activities.Cancelled, how: canceled, reason: cancelled},
		{name: "cancel while held", answers: status(410), during: signalled(5*time.Second, "cancel", everything()), times: seconds(0), status: activities.Cancelled, how: canceled, reason: cancelled, http: 410},
		{name: "cancel while the first attempt is in flight: what it delivers counts", answers: []rows.Answer{rows.Slow(), rows.Status(200)}, during: func(w *world) {
			w.at(time.Second, func(w *world) { w.signal("cancel", everything()) })
			w.at(2*time.Second, func(w *world) { w.Land("ep_1") })
		}, times: seconds(0), status: activities.Delivered, how: completed, http: 200},
		{name: "cancel while the first attempt is in flight: what it does not deliver is cancelled", answers: []rows.Answer{rows.Slow(), rows.Status(500)}, during: func(w *world) {
			w.at(time.Second, func(w *world) { w.signal("cancel", everything()) })
			w.at(2*time.Second, func(w *world) { w.Land("ep_1") })
		}, times: seconds(0), status: activities.Cancelled, how: canceled, reason: cancelled, http: 500},
		{name: "cancel of an endpoint that the event does not have", answers: status(500, 200), during: signalled(5*time.Second, "cancel", only("ep_2")), times: seconds(0, 10), status: activities.Delivered, how: completed, http: 200},
		{name: "Temporal's Cancel in back-off", answers: status(500), during: func(w *world) {
			w.at(5*time.Second, func(w *world) { w.env.CancelWorkflow() })
		}, times: seconds(0), status: activities.Cancelled, how: canceled, reason: cancelled, http: 500},
		{name: "Temporal's Cancel while waiting", answers: []rows.Answer{gate}, during: func(w *world) {
			w.at(5*time.Second, func(w *world) { w.env.CancelWorkflow() })
		}, status: activities.Cancelled, how: canceled, reason: cancelled},

		{name: "retry in back-off sends now, and the count goes on", answers: status(500, 500, 200), during: signalled(5*time.Second, "retry", everything()), times: seconds(0, 5, 25), status: activities.Delivered, how: completed, http: 200},
		{name: "retry in back-off does not give more attempts", answers: status(500), during: signalled(5*time.Second, "retry", only("ep_1")), times: seconds(0, 5, 25), status: activities.Exhausted, how: failed, reason: webhook.ReasonOutOfAttempts, http: 500},
		{name: "retry in back-off again and again", answers: status(500), policy: plain(5), during: func(w *world) {
			for _, after := range seconds(1, 2, 3) {
				w.at(after, func(w *world) { w.signal("retry", everything()) })
			}
		}, times: seconds(0, 1, 2, 3, 63), status: activities.Exhausted, how: failed, reason: webhook.ReasonOutOfAttempts, http: 500},
		{name: "retry without a payload is of all endpoints", answers: status(500, 200), during: signalled(5*time.Second, "retry", nil), times: seconds(0, 5), status: activities.Delivered, how: completed, http: 200},
		{name: "retry while waiting sends now", answers: []rows.Answer{gate, rows.Status(500), rows.Status(200)}, during: signalled(5*time.Second, "retry", everything()), times: seconds(5, 15), status: activities.Delivered, how: completed, http: 200},
		{name: "retry while held leaves it held", answers: status(410, 200), during: func(w *world) {
			w.at(5*time.Second, func(w *world) { w.signal("retry", everything()) })
			w.at(time.Minute, func(w *world) { w.Open("ep_1") })
		}, times: seconds(0, 60), status: activities.Delivered, how: completed, http: 200},
		{name: "retry goes before the breaker", answers: []rows.Answer{rows.Status(500), gate, rows.Status(200)}, during: signalled(5*time.Second, "retry", everything()), times: seconds(0, 5), status: activities.Delivered, how: completed, http: 200},
		{name: "the API's own retry is in the rows already", answers: status(500, 200), during: func(w *world) {
			w.at(5*time.Second, func(w *world) {
				if err := w.RecordWish(t.Context(), 1, "", webhook.WishRetry); err != nil {
					t.Error(err)
				}
				w.signal("retry", workflows.WishSignal{Recorded: true})
				if w.Calls("RecordWish") != 1 {
					t.Error("the wish was written twice")
				}
			})
		}, times: seconds(0, 5), status: activities.Delivered, how: completed, http: 200},
		{name: "retry, then cancel", answers: []rows.Answer{gate}, during: func(w *world) {
			w.at(5*time.Second, func(w *world) {
				w.signal("retry", everything())
				w.signal("cancel", everything())
			})
		}, status: activities.Cancelled, how: canceled, reason: cancelled},
		{name: "a payload that is none of ours stops nothing", answers: []rows.Answer{gate, rows.Status(200)}, during: func(w *world) {
			w.at(time.Second, func(w *world) { w.signal("cancel", "ep_1") })
			w.at(2*time.Second, func(w *world) { w.signal("retry", only(7)) })
			w.at(3*time.Second, func(w *world) { w.signal("outcome", 7) })
			w.at(time.Minute, func(w *world) { w.Open("ep_1") })
		}, times: seconds(60), status: activities.Delivered, how: completed, http: 200},
	} {
		t.Run(s.name, s.test)
	}
}

func TestSignalsWhileARetryIsInFlight(t *testing.T) {
	t.Parallel()
	const cancelled = webhook.ReasonCancelled
	for _, tt := range []struct {
		name   string
		signal string
		answer rows.Answer
		after  []rows.Answer
		want   story
	}{
		{"cancel: what it delivers counts", "cancel", rows.Status(200), nil, story{times: seconds(0, 10), status: activities.Delivered, how: completed, http: 200}},
		{"cancel: what it does not deliver is cancelled", "cancel", rows.Status(503), nil, story{times: seconds(0, 10), status: activities.Cancelled, how: canceled, reason: cancelled, http: 503}},
		{"cancel: gone is cancelled too", "cancel", rows.Status(410), nil, story{times: seconds(0, 10), status: activities.Cancelled, how: canceled, reason: cancelled, http: 410}},
		{"retry: what has just been delivered is not sent again", "retry", rows.Status(200), nil, story{times: seconds(0, 10), status: activities.Delivered, how: completed, http: 200}},
		{"retry: what has just failed is sent again at once", "retry", rows.Status(500), status(500, 200), story{times: seconds(0, 10, 10, 50), status: activities.Delivered, how: completed, http: 200}},
	} {
		s := tt.want
		s.name, s.policy = tt.name, plain(4)
		s.answers = []rows.Answer{rows.Status(500)}
		s.during = func(w *world) {
			answers := []rows.Answer{rows.Status(500), whileInFlight(w, tt.answer, tt.signal, everything())}
			w.Put(w.Row("ep_1"), append(answers, tt.after...)...)
		}
		t.Run(s.name, s.test)
	}
}

func TestACancelledAttemptInWhichTheWorkerDiedIsCancelled(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	w.endpoint(plain(3))
	w.Put(w.Row("ep_1"), rows.Status(500), whileInFlight(w, rows.Dies(), "cancel", everything()))
	end := w.run()
	if got := end.of(t, "ep_1"); end.how != canceled || got.Status != activities.Cancelled || len(w.Made("ep_1")) != 2 {
		t.Errorf("the run is %s, the delivery %s after %d requests", end.how, got.Status, len(w.Made("ep_1")))
	}
}
