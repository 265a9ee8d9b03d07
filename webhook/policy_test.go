package webhook_test

import (
	"encoding/json"
	"math"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/postrider/postrider/webhook"
)

// policies draws any policy that Validate accepts.
func policies() *rapid.Generator[webhook.Policy] {
	return rapid.Custom(func(t *rapid.T) webhook.Policy {
		initial := rapid.Int64Range(int64(100*time.Millisecond), int64(24*time.Hour)).Draw(t, "initial")
		return webhook.Policy{
			InitialInterval:    webhook.Duration(initial),
			BackoffCoefficient: rapid.Float64Range(1, 100).Draw(t, "coefficient"),
			MaximumInterval:    webhook.Duration(rapid.Int64Range(initial, int64(168*time.Hour)).Draw(t, "maximum")),
			MaximumAttempts:    rapid.IntRange(1, 1000).Draw(t, "attempts"),
			Timeout:            webhook.Duration(rapid.Int64Range(int64(time.Second), int64(time.Minute)).Draw(t, "timeout")),
			Jitter:             rapid.Float64Range(0, 1).Draw(t, "jitter"),
			PermanentStatuses:  rapid.SliceOfN(rapid.IntRange(400, 499), 0, 5).Draw(t, "statuses"),
		}
	})
}

func TestTheDefaultPolicyIsValidAndRetriesForAboutThreeDays(t *testing.T) {
	t.Parallel()
	p := webhook.DefaultPolicy()
	if faults := p.Validate(); len(faults) > 0 {
		t.Errorf("it has faults: %v", faults)
	}
	var total time.Duration
	for n := 1; n < p.MaximumAttempts; n++ {
		total += p.Interval(n)
	}
	if total < 60*time.Hour || total > 84*time.Hour {
		t.Errorf("its attempts span %s", total)
	}
}

func TestIntervalsGrowByTheCoefficientUpToTheMaximum(t *testing.T) {
	t.Parallel()
	p := webhook.DefaultPolicy()
	want := map[int]time.Duration{
		1: 5 * time.Second, 2: 15 * time.Second, 3: 45 * time.Second, 4: 135 * time.Second, 8: 3*time.Hour + 2*time.Minute + 15*time.Second,
		9: 9*time.Hour + 6*time.Minute + 45*time.Second, 10: 12 * time.Hour, 15: 12 * time.Hour, 1000: 12 * time.Hour, math.MaxInt32: 12 * time.Hour,
	}
	for n, interval := range want {
		if got := p.Interval(n); got != interval {
			t.Errorf("after attempt %d: got %s, want %s", n, got, interval)
		}
	}
	p.BackoffCoefficient = 1
	if got := p.Interval(500); got != 5*time.Second {
		t.Errorf("with coefficient 1: got %s after attempt 500", got)
	}
}

func TestIntervalsNeverShrinkNorPassTheMaximum(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		p, n := policies().Draw(t, "policy"), rapid.IntRange(1, 1_000_000).Draw(t, "n")
		this, next := p.Interval(n), p.Interval(n+1)
		if this < time.Duration(p.InitialInterval) || this > next || next > time.Duration(p.MaximumInterval) {
			t.Fatalf("after %d: %s, after %d: %s, initial %v, maximum %v", n, this, n+1, next, p.InitialInterval, p.MaximumInterval)
		}
	})
}

func TestDelaysKeepWithinTheJitter(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		p, n := policies().Draw(t, "policy"), rapid.IntRange(1, 1_000_000).Draw(t, "n")
		random := rapid.Float64Range(0, math.Nextafter(1, 0)).Draw(t, "random")
		interval := float64(p.Interval(n))
		got := float64(p.Delay(n, 0, random))
		low, high := interval*(1-p.Jitter)-float64(time.Millisecond), interval*(1+p.Jitter)+float64(time.Millisecond)
		if got < low || got > high || got < float64(time.Millisecond) {
			t.Fatalf("got %v, want between %v and %v", got, low, high)
		}
	})
}

func TestDelaysKeepTheReceiversWish(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		p, n := policies().Draw(t, "policy"), rapid.IntRange(1, 1_000_000).Draw(t, "n")
		random := rapid.Float64Range(0, math.Nextafter(1, 0)).Draw(t, "random")
		wish := time.Duration(rapid.Int64Range(1, math.MaxInt64).Draw(t, "retry after"))
		got, least := p.Delay(n, wish, random), max(min(wish, webhook.MaxRetryAfter), p.Interval(n))
		if got < least.Round(time.Millisecond) || float64(got) > float64(least)*(1+p.Jitter)+float64(time.Millisecond) {
			t.Fatalf("got %s for a wish of %s and an interval of %s", got, wish, p.Interval(n))
		}
	})
}

func TestDelay(t *testing.T) {
	t.Parallel()
	p := webhook.DefaultPolicy() // 5 s, ±20 %
	steady := p
	steady.Jitter = 0
	wild := p
	wild.Jitter = 1
	tests := []struct {
		name       string
		policy     webhook.Policy
		attempt    int
		retryAfter time.Duration
		random     float64
		want       time.Duration
	}{
		{"the middle of the jitter is the interval itself", p, 1, 0, 0.5, 5 * time.Second},
		{"the least of the jitter", p, 1, 0, 0, 4 * time.Second},
		{"the most of the jitter, cut to milliseconds", p, 1, 0, 0.9999999, 6 * time.Second},
		{"without jitter randomness does not count", steady, 2, 0, 0.9, 15 * time.Second},
		{"full jitter leaves at least a millisecond, for zero means nothing to Temporal", wild, 1, 0, 0, time.Millisecond},
		{"a Retry-After that is longer wins", steady, 1, time.Minute, 0, time.Minute},
		{"a Retry-After that is shorter does not", steady, 2, time.Second, 0, 15 * time.Second},
		{"after a Retry-After the jitter only adds", p, 1, time.Minute, 0, time.Minute},
		{"after a Retry-After the jitter adds all of itself", p, 1, time.Minute, 0.5, 66 * time.Second},
		{"a shorter Retry-After turns the jitter upwards too", p, 1, time.Second, 0, 5 * time.Second},
		{"a Retry-After of a week is a day", steady, 1, 7 * 24 * time.Hour, 0, 24 * time.Hour},
		{"a Retry-After may pass the maximum interval", steady, 15, 20 * time.Hour, 0, 20 * time.Hour},
		{"a negative Retry-After is none", p, 1, -time.Minute, 0, 4 * time.Second},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := tt.policy.Delay(tt.attempt, tt.retryAfter, tt.random); got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}

func TestValidateNamesEachFieldOutOfRange(t *testing.T) {
	t.Parallel()
	const second = webhook.Duration(time.Second)
	tests := []struct {
		name   string
		change func(*webhook.Policy)
		want   []string
	}{
		{"nothing is wrong", func(*webhook.Policy) {}, nil},
		{"the least of everything", func(p *webhook.Policy) {
			*p = webhook.Policy{InitialInterval: second / 10, BackoffCoefficient: 1, MaximumInterval: second / 10, MaximumAttempts: 1, Timeout: second}
		}, nil},
		{"the most of everything", func(p *webhook.Policy) {
			*p = webhook.Policy{
				InitialInterval: 24 * 3600 * second, BackoffCoefficient: 100, MaximumInterval: 168 * 3600 * second, MaximumAttempts: 1000,
				Timeout: 60 * second, Jitter: 1, PermanentStatuses: []int{400, 499},
			}
		}, nil},
		{"an initial interval that is too short", func(p *webhook.Policy) { p.InitialInterval = second/10 - 1 }, []string{"policy.initial_interval"}},
		{"an initial interval that is too long", func(p *webhook.Policy) {
			p.InitialInterval, p.MaximumInterval = 24*3600*second+1, 168*3600*second
		}, []string{"policy.initial_interval"}},
		{"a maximum that is too long", func(p *webhook.Policy) { p.MaximumInterval = 168*3600*second + 1 }, []string{"policy.maximum_interval"}},
		{"a maximum below the initial interval", func(p *webhook.Policy) { p.MaximumInterval = second }, []string{"policy.maximum_interval"}},
		{"a coefficient below one", func(p *webhook.Policy) { p.BackoffCoefficient = 0.99 }, []string{"policy.backoff_coefficient"}},
		{"a coefficient above a hundred", func(p *webhook.Policy) { p.BackoffCoefficient = 100.1 }, []string{"policy.backoff_coefficient"}},
		{"a coefficient that is no number", func(p *webhook.Policy) { p.BackoffCoefficient = math.NaN() }, []string{"policy.backoff_coefficient"}},
		{"no attempts", func(p *webhook.Policy) { p.MaximumAttempts = 0 }, []string{"policy.maximum_attempts"}},
		{"too many attempts", func(p *webhook.Policy) { p.MaximumAttempts = 1001 }, []string{"policy.maximum_attempts"}},
		{"a timeout that is too short", func(p *webhook.Policy) { p.Timeout = second - 1 }, []string{"policy.timeout"}},
		{"a timeout that is too long", func(p *webhook.Policy) { p.Timeout = 60*second + 1 }, []string{"policy.timeout"}},
		{"a negative jitter", func(p *webhook.Policy) { p.Jitter = -0.1 }, []string{"policy.jitter"}},
		{"a jitter above one", func(p *webhook.Policy) { p.Jitter = 1.1 }, []string{"policy.jitter"}},
		{"a jitter that is no number", func(p *webhook.Policy) { p.Jitter = math.NaN() }, []string{"policy.jitter"}},
		{"a status that is not 4xx", func(p *webhook.Policy) { p.PermanentStatuses = []int{399, 404, 500} }, []string{"policy.permanent_statuses", "policy.permanent_statuses"}},
		{"an empty policy", func(p *webhook.Policy) { *p = webhook.Policy{} }, []string{
			"policy.initial_interval", "policy.maximum_interval", "policy.backoff_coefficient", "policy.maximum_attempts", "policy.timeout",
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			p := webhook.DefaultPolicy()
			tt.change(&p)
			var got []string
			for _, fault := range p.Validate() {
				if fault.Detail == "" {
					t.Errorf("%s has no detail", fault.Field)
				}
				got = append(got, fault.Field)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestDrawnPoliciesAreValidAndSurviveTheirText(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		p := policies().Draw(t, "policy")
		if faults := p.Validate(); len(faults) > 0 {
			t.Fatalf("%v", faults)
		}
		var back webhook.Policy
		if err := json.Unmarshal([]byte(p.String()), &back); err != nil {
			t.Fatal(err)
		}
		if back.String() != p.String() || back.Interval(7) != p.Interval(7) {
			t.Fatalf("%s came back as %s", p, back)
		}
	})
}

func TestThePolicyTextIsItsJSON(t *testing.T) {
	t.Parallel()
	want := `{"initial_interval":"5s","backoff_coefficient":3,"maximum_interval":"12h0m0s","maximum_attempts":15,"timeout":"15s","jitter":0.2}`
	p := webhook.DefaultPolicy()
	if got := p.String(); got != want {
		t.Errorf("got %s", got)
	}
	p.PermanentStatuses = []int{}
	if got := p.String(); got != want {
		t.Errorf("an empty list makes another text: %s", got)
	}
}

func TestDurationsInJSON(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, text string
		want       time.Duration
		fails      bool
	}{
		{"seconds", `"5s"`, 5 * time.Second, false},
		{"hours", `"12h"`, 12 * time.Hour, false},
		{"mixed", `"1m30s"`, 90 * time.Second, false},
		{"zero", `"0"`, 0, false},
		{"a number is refused", `5`, 0, true},
		{"a number in text is refused", `"5"`, 0, true},
		{"words are refused", `"soon"`, 0, true},
		{"nothing is refused", `""`, 0, true},
		{"what overflows is refused", `"9999999h"`, 0, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var got webhook.Duration
			if err := json.Unmarshal([]byte(tt.text), &got); (err != nil) != tt.fails {
				t.Fatalf("got %v, %v", got, err)
			}
			if time.Duration(got) != tt.want {
				t.Errorf("got %s, want %s", time.Duration(got), tt.want)
			}
		})
	}
	rapid.Check(t, func(t *rapid.T) {
		want := webhook.Duration(rapid.Int64().Draw(t, "duration"))
		text, err := json.Marshal(want)
		if err != nil {
			t.Fatal(err)
		}
		var got webhook.Duration
		if err := json.Unmarshal(text, &got); err != nil || got != want {
			t.Fatalf("%s came back as %d, %v", text, got, err)
		}
	})
}

func TestPermanentAndPlain(t *testing.T) {
	t.Parallel()
	p := webhook.DefaultPolicy()
	if p.Permanent(404) || p.Permanent(0) || p.Plain() {
		t.Error("the default policy has no permanent status, and jitter")
	}
	p.PermanentStatuses, p.Jitter = []int{404, 422}, 0
	if !p.Permanent(422) || p.Permanent(400) || !p.Plain() {
		t.Error("a policy with 404 and 422 and without jitter")
	}
}
