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
	serveArgs    []string

	n, connections int // spike, batch, engine, large
	batch          int
	rate, deadRate float64 // steady, dead
	seconds        float64
	closed         int // large
	dueRate        float64
	size           int
	warmup         int

	naive         bool
	naiveN        int
	naiveTemporal string // address; empty: the engine of Postrider's binary
}

func parseOptions(args []string) (options, error) {
	var o options
	fs := pflag.NewFlagSet("bench", pflag.ContinueOnError)
	fs.SortFlags = false
	fs.IntVar(&o.runs, "runs", 1, "how often each scenario is run; several runs are shown as min, median and max")
	fs.IntVar(&o.n, "n", 5000, "spike, batch, engine, large: events")
	fs.IntVar(&o.connections, "connections", 32, "spike, batch, engine, large: connections that post one request after the other")
	fs.IntVar(&o.batch, "batch", 500, "batch: events in a request")
	fs.Float64Var(&o.rate, "rate", 100, "steady: events a second")
	fs.Float64Var(&o.deadRate, "dead-rate", 500, "dead: events a second, nine tenths of them to the dead endpoint")
	fs.Float64Var(&o.seconds, "seconds", 20, "steady, dead: how long")
	fs.IntVar(&o.closed, "closed", 200_000, "large: closed workflows that are in the database beforehand")
	fs.Float64Var(&o.dueRate, "due-rate", 20, "large: how many of them are deleted a second meanwhile, their retention being over")
	fs.IntVar(&o.size, "size", 1024, "bytes of an event's data")
	fs.IntVar(&o.warmup, "warmup", 200, "events before the measurement, not counted")
	fs.StringVar(&o.firstAttempt, "first-attempt", "", "serve's flag of that name: auto, ahead or workflow")
	fs.BoolVar(&o.naive, "naive", false, "spike, steady, engine: also measure the naive workflow, in turn with Postrider")
	fs.IntVar(&o.naiveN, "naive-n", 1000, "spike, engine: events for the naive workflow")
	fs.StringVar(&o.naiveTemporal, "naive-temporal", "", "address of a Temporal of your own for the naive workflow, whose cost is not measured; default: postrider engine")
	fs.StringVar(&o.postrider, "postrider", "bin/postrider", "the binary to measure")
	fs.StringVar(&o.dir, "dir", os.TempDir(), "where the data directories are made; a file system in memory would make fsync free")
	fs.DurationVar(&o.wait, "wait", 3*time.Minute, "how long posting, delivering, and closing the workflows may take, each")
	fs.BoolVar(&o.keep, "keep", false, "keep data directories, logs, posts and receipts")
	fs.BoolVar(&o.json, "json", false, "write the result as JSON to standard output")
	fs.Usage = func() {
		fmt.Fprintf(os.Stderr, "usage: bench [flags] [scenario…] [-- flags of postrider serve]\nscenarios: %s; default: spike steady\n%s",
			strings.Join(scenarioNames(), " "), fs.FlagUsages())
	}
	if err := fs.Parse(args); err != nil {
		return o, err
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
	case min(o.runs, o.n, o.naiveN, o.connections, o.batch, o.closed) < 1, o.warmup < 0, o.size < 0:
		return fmt.Errorf("counts must be positive")
	case min(o.rate, o.deadRate, o.dueRate) <= 0, o.seconds <= 0, o.seconds > 3600:
		return fmt.Errorf("rates must be positive, and seconds at most 3600")
	}
	if _, err := os.Stat(o.postrider); err != nil {
		return fmt.Errorf("the binary to measure: %w; `make build` builds it", err)
	}
	return nil
}

func scenarioNames() []string { return slices.Sorted(maps.Keys(scenarios())) }
