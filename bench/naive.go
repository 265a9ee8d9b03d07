package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/postrider/postrider/bench/internal/child"
	"github.com/postrider/postrider/bench/internal/loopback"
	"github.com/postrider/postrider/bench/internal/receiver"
)

// buildService is the path of the binary of one of the programs beside this file, such as naive or lean.
func buildService(ctx context.Context, dir, name string) (string, error) {
	binary := filepath.Join(dir, name)
	cmd := exec.CommandContext(ctx, "go", "build", "-o", binary, "github.com/postrider/postrider/bench/"+name) //nolint:gosec // our own
	cmd.Stderr = os.Stderr
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("build the %s service: %w", name, err)
	}
	return binary, nil
}

// startNaive runs the naive service and, unless o names a Temporal, one with default settings for it.
func startNaive(ctx context.Context, o options, b services, dir string, r *receiver.Client) (_ *system, err error) {
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
	if o.naiveTemporal != "" {
		temporal = o.naiveTemporal
	} else {
		data := filepath.Join(dir, "data")
		if err := os.Mkdir(data, 0o700); err != nil {
			return nil, err
		}
		err := s.start(dir, child.Command{Name: "stock", Path: b.stock, Args: []string{"-listen", temporal, "-file", filepath.Join(data, "temporal.db")}})
		if err != nil {
			return nil, err
		}
	}
	if s.workflows, err = s.awaitTemporal(ctx, temporal, "DeliverNaively"); err != nil {
		return nil, err
	}
	err = s.start(dir, child.Command{Name: "naive", Path: b.naive, Args: []string{
		"-listen", api, "-temporal", temporal, "-url", r.URL(receiver.AlivePath),
	}})
	if err != nil {
		return nil, err
	}
	return s, s.awaitReady(ctx)
}
