package dispatch

import (
	"time"

	"github.com/postrider/postrider/internal/tuning"
)

// FirstAttempt says who makes an event's first attempts.
type FirstAttempt string

// Who makes first attempts.
const (
	Auto          FirstAttempt = "auto"     // the workflow whenever the engine can take the event at once, else ahead of it
	ByWorkflow    FirstAttempt = "workflow" // always an activity of the workflow
	AheadOfEngine FirstAttempt = "ahead"    // always before the workflow is started
)

// Valid reports whether f is one of the constants.
func (f FirstAttempt) Valid() bool { return f == Auto || f == ByWorkflow || f == AheadOfEngine }

// Config tunes a dispatcher. The zero value works.
type Config struct {
	FirstAttempt FirstAttempt // default Auto

	Senders      int           // requests in flight at once on this node; default 256
	EndpointCap  int           // requests in flight to one endpoint; default 32, never over a quarter of Senders
	BreakerAfter int           // failures in a row after which one probe at a time is sent; default 20
	ProbePause   time.Duration // the longest between two such probes of one that is down; default 100 ms
	WindowSize   int           // deliveries in memory; default 20,000
	WindowBytes  int64         // data in memory; default 64 MiB
	QueueSize    int           // deliveries in memory for one endpoint; default 512
	FirstWait    time.Duration // how long a workflow waits for its first attempts; default 1 s
	Reserve      time.Duration // how long a first attempt is left to the workflow in Auto; default 25 ms
	EngineQuick  time.Duration // a start slower than this sends Auto ahead; default 1 ms

	MaxWaiting  int64  // refuse intake above; default 1,000,000 deliveries
	MaxBytes    int64  // refuse intake above; default 10 GiB of data that waits
	MinFreeDisk uint64 // refuse intake below so many bytes free where DiskPath is; 0: not looked at
	DiskPath    string
	MaxLog      int64         // refuse intake while the store's log can't be shortened and is so long; 0: not looked at
	MaxCommit   time.Duration // refuse events that would wait longer to be stored; default 500 ms

	SweepEvery time.Duration // default 5 s
	SweepGrace time.Duration // default 60 s; each row also gets its own time-out and 30 s
	SweepRate  int           // rows a second; default 20
	StrayGrace time.Duration // how long an event may be over before its workflow; default 60 s

	Shared     bool          // several nodes share the store
	AliveEvery time.Duration // default 1 s
	StopAfter  time.Duration // stop sending when not known to be alive for this long; default 5 s
	DeadAfter  time.Duration // take over from nodes silent for this long; default 10 s

	Now    func() time.Time     // default time.Now
	Scarce func(time.Time) bool // whether processors are scarce; default: as measured
}

func (c Config) withDefaults() Config {
	set(&c.FirstAttempt, Auto)
	set(&c.Senders, 256)
	set(&c.EndpointCap, 32)
	c.EndpointCap = max(1, min(c.EndpointCap, c.Senders/4))
	set(&c.BreakerAfter, 20)
	set(&c.ProbePause, 100*time.Millisecond)
	set(&c.WindowSize, 20_000)
	set(&c.WindowBytes, 64<<20)
	set(&c.QueueSize, 512)
	set(&c.FirstWait, time.Second)
	set(&c.Reserve, 25*time.Millisecond)
	set(&c.EngineQuick, time.Millisecond)
	set(&c.MaxWaiting, 1_000_000)
	set(&c.MaxBytes, 10<<30)
	set(&c.MaxCommit, 500*time.Millisecond)
	set(&c.SweepEvery, 5*time.Second)
	set(&c.SweepGrace, time.Minute)
	set(&c.SweepRate, 20)
	set(&c.StrayGrace, time.Minute)
	set(&c.AliveEvery, time.Second)
	set(&c.StopAfter, 5*time.Second)
	set(&c.DeadAfter, 10*time.Second)
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Scarce == nil {
		c.Scarce = new(tuning.Processors).Scarce
	}
	return c
}

func set[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}
