package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"path/filepath"
	"slices"
	"time"

	"github.com/postrider/postrider/bench/internal/child"
)

// system is what is being measured, in processes of its own.
type system struct {
	url, key  string // of its API
	second    string // URL of the API of another node, where there is one
	secret    string // of all endpoints
	processes []*child.Process
	workflows *counter
	readyIn   time.Duration // from the start of the first process until the API was ready

	afterwards func() error // what is to be done when all have stopped; may be nil
}

// stop ends the processes in the reverse order of their start.
func (s *system) stop() error {
	var errs []error
	if s.workflows != nil {
		s.workflows.close()
	}
	for _, p := range slices.Backward(s.processes) {
		errs = append(errs, p.Stop())
	}
	if s.afterwards != nil {
		errs = append(errs, s.afterwards())
	}
	return errors.Join(errs...)
}

// usage is what all processes together have cost. The sum of peaks is at least the peak of the sum.
func (s *system) usage() (child.Usage, error) {
	var sum child.Usage
	for _, p := range s.processes {
		u, err := p.Usage()
		if err != nil {
			return sum, err
		}
		sum.CPU += u.CPU
		sum.RSS += u.RSS
		sum.PeakRSS += u.PeakRSS
	}
	return sum, nil
}

// start starts one of the system's processes, with its log in dir.
func (s *system) start(dir string, c child.Command) error {
	c.Log = filepath.Join(dir, c.Name+".log")
	p, err := child.Start(c)
	if err != nil {
		return err
	}
	s.processes = append(s.processes, p)
	return nil
}

// awaitReady waits for the API to be ready, for at most a minute.
func (s *system) awaitReady(ctx context.Context) error { return s.awaitReadyAt(ctx, s.url) }

func (s *system) awaitReadyAt(ctx context.Context, url string) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	client := &http.Client{Timeout: 5 * time.Second}
	return poll(ctx, 20*time.Millisecond, func() (bool, error) {
		if err := s.failure(); err != nil {
			return false, err
		}
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, url+"/readyz", http.NoBody)
		if err != nil {
			return false, err
		}
		resp, err := client.Do(req)
		if err != nil {
			return false, nil //nolint:nilerr // not there yet
		}
		return resp.StatusCode == http.StatusOK, resp.Body.Close()
	})
}

// failure is an error when one of the processes has ended.
func (s *system) failure() error {
	for _, p := range s.processes {
		select {
		case <-p.Exited():
			return errors.Join(fmt.Errorf("%s ended", p.Name), p.Failure())
		default:
		}
	}
	return nil
}

// poll asks until the answer is true or an error, or ctx ends.
func poll(ctx context.Context, every time.Duration, ask func() (bool, error)) error {
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for {
		if done, err := ask(); done || err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-ticker.C:
		}
	}
}
