package child_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/postrider/postrider/bench/internal/child"
)

// start runs a shell script.
func start(t *testing.T, script string) *child.Process {
	t.Helper()
	p, err := child.Start(child.Command{
		Name: "the script", Path: "/bin/sh", Args: []string{"-c", script}, Log: filepath.Join(t.TempDir(), "log"),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.Stop() })
	return p
}

func TestAProcessThatFailsSaysWhatItSaid(t *testing.T) {
	t.Parallel()
	err := start(t, "echo the port is taken >&2; exit 1").Wait(t.Context())
	if err == nil || !strings.Contains(err.Error(), "the script") || !strings.Contains(err.Error(), "the port is taken") {
		t.Errorf("got %v", err)
	}
}

func TestAProcessThatEndsWellIsNoFailure(t *testing.T) {
	t.Parallel()
	if err := start(t, "exit 0").Wait(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestAProcessIsStoppedWhenNobodyWaitsAnyMore(t *testing.T) {
	t.Parallel()
	p := start(t, "exec sleep 60")
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := p.Wait(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
	select {
	case <-p.Exited():
	default:
		t.Error("it runs on")
	}
}

func TestUsageGrowsWithWork(t *testing.T) {
	t.Parallel()
	if _, err := os.Stat("/proc/self/stat"); err != nil {
		t.Skip("there is no /proc here")
	}
	p := start(t, "while :; do :; done")
	for deadline := time.Now().Add(10 * time.Second); ; {
		usage, err := p.Usage()
		if err != nil {
			t.Fatal(err)
		}
		if usage.CPU > 0 && usage.RSS > 0 && usage.PeakRSS >= usage.RSS {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("a busy loop has used %+v", usage)
		}
	}
	if err := p.Stop(); err != nil {
		t.Error(err)
	}
	if p.CPU() == 0 {
		t.Error("no CPU time once it has ended")
	}
}
