package engine_test

import (
	"context"
	"fmt"
	"os"
	"sync"
	"testing"
	"time"

	"go.temporal.io/sdk/temporal"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/postrider/postrider/internal/engine"
)

var (
	tenant    = temporal.NewSearchAttributeKeyKeyword(engine.SearchAttributeTenant)
	eventType = temporal.NewSearchAttributeKeyKeyword(engine.SearchAttributeEventType)
)

// One server for all tests that do not stop it, since each costs a second.
var (
	sharedDir  string
	sharedOnce = sync.OnceValues(func() (*engine.Server, error) {
		return engine.Start(context.Background(), engine.Config{Dir: sharedDir, Listen: "127.0.0.1:0", UIListen: "localhost:0"})
	})
	sharedUsed bool
	sharedLock sync.Mutex
)

func shared(t *testing.T) *engine.Server {
	t.Helper()
	sharedLock.Lock()
	defer sharedLock.Unlock()
	sharedUsed = true
	s, err := sharedOnce()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "engine")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	sharedDir = dir
	defer os.RemoveAll(dir)
	defer func() {
		if sharedUsed {
			if s, err := sharedOnce(); err == nil {
				s.Stop()
			}
		}
	}()
	return m.Run()
}

func durationOf(d time.Duration) *durationpb.Duration { return durationpb.New(d) }

func contextWithTimeout(t *testing.T, d time.Duration) (context.Context, context.CancelFunc) {
	t.Helper()
	return context.WithTimeout(t.Context(), d)
}
