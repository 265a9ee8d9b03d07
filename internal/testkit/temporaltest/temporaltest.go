// Package temporaltest gives tests a Temporal server of their own. A test binary that uses it links the whole
// server: keep such tests in few packages.
package temporaltest

import (
	"testing"

	"go.temporal.io/sdk/client"

	"github.com/postrider/postrider/internal/engine"
)

// Start runs a server without UI on free ports and a new directory until the test ends. It takes about a second.
func Start(t testing.TB) *engine.Server {
	t.Helper()
	return StartWith(t, engine.Config{UIListen: engine.Off})
}

// StartWith is Start with a configuration; what it leaves out gets a free port or a new directory.
func StartWith(t testing.TB, cfg engine.Config) *engine.Server {
	t.Helper()
	if cfg.Dir == "" {
		cfg.Dir = t.TempDir()
	}
	if cfg.Listen == "" {
		cfg.Listen = "127.0.0.1:0"
	}
	if cfg.UIListen == "" {
		cfg.UIListen = "127.0.0.1:0"
	}
	s, err := engine.Start(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Stop)
	return s
}

// Dial is a client of the server that is closed when the test ends.
func Dial(t testing.TB, s *engine.Server) client.Client {
	t.Helper()
	c, err := s.Dial(t.Context(), engine.DialConfig{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}
