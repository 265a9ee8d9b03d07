//go:build e2e

package main

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
)

func TestPartsStopOneAfterTheOther(t *testing.T) {
	t.Parallel()
	ctx, stop := context.WithCancel(t.Context())
	var mu sync.Mutex
	var stopped []string
	part := func(name string) func(context.Context) error {
		return func(ctx context.Context) error {
			<-ctx.Done()
			mu.Lock()
			defer mu.Unlock()
			stopped = append(stopped, name)
			return nil
		}
	}
	stop()
	if err := runInOrder(ctx, part("api"), part("worker"), part("dispatcher")); err != nil {
		t.Fatal(err)
	}
	if want := []string{"api", "worker", "dispatcher"}; !slices.Equal(stopped, want) {
		t.Errorf("stopped in the order %v, want %v", stopped, want)
	}
}

func TestAPartThatFailsStopsTheOthers(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken")
	err := runInOrder(t.Context(),
		func(ctx context.Context) error { <-ctx.Done(); return nil },
		func(context.Context) error { return broken })
	if !errors.Is(err, broken) {
		t.Errorf("got %v, want the failure of the part", err)
	}
}
