package main

import (
	"context"
	"errors"
	"path/filepath"

	"github.com/postrider/postrider/bench/internal/child"
	"github.com/postrider/postrider/bench/internal/receiver"
)

// leanKinds are the ways to run Postrider's embedded Temporal that are compared.
func leanKinds() map[string][]string {
	return map[string][]string{
		"sqlite":           {"-store", "sqlite"},
		"pebble over gRPC": {"-store", "pebble", "-over-grpc"},
		"pebble":           {"-store", "pebble"},
	}
}

// startLean runs the lean service, whose process has the embedded Temporal in it.
func startLean(ctx context.Context, binary string, kind []string, dir string, r *receiver.Client) (_ *system, err error) {
	api, err1 := freeAddress(ctx)
	temporal, err2 := freeAddress(ctx)
	if err := errors.Join(err1, err2); err != nil {
		return nil, err
	}
	s := &system{url: "http://" + api}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.stop())
		}
	}()
	err = s.start(dir, child.Command{Name: "lean", Path: binary, Args: append([]string{
		"-listen", api, "-temporal", temporal, "-dir", filepath.Join(dir, "data"), "-url", r.URL(receiver.AlivePath),
	}, kind...)})
	if err != nil {
		return nil, err
	}
	if s.workflows, err = s.awaitTemporal(ctx, temporal, "DeliverLeanly"); err != nil {
		return nil, err
	}
	return s, s.awaitReady(ctx)
}
