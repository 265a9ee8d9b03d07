package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"

	"github.com/postrider/postrider/bench/internal/figures"
	"github.com/postrider/postrider/bench/internal/machine"
	"github.com/postrider/postrider/bench/internal/receiver"
)

// subject is a system that can be measured.
type subject struct {
	name  string
	told  options
	start func(ctx context.Context, dir string, r *receiver.Client) (*system, error)

	multiply string // the binary that makes its database large
}

// services are the binaries of the services to be measured beside Postrider; empty: they are not.
type services struct{ naive, stock, lean, multiply string }

// buildServices builds what the scenarios need.
func buildServices(ctx context.Context, o options, dir string) (b services, err error) {
	if o.naive {
		if b.naive, err = buildService(ctx, dir, "naive"); err != nil {
			return b, err
		}
		if o.naiveTemporal == "" {
			if b.stock, err = buildService(ctx, dir, "stock"); err != nil {
				return b, err
			}
		}
	}
	needs := func(what func(scenario) bool) bool {
		return slices.ContainsFunc(o.scenarios, func(name string) bool { return what(scenarios()[name]) })
	}
	if needs(func(s scenario) bool { return s.lean }) {
		if b.lean, err = buildService(ctx, dir, "lean"); err != nil {
			return b, err
		}
	}
	if needs(func(s scenario) bool { return s.large }) {
		b.multiply, err = buildService(ctx, dir, "multiply")
	}
	return b, err
}

// subjects are what is to be measured in a scenario.
func subjects(o options, s scenario, b services) []subject {
	o = o.or(s.usual)
	var all []subject
	if !s.lean {
		all = append(all, subject{name: "postrider", told: o, start: func(ctx context.Context, dir string, r *receiver.Client) (*system, error) {
			if s.nodes {
				return startNodes(ctx, o, dir, r)
			}
			return startPostrider(ctx, o, dir, r)
		}})
	}
	other := o // flags of serve are not for the others
	other.firstAttempt, other.serveArgs = "", nil
	if s.large {
		return largeSubjects(other, b)
	}
	if s.lean {
		for _, name := range slices.Sorted(maps.Keys(leanKinds())) {
			if name == leanPostgres && o.postgres == "" {
				continue
			}
			all = append(all, subject{name: name, told: other, start: func(ctx context.Context, dir string, r *receiver.Client) (*system, error) {
				return startLean(ctx, other, b.lean, leanKinds()[name], dir, r)
			}})
		}
	}
	if b.naive != "" && s.naive {
		other.n = o.naiveN
		all = append(all, subject{name: "naive", told: other, start: func(ctx context.Context, dir string, r *receiver.Client) (*system, error) {
			return startNaive(ctx, other, b, dir, r)
		}})
	}
	if len(o.only) > 0 {
		all = slices.DeleteFunc(all, func(s subject) bool { return !slices.Contains(o.only, s.name) })
	}
	return all
}

// result is a scenario's figures for one system.
type result struct {
	System   string             `json:"system"`
	Scenario string             `json:"scenario"`
	Says     string             `json:"says"`
	Runs     [][]figures.Figure `json:"runs"`
}

// report is everything that was measured.
type report struct {
	Machine machine.Facts `json:"machine"`
	Command []string      `json:"command"`
	Results []result      `json:"results"`
}

// benchmark runs what o says and writes the result to out, and to progress how far it is.
func benchmark(ctx context.Context, o options, out, progress io.Writer) (err error) {
	dir, err := os.MkdirTemp(o.dir, "postrider-bench-")
	if err != nil {
		return err
	}
	if o.keep {
		_, _ = fmt.Fprintln(progress, "kept in", dir)
	} else {
		defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	}
	r := report{Command: os.Args[1:]}
	if r.Machine, err = machine.Read(ctx, dir); err != nil {
		return err
	}
	built, err := buildServices(ctx, o, dir)
	if err != nil {
		return err
	}
	if !o.json {
		_, _ = fmt.Fprintf(out, "%s\n", r.Machine)
	}
	for _, name := range o.scenarios {
		results, err := runScenario(ctx, o, name, built, filepath.Join(dir, name), progress)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		r.Results = append(r.Results, results...)
		if !o.json {
			for _, result := range results {
				_, _ = fmt.Fprintf(out, "\n%s, %s: %s\n", result.System, result.Scenario, result.Says)
				if err := figures.Table(out, result.Runs); err != nil {
					return err
				}
			}
		}
	}
	if o.json {
		encoder := json.NewEncoder(out)
		encoder.SetIndent("", "  ")
		return encoder.Encode(r)
	}
	return nil
}

// runScenario runs a scenario as often as it should be, each time for each system, so that a machine
// whose speed changes does so for all of them.
func runScenario(ctx context.Context, o options, name string, built services, dir string, progress io.Writer) ([]result, error) {
	s := scenarios()[name]
	all := subjects(o, s, built)
	results := make([]result, len(all))
	for i := range o.runs {
		for j, subject := range all {
			_, _ = fmt.Fprintf(progress, "%s, %s, run %d of %d\n", subject.name, name, i+1, o.runs)
			run, err := runOnce(ctx, subject, s, filepath.Join(dir, subject.name+"-"+strconv.Itoa(i+1)))
			if err != nil {
				return nil, fmt.Errorf("%s, run %d: %w", subject.name, i+1, err)
			}
			results[j] = result{subject.name, name, s.says(subject.told), append(results[j].Runs, run)}
		}
	}
	return results, nil
}

func runOnce(ctx context.Context, of subject, s scenario, dir string) (_ []figures.Figure, err error) {
	b, err := makeBed(ctx, of, dir)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, b.close()) }()
	b.inside = s.lean
	return s.run(ctx, b)
}
