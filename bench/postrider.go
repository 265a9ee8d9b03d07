package main

import (
	"context"
	"crypto/rand"
	"errors"
	"path/filepath"

	"github.com/postrider/postrider/bench/internal/child"
	"github.com/postrider/postrider/bench/internal/loopback"
	"github.com/postrider/postrider/bench/internal/receiver"
	"github.com/postrider/postrider/signing"
	"github.com/postrider/postrider/workflows"
)

// Event types of the two endpoints that are always there.
const (
	aliveType = "bench.alive"
	deadType  = "bench.dead"
)

// startPostrider runs `postrider serve` in a new data directory, as it comes but for what o says, with one
// endpoint that answers and one that never does.
func startPostrider(ctx context.Context, o options, dir string, r *receiver.Client) (_ *system, err error) {
	api, err1 := loopback.FreeAddress(ctx)
	temporal, err2 := loopback.FreeAddress(ctx)
	if err := errors.Join(err1, err2); err != nil {
		return nil, err
	}
	s := &system{url: "http://" + api, key: "bench-" + rand.Text(), secret: signing.NewSecret()}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.stop())
		}
	}()
	args := []string{"--listen", api, "--data-dir", filepath.Join(dir, "data"), "--temporal-listen", temporal, "--temporal-ui-listen", "off"}
	if o.postgres != "" {
		database, err := s.useDatabase(ctx, o.postgres)
		if err != nil {
			return nil, err
		}
		args = append(args, "--database-url", database)
	}
	if err := s.serve(o, dir, "postrider", args...); err != nil {
		return nil, err
	}
	if err := s.awaitReady(ctx); err != nil {
		return nil, err
	}
	if s.workflows, err = s.awaitTemporal(ctx, temporal, workflows.DeliverEventName); err != nil {
		return nil, err
	}
	for path, eventType := range map[string]string{receiver.AlivePath: aliveType, receiver.DeadPath: deadType} {
		e := endpoint{URL: r.URL(path), EventTypes: []string{eventType}, Secret: s.secret}
		if err := s.createEndpoint(ctx, e); err != nil {
			return nil, err
		}
	}
	return s, r.SetSecret(ctx, s.secret)
}

// serve starts a `postrider serve` with these arguments and what o says.
func (s *system) serve(o options, dir, name string, args ...string) error {
	args = append([]string{"serve", "--dev"}, args...)
	if o.firstAttempt != "" {
		args = append(args, "--first-attempt", o.firstAttempt)
	}
	return s.start(dir, child.Command{
		Name: name, Path: o.postrider, Args: append(args, o.serveArgs...), Env: []string{"POSTRIDER_ADMIN_KEY=" + s.key},
	})
}
