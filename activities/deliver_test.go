package activities_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/postrider/postrider/activities"
	"github.com/postrider/postrider/internal/testkit/rows"
	"github.com/postrider/postrider/webhook"
)

func start() time.Time { return time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC) }

// plain is a policy without jitter: retries are due 10, 20, 40, 60, 60, … seconds after each other.
func plain(attempts int) webhook.Policy {
	return webhook.Policy{
		InitialInterval: webhook.Duration(10 * time.Second), BackoffCoefficient: 2, MaximumInterval: webhook.Duration(time.Minute),
		MaximumAttempts: attempts, Timeout: webhook.Duration(15 * time.Second),
	}
}

// refused is a delivery whose latest attempt was refused just now. Temporal has been told of reported.
func refused(policy webhook.Policy, attempts, reported int) webhook.Delivery {
	d := webhook.Delivery{
		EventUID: 1, EndpointKey: key, EndpointID: "ep_1", State: webhook.DeliveryPending, Budget: policy.MaximumAttempts, Policy: policy,
		Attempts: attempts - 1, Reported: reported,
	}
	return d.Apply(webhook.AttemptResult{Outcome: webhook.OutcomeRejected, Status: 503}, start(), 0.5)
}

func (e *engine) numbers() []int {
	var numbers []int
	for _, made := range e.Made("ep_1") {
		numbers = append(numbers, made.Number)
	}
	return numbers
}

// times are when the receiver got requests, after the start.
func (e *engine) times() []time.Duration {
	var times []time.Duration
	for _, made := range e.Made("ep_1") {
		times = append(times, made.At.Sub(start()))
	}
	return times
}

func seconds(all ...int) []time.Duration {
	var durations []time.Duration
	for _, s := range all {
		durations = append(durations, time.Duration(s)*time.Second)
	}
	return durations
}

// finish invokes the activity until it is over, and returns how it ended.
func (e *engine) finish() answer {
	for {
		if a := e.invoke(); e.now.closed {
			return a
		}
	}
}

func TestDeliverTellsTemporalOfEachAttemptOnce(t *testing.T) {
	t.Parallel()
	failure := rows.Status(503)
	e := newEngine(refused(plain(4), 1, 0), failure, failure, failure)
	for i, want := range []struct {
		requests int
		delay    time.Duration
		last     bool
	}{
		{0, 10 * time.Second, false}, // the handover
		{1, 0, false},                // Temporal's own policy
		{2, 0, false},
		{3, 0, true},
	} {
		got := e.invoke()
		if got.err == nil || got.err.Type() != activities.AttemptFailedType || got.err.NextRetryDelay() != want.delay || got.err.NonRetryable() != want.last {
			t.Fatalf("invocation %d: %+v", i+1, got)
		}
		var detail activities.AttemptFailure
		if err := got.err.Details(&detail); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(activities.AttemptFailure{V: 1, Attempt: i + 1, Status: 503, ErrorClass: errorClass(i)}, detail); diff != "" {
			t.Error(diff)
		}
		if d := e.Row("ep_1"); d.Attempts != i+1 || d.Reported != i+1 || d.Base != 0 || len(e.numbers()) != want.requests {
			t.Errorf("invocation %d: %d attempts, %d reported, base %d, %d requests", i+1, d.Attempts, d.Reported, d.Base, len(e.numbers()))
		}
	}
	if diff := cmp.Diff(seconds(10, 30, 70), e.times()); diff != "" || !e.now.closed {
		t.Error(diff)
	}
}

func TestAWishBeforeTheHandoverIsActedOnAtOnce(t *testing.T) {
	t.Parallel()
	for _, wish := range []webhook.Wish{webhook.WishRetry, webhook.WishCancel} {
		d := refused(plain(3), 1, 0)
		d.Wish = wish
		if got := newEngine(d).invoke(); got.err == nil || got.err.NextRetryDelay() != time.Millisecond {
			t.Errorf("%s: %+v", wish, got)
		}
	}
}

// A workflow that asks has no activity for the delivery, so there is none to be unpaused.
func TestWhatWasPausedInTemporalGoesOnWhenItsWorkflowAsks(t *testing.T) {
	t.Parallel()
	e := newEngine(refused(plain(3), 1, 1).Wait(webhook.WaitingForEngine, start()), rows.Status(200))
	known, err := activities.New(e.Rows, func() time.Time { return e.clock }).FirstAttempts(t.Context(), activities.FirstAttemptsParams{UID: 1, EndpointKeys: []int64{key}})
	if err != nil || known.Endpoints[0].Status != activities.Failed || known.Endpoints[0].Due.After(e.clock) {
		t.Errorf("got %+v, %v, want failed and due", known, err)
	}
	if got := e.invoke(); got.result.Outcome.Status != activities.Delivered {
		t.Errorf("then %+v", got)
	}
}

// errorClass is that of the refused first attempt, which carries none, or of the others.
func errorClass(i int) webhook.ErrorClass {
	if i == 0 {
		return webhook.ErrorNone
	}
	return webhook.ErrorHTTPStatus
}

func TestDeliverFollowsItsRules(t *testing.T) {
	t.Parallel()
	ok, no := rows.Status(200), rows.Status(503)
	gate := rows.Gate(webhook.WaitingForBreaker)
	jitter := plain(3)
	jitter.Jitter = 0.2
	for _, tt := range []struct {
		name    string
		row     webhook.Delivery
		answers []rows.Answer
		do      func(*engine)
		numbers []int // of the requests made
		times   []time.Duration
		status  activities.Status // that it ends with; "": it failed
		reason  string            // of the row
		made    int               // attempts that the row has in the end
	}{
		{"handover on time", refused(plain(3), 1, 0), []rows.Answer{ok}, nil, []int{2}, seconds(10), activities.Delivered, "", 2},
		{"handover late", refused(plain(3), 1, 0), []rows.Answer{ok}, func(e *engine) { e.clock = e.clock.Add(time.Hour) }, []int{2}, []time.Duration{time.Hour + time.Millisecond}, activities.Delivered, "", 2},
		{"handover with jitter", refused(jitter, 1, 0), []rows.Answer{no, ok}, nil, []int{2, 3}, seconds(10, 30), activities.Delivered, "", 3},
		{"handover of a third attempt, made by the dispatcher", refused(plain(4), 3, 1), []rows.Answer{ok}, nil, []int{4}, seconds(40), activities.Delivered, "", 4},
		{"the retry has to wait", refused(plain(3), 1, 0), []rows.Answer{gate}, nil, nil, nil, activities.Waiting, "", 1},
		{"the retry is gone", refused(plain(3), 1, 0), []rows.Answer{rows.Status(410)}, nil, []int{2}, seconds(10), activities.Waiting, "", 2},
		{"delivered meanwhile", refused(plain(3), 1, 0).Finish(webhook.DeliveryDelivered, "", start()), nil, nil, nil, nil, activities.Delivered, "", 1},
		{"cancelled meanwhile", refused(plain(3), 1, 0).Finish(webhook.DeliveryCancelled, webhook.ReasonCancelled, start()), nil, nil, nil, nil, activities.Cancelled, webhook.ReasonCancelled, 1},
		{"deleted by retention", refused(plain(3), 1, 0), nil, func(e *engine) { e.Delete() }, nil, nil, activities.Expired, "", 0},
		{"three attempts are the last", refused(plain(3), 1, 0), []rows.Answer{no}, nil, []int{2, 3}, seconds(10, 30), "", webhook.ReasonOutOfAttempts, 3},

		{"a forced retry sends at once, with t = 1", refused(plain(3), 1, 1), []rows.Answer{ok}, nil, []int{2}, seconds(0), activities.Delivered, "", 2},
		{"a forced retry before the handover does not wait", wanted(refused(plain(3), 1, 0)), []rows.Answer{ok}, nil, []int{2}, []time.Duration{time.Millisecond}, activities.Delivered, "", 2},
		{"a forced retry fails and goes on by the policy", refused(plain(3), 1, 1), []rows.Answer{no}, nil, []int{2, 3}, seconds(0, 20), "", webhook.ReasonOutOfAttempts, 3},
		{"Reset in back-off", refused(plain(4), 1, 0), []rows.Answer{no, ok}, func(e *engine) { e.invoke(); e.reset() }, []int{2, 3}, seconds(0, 20), activities.Delivered, "", 3},
		{"Reset again and again ends with the budget", refused(plain(4), 1, 0), []rows.Answer{no}, func(e *engine) {
			e.invoke()
			for range 2 {
				e.reset()
				e.invoke()
			}
			e.reset()
		}, []int{2, 3, 4}, seconds(0, 0, 0), "", webhook.ReasonOutOfAttempts, 4},
		{"Reset in flight: its result is lost to Temporal, not to the row", refused(plain(4), 1, 0), []rows.Answer{no, ok}, func(e *engine) {
			e.invoke()
			e.invoke() // this one's token has the old attempt number
			e.reset()
		}, []int{2, 3}, seconds(10, 10), activities.Delivered, "", 3},
		{"Reset in flight of what was delivered", refused(plain(4), 1, 0), []rows.Answer{ok}, func(e *engine) { e.invoke(); e.invoke(); e.reset() }, []int{2}, seconds(10), activities.Delivered, "", 2},
		{"Pause and Unpause in back-off", refused(plain(4), 1, 0), []rows.Answer{no, ok}, func(e *engine) { e.invoke(); e.unpause() }, []int{2, 3}, seconds(0, 20), activities.Delivered, "", 3},
		{"Pause and Unpause long after it was due", refused(plain(4), 1, 0), []rows.Answer{ok}, func(e *engine) { e.invoke(); e.clock = e.clock.Add(time.Hour); e.unpause() }, []int{2}, seconds(3600), activities.Delivered, "", 2},

		{"the worker dies", refused(plain(4), 1, 0), []rows.Answer{rows.Dies(), ok}, nil, []int{2, 3}, seconds(10, 10+25+20), activities.Delivered, "", 3},
		{"the worker dies twice", refused(plain(4), 1, 0), []rows.Answer{rows.Dies(), rows.Dies(), ok}, nil, []int{2, 3, 4}, seconds(10, 55, 55+25+40), activities.Delivered, "", 4},
		{"the worker dies in a forced retry", refused(plain(4), 1, 1), []rows.Answer{rows.Dies(), ok}, nil, []int{2, 3}, seconds(0, 25+10), activities.Delivered, "", 3},
		{"the worker dies after a Reset, in the last attempt", refused(plain(4), 3, 2), []rows.Answer{rows.Dies()}, func(e *engine) { e.invoke(); e.reset() }, []int{4}, seconds(0), "", "", 3},
		{"the outcome can't be recorded", refused(plain(4), 1, 0), []rows.Answer{rows.Unrecorded(), ok}, nil, []int{2, 3}, seconds(10, 30), activities.Delivered, "", 3},

		{"the engine falls back by one, not due", refused(plain(6), 1, 0), []rows.Answer{no}, func(e *engine) { e.invoke(); e.invoke(); e.fallBack(1) }, []int{2}, seconds(10), notDue, "", 2},
		{"the engine falls back by three, not due", refused(plain(6), 1, 0), []rows.Answer{no}, func(e *engine) { invokeTimes(e, 4); e.fallBack(3) }, []int{2, 3, 4}, seconds(10, 30, 70), notDue, "", 4},
		{"the engine falls back by one, due", refused(plain(6), 1, 0), []rows.Answer{no, ok}, func(e *engine) { invokeTimes(e, 2); e.fallBack(1); e.clock = e.clock.Add(time.Hour) }, []int{2, 3}, seconds(10, 3610), activities.Delivered, "", 3},
		{"the engine falls back by three, due", refused(plain(6), 1, 0), []rows.Answer{no, no, no, ok}, func(e *engine) { invokeTimes(e, 4); e.fallBack(3); e.clock = e.clock.Add(time.Hour) }, []int{2, 3, 4, 5}, seconds(10, 30, 70, 3670), activities.Delivered, "", 5},
		{"the engine falls back by three, due, and the worker dies", refused(plain(7), 1, 0), []rows.Answer{no, no, no, rows.Dies(), ok}, func(e *engine) { invokeTimes(e, 4); e.fallBack(3); e.clock = e.clock.Add(time.Hour) }, []int{2, 3, 4, 5, 6}, seconds(10, 30, 70, 3670, 3670+25+20), activities.Delivered, "", 6},
		{"the engine falls back by all: t = 1 sends", refused(plain(6), 1, 0), []rows.Answer{no, no, ok}, func(e *engine) { invokeTimes(e, 3); e.fallBack(3) }, []int{2, 3, 4}, seconds(10, 30, 30), activities.Delivered, "", 4},
		{"the engine falls back and has too many attempts left", refused(plain(4), 1, 0), []rows.Answer{no}, func(e *engine) { invokeTimes(e, 3); e.fallBack(1); e.clock = e.clock.Add(time.Hour) }, []int{2, 3, 4}, seconds(10, 30, 3630), "", webhook.ReasonOutOfAttempts, 4},

		{"MaximumAttempts 1, held by 410 and resumed: the one more fails", resumed(refused(plain(1), 1, 1)), []rows.Answer{no}, nil, []int{2}, seconds(0), "", webhook.ReasonOutOfAttempts, 2},

		{"the row can't be read", refused(plain(3), 1, 0), nil, func(e *engine) { e.Fail("Delivery", 1) }, nil, nil, activities.Waiting, "", 1},
		{"the handover can't be written", refused(plain(3), 1, 0), nil, func(e *engine) { e.Fail("Save", 1) }, nil, nil, activities.Waiting, "", 1},
		{"the store fails before the request", refused(plain(3), 1, 0), nil, func(e *engine) { e.Fail("Attempt", 1) }, nil, nil, activities.Waiting, "", 1},
		{"a Reset can't be written", refused(plain(3), 1, 1), nil, func(e *engine) { e.Fail("Save", 1) }, nil, nil, activities.Waiting, "", 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			e := newEngine(tt.row, tt.answers...)
			if tt.do != nil {
				tt.do(e)
			}
			end := e.finish()
			if diff := cmp.Diff(tt.numbers, e.numbers()); diff != "" {
				t.Errorf("requests: %s", diff)
			}
			if diff := cmp.Diff(tt.times, e.times()); diff != "" {
				t.Errorf("times of requests: %s", diff)
			}
			if got := statusOf(end); got != tt.status {
				t.Errorf("it ends with %q, want %q", got, tt.status)
			}
			if tt.made == 0 {
				return // the row is gone
			}
			if d := e.Row("ep_1"); d.Attempts != tt.made || d.Reason != tt.reason {
				t.Errorf("the row has %d attempts (%s), want %d (%s)", d.Attempts, d.Reason, tt.made, tt.reason)
			}
		})
	}
}

// notDue stands for the result that has it set.
const notDue activities.Status = "not due"

func statusOf(a answer) activities.Status {
	switch {
	case a.err != nil || a.died:
		return ""
	case a.result.NotDue:
		return notDue
	default:
		return a.result.Outcome.Status
	}
}

func invokeTimes(e *engine, n int) {
	for range n {
		e.invoke()
	}
}

func wanted(d webhook.Delivery) webhook.Delivery {
	d.Wish = webhook.WishRetry
	return d
}

// resumed is open again, with one attempt more.
func resumed(d webhook.Delivery) webhook.Delivery {
	d.State, d.Reason, d.CompletedAt, d.DueAt = webhook.DeliveryRetrying, "", time.Time{}, start()
	d.Budget++
	return d
}
