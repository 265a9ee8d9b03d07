package webhook

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"time"
)

// Duration is a time.Duration that reads and writes itself as "1m30s" in JSON.
type Duration time.Duration

// MarshalText writes the form that time.ParseDuration reads.
func (d Duration) MarshalText() ([]byte, error) { return []byte(time.Duration(d).String()), nil }

// UnmarshalText reads the form of time.ParseDuration.
func (d *Duration) UnmarshalText(text []byte) error {
	v, err := time.ParseDuration(string(text))
	if err != nil {
		return fmt.Errorf("%q is not a duration such as 5s or 12h", text)
	}
	*d = Duration(v)
	return nil
}

// Policy says how an endpoint's deliveries are retried. Attempt n+1 is due
// InitialInterval × BackoffCoefficient^(n−1) after attempt n, at most MaximumInterval, moved by
// up to ±Jitter of itself, and not before the receiver's Retry-After.
type Policy struct {
	InitialInterval    Duration `json:"initial_interval"`
	BackoffCoefficient float64  `json:"backoff_coefficient"`
	MaximumInterval    Duration `json:"maximum_interval"`
	MaximumAttempts    int      `json:"maximum_attempts"`
	Timeout            Duration `json:"timeout"`
	Jitter             float64  `json:"jitter"`
	// PermanentStatuses are the 4xx statuses that end a delivery at once. Default: none.
	PermanentStatuses []int `json:"permanent_statuses,omitempty"`
}

// DefaultPolicy retries for about three days.
func DefaultPolicy() Policy {
	return Policy{
		InitialInterval:    Duration(5 * time.Second),
		BackoffCoefficient: 3,
		MaximumInterval:    Duration(12 * time.Hour),
		MaximumAttempts:    15,
		Timeout:            Duration(15 * time.Second),
		Jitter:             0.2,
	}
}

// MaxRetryAfter is the most that a receiver's Retry-After may postpone an attempt by.
const MaxRetryAfter = 24 * time.Hour

// Validate lists every field that is out of range, each as "policy.<name>".
func (p Policy) Validate() []FieldError {
	var faults []FieldError
	check := func(ok bool, field, detail string) {
		if !ok {
			faults = append(faults, FieldError{Field: "policy." + field, Detail: detail})
		}
	}
	between := func(d Duration, low, high time.Duration) bool {
		return time.Duration(d) >= low && time.Duration(d) <= high
	}
	check(between(p.InitialInterval, 100*time.Millisecond, 24*time.Hour), "initial_interval", "must be between 100ms and 24h")
	check(between(p.MaximumInterval, 100*time.Millisecond, 7*24*time.Hour), "maximum_interval", "must be between 100ms and 168h")
	check(p.MaximumInterval >= p.InitialInterval, "maximum_interval", "must not be less than initial_interval")
	check(p.BackoffCoefficient >= 1 && p.BackoffCoefficient <= 100, "backoff_coefficient", "must be between 1 and 100")
	check(p.MaximumAttempts >= 1 && p.MaximumAttempts <= 1000, "maximum_attempts", "must be between 1 and 1000")
	check(between(p.Timeout, time.Second, time.Minute), "timeout", "must be between 1s and 1m")
	check(p.Jitter >= 0 && p.Jitter <= 1, "jitter", "must be between 0 and 1")
	for _, status := range p.PermanentStatuses {
		check(status >= 400 && status <= 499, "permanent_statuses", fmt.Sprintf("%d is not a 4xx status", status))
	}
	return faults
}

// Permanent reports whether the status ends a delivery at once.
func (p Policy) Permanent(status int) bool { return slices.Contains(p.PermanentStatuses, status) }

// Interval is the time between attempt n and n+1 without jitter.
func (p Policy) Interval(n int) time.Duration {
	interval := float64(p.InitialInterval) * math.Pow(p.BackoffCoefficient, float64(n-1))
	if interval > float64(p.MaximumInterval) || math.IsInf(interval, 0) || math.IsNaN(interval) {
		return time.Duration(p.MaximumInterval)
	}
	return time.Duration(interval)
}

// Delay is the time between attempt n and n+1: jitter applied, Retry-After honoured. random is
// in [0,1). After a Retry-After the jitter only adds, so that the receiver's wish is kept.
func (p Policy) Delay(n int, retryAfter time.Duration, random float64) time.Duration {
	delay := p.Interval(n)
	spread := (2*random - 1) * p.Jitter
	if retryAfter = min(retryAfter, MaxRetryAfter); retryAfter > 0 {
		delay = max(delay, retryAfter)
		spread = random * p.Jitter
	}
	return max(time.Millisecond, time.Duration(float64(delay)*(1+spread)).Round(time.Millisecond))
}

// Plain reports whether Temporal's own arithmetic gives the delays of this policy, so that no
// delay has to be handed to it.
func (p Policy) Plain() bool { return p.Jitter == 0 }

// String is the policy's canonical JSON; equal policies have equal strings.
func (p Policy) String() string {
	text, err := json.Marshal(p)
	if err != nil { // a Policy holds nothing that JSON cannot
		panic(err)
	}
	return string(text)
}
