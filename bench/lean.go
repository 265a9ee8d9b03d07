package main

import (
	"context"
	"errors"
	"path/filepath"
	"slices"
	"time"

	"github.com/postrider/postrider/bench/internal/child"
	"github.com/postrider/postrider/bench/internal/loopback"
	"github.com/postrider/postrider/bench/internal/receiver"
)

// leanData is where the lean service's Temporal has its data, in the run's directory.
const leanData = "data"

// leanPostgres is the kind whose data is on the server of --postgres.
const leanPostgres = "postgres"

// leanKinds are the ways to run Postrider's embedded Temporal that are compared.
func leanKinds() map[string][]string {
	return map[string][]string{
		"sqlite":           {"-store", "sqlite"},
		"pebble over gRPC": {"-store", "pebble", "-over-grpc"},
		"pebble":           {"-store", "pebble"},
		leanPostgres:       {"-store", "postgres"},
	}
}

// startLean runs the lean service, whose process has the embedded Temporal in it.
func startLean(ctx context.Context, o options, binary string, kind []string, dir string, r *receiver.Client) (_ *system, err error) {
	api, err1 := loopback.FreeAddress(ctx)
	temporal, err2 := loopback.FreeAddress(ctx)
	if err := errors.Join(err1, err2); err != nil {
		return nil, err
	}
	s := &system{url: "http://" + api}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.stop())
		}
	}()
	args := append([]string{
		"-listen", api, "-temporal", temporal, "-dir", filepath.Join(dir, leanData), "-url", r.URL(receiver.AlivePath),
	}, kind...)
	if slices.Contains(kind, leanPostgres) {
		database, err := s.useDatabase(ctx, o.postgres)
		if err != nil {
			return nil, err
		}
		args = append(args, "-database", database)
	}
	began := time.Now()
	err = s.start(dir, child.Command{Name: "lean", Path: binary, Args: args})
	if err != nil {
		return nil, err
	}
	if err := s.awaitReady(ctx); err != nil {
		return nil, err
	}
	s.readyIn = time.Since(began)
	s.workflows, err = s.awaitTemporal(ctx, temporal, "DeliverLeanly")
	return s, err
}
