package main

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/pflag"
)

// options are what the benchmark was told.
type options struct {
	scenarios []string
	runs      int
	wait      time.Duration // for a load to be posted, for it to be delivered, for its workflows to close
	dir       string        // of the data directories
	keep      bool
	json      bool

	postrider    string // the binary
	firstAttempt string // empty: its default
	postgres     string // URL of a server; empty: none
	serveArgs    []string

	n           int     // 0: the scenario's own default, as the next four
	batch       int     // events in a request
	rate        float64 // events a second
	seconds     float64
	waiting     int // deliveries that wait
	connections int
	deadRate    float64
	fanOut      []int         // endpoints
	minutes     float64       // soak
	closed      int           // large
	dueRate     float64       // large
	idle        time.Duration // waiting, blocked
	backOff     time.Duration // waiting: until the endpoint answers again; 0: reckoned
	size        int
	warmup      int

	naive         bool
	naiveN        int
	naiveTemporal string   // address; empty: one as it comes, started for it
	only          []string // names of systems; empty: all
}

func parseOptions(args []string) (options, error) {
	var o options
	fs := pflag.NewFlagSet("bench", pflag.ContinueOnError)
	fs.SortFlags = false
	fs.IntVar(&o.runs, "runs", 1, "how often each scenario is run; several runs are shown as min, median and max")
	fs.IntVar(&o.n, "n", 0, "events; default: spike, batch, engine, large, nodes, waiting and blocked 5000, flat 20000; fanout: deliveries of each step, 10000")
	fs.IntVar(&o.connections, "connections", 32, "all but steady, dead, soak: connections that post one request after the other")
	fs.IntVar(&o.batch, "batch", 0, "events in a request; default: batch 500; overload, reader and tenants (the noisy one) 1")
	fs.Float64Var(&o.rate, "rate", 0, "events a second; default: steady, soak, nodes, waiting and blocked (the fresh ones) 100, retries 300, fanout (to ten) 20, tenants (the quiet one) 50")
	fs.Float64Var(&o.deadRate, "dead-rate", 500, "dead: events a second, nine tenths of them to the dead endpoint")
	fs.Float64Var(&o.seconds, "seconds", 0, "how long; default: steady, dead, fanout, nodes, tenants, waiting and blocked 20, retries 30, overload and reader 60")
	fs.Float64Var(&o.minutes, "minutes", 15, "soak: how long")
	fs.IntSliceVar(&o.fanOut, "endpoints", []int{1, 10, 100, 1000}, "fanout: endpoints that each event goes to")
	fs.IntVar(&o.waiting, "waiting", 0, "deliveries that wait at an endpoint that is down; default: waiting and blocked 10000, retries 0")
	fs.DurationVar(&o.idle, "idle", time.Minute, "waiting, blocked: how long nothing is sent, to see what waiting costs")
	fs.DurationVar(&o.backOff, "back-off", 0, "waiting: from the first event to the endpoint that is down until it answers again; default: reckoned from --waiting and --idle")
	fs.IntVar(&o.closed, "closed", 200_000, "large: closed workflows that are in the database beforehand")
	fs.Float64Var(&o.dueRate, "due-rate", 20, "large: how many of them are deleted a second meanwhile, their retention being over")
	fs.IntVar(&o.size, "size", 1024, "bytes of an event's data")
	fs.IntVar(&o.warmup, "warmup", 200, "events before the measurement, not counted")
	fs.StringVar(&o.firstAttempt, "first-attempt", "", "serve's flag of that name: auto, ahead or workflow")
	fs.StringVar(&o.postgres, "postgres", "", "URL of a PostgreSQL server, of a role that may create databases: there Postrider and its Temporal have their data, and engine also measures Temporal there; the server's own cost is not in the figures")
	fs.BoolVar(&o.naive, "naive", false, "spike, steady, engine: also measure the naive workflow, in turn with Postrider")
	fs.IntVar(&o.naiveN, "naive-n", 1000, "spike, engine: events for the naive workflow")
	fs.StringSliceVar(&o.only, "only", nil, "of several systems, measure these alone, such as pebble,naive")
	fs.StringVar(&o.naiveTemporal, "naive-temporal", "", "address of a Temporal of your own for the naive workflow, whose cost is not measured; default: one as it comes, on SQLite")
	fs.StringVar(&o.postrider, "postrider", "bin/postrider", "the binary to measure")
	fs.StringVar(&o.dir, "dir", os.TempDir(), "where the data directories are made; a file system in memory would make fsync free")
	fs.DurationVar(&o.wait, "wait", 3*time.Minute, "how long posting, delivering, and closing the workflows may take, each")
	fs.BoolVar(&o.keep, "keep", false, "keep data directories, logs and posts")
	fs.BoolVar(&o.json, "json", false, "write the result as JSON to standard output")
	fs.Usage = func() {
		fmt.Fprintf(os.Stderr, "usage: bench [flags] [scenario…] [-- flags of postrider serve]\nscenarios: %s; default: spike steady\n%s",
			strings.Join(scenarioNames(), " "), fs.FlagUsages())
	}
	if err := fs.Parse(args); err != nil {
		return o, err
	}
	for name, given := range map[string]bool{"n": o.n > 0, "batch": o.batch > 0, "rate": o.rate > 0, "seconds": o.seconds > 0} {
		if fs.Changed(name) && !given {
			return o, fmt.Errorf("--%s must be positive", name)
		}
	}
	o.scenarios = fs.Args()
	if dash := fs.ArgsLenAtDash(); dash >= 0 {
		o.scenarios, o.serveArgs = fs.Args()[:dash], fs.Args()[dash:]
	}
	if len(o.scenarios) == 0 {
		o.scenarios = []string{"spike", "steady"}
	}
	return o, o.validate()
}

func (o options) validate() error {
	for _, name := range o.scenarios {
		if _, ok := scenarios()[name]; !ok {
			return fmt.Errorf("there is no scenario %q; there are %s", name, strings.Join(scenarioNames(), ", "))
		}
	}
	switch {
	case slices.ContainsFunc(o.scenarios, func(name string) bool { return scenarios()[name].nodes }) && o.postgres == "":
		return fmt.Errorf("nodes share a database: name a server with --postgres")
	case min(o.runs, o.naiveN, o.connections, o.closed) < 1, min(o.warmup, o.size, o.waiting) < 0:
		return fmt.Errorf("counts must be positive")
	case min(o.deadRate, o.dueRate) <= 0, o.seconds > 3600, o.minutes <= 0, o.minutes > 24*60:
		return fmt.Errorf("rates must be positive, --seconds at most 3600 and --minutes a day")
	case len(o.fanOut) == 0, slices.Min(o.fanOut) < 1, slices.Max(o.fanOut) > 10_000:
		return fmt.Errorf("--endpoints must be counts from 1 to 10,000")
	case o.idle < time.Second, o.idle > time.Hour, o.backOff < 0, o.backOff > 12*time.Hour:
		return fmt.Errorf("--idle must be from 1s to 1h, and --back-off at most 12h")
	}
	if _, err := os.Stat(o.postrider); err != nil {
		return fmt.Errorf("the binary to measure: %w; `make build` builds it", err)
	}
	return nil
}

func scenarioNames() []string { return slices.Sorted(maps.Keys(scenarios())) }
