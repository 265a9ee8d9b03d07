//go:build e2e

// Package e2e tests the real binary from outside: over its API, over Temporal's gRPC, at real
// receivers, and by killing it.
package e2e

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	sdkclient "go.temporal.io/sdk/client"
	sdklog "go.temporal.io/sdk/log"

	"github.com/postrider/postrider/internal/client"
	"github.com/postrider/postrider/internal/testkit/receiver"
)

const adminKey = "pr_only-for-tests"

// binary is the path of the built postrider.
var binary string

func TestMain(m *testing.M) {
	os.Exit(run(m))
}

func run(m *testing.M) int {
	if binary = os.Getenv("POSTRIDER_TEST_BINARY"); binary == "" {
		dir, err := os.MkdirTemp("", "postrider-e2e")
		if err != nil {
			panic(err)
		}
		defer os.RemoveAll(dir)
		binary = filepath.Join(dir, "postrider")
		build := exec.Command("go", "build", "-o", binary, "../cmd/postrider")
		build.Stderr = os.Stderr
		if err := build.Run(); err != nil {
			panic(err)
		}
	}
	return m.Run()
}

// process is one running postrider and how to reach it. Ports stay the same over restarts.
type process struct {
	t        *testing.T
	dir      string // its data directory
	args     []string
	api      *client.Client
	url      string
	temporal string // host:port
	ready    func(ctx context.Context) error

	cmd  *exec.Cmd
	done chan error
	log  *tail
}

// serve starts `postrider serve` in a directory of its own.
func serve(t *testing.T, flags ...string) *process {
	t.Helper()
	p := newProcess(t, "serve", t.TempDir(), flags...)
	p.start()
	return p
}

func newProcess(t *testing.T, command, dir string, flags ...string) *process {
	t.Helper()
	p := &process{t: t, dir: dir, temporal: freeAddress(t)}
	p.args = []string{command, "--data-dir", dir, "--log-level", "warn"}
	if command == "engine" {
		p.args = append(p.args, "--temporal-listen", p.temporal, "--temporal-ui-listen", "off")
		p.ready = func(ctx context.Context) error { return dialable(ctx, p.temporal) }
	} else {
		listen := freeAddress(t)
		p.url = "http://" + listen
		p.args = append(p.args, "--listen", listen, "--dev")
		if !slices.Contains(flags, "--temporal-address") {
			p.args = append(p.args, "--temporal-listen", p.temporal, "--temporal-ui-listen", "off")
		}
		var err error
		if p.api, err = client.New(client.Config{API: p.url, Key: adminKey}); err != nil {
			t.Fatal(err)
		}
		p.ready = func(ctx context.Context) error {
			answer, err := p.api.Readiness(ctx)
			if err == nil && !answer.Value.Ready() {
				err = fmt.Errorf("not ready: %s", answer.JSON)
			}
			return err
		}
	}
	p.args = append(p.args, flags...)
	t.Cleanup(p.kill)
	return p
}

// start starts the process and returns when it is ready.
func (p *process) start() {
	p.t.Helper()
	p.cmd = exec.Command(binary, p.args...)
	p.cmd.Env = append(os.Environ(), "POSTRIDER_ADMIN_KEY="+adminKey)
	p.log = &tail{}
	p.cmd.Stdout, p.cmd.Stderr = p.log, p.log
	if err := p.cmd.Start(); err != nil {
		p.t.Fatal(err)
	}
	p.done = make(chan error, 1)
	go func(cmd *exec.Cmd, done chan error) { done <- cmd.Wait() }(p.cmd, p.done)
	await(p.t, time.Minute, "the process to be ready", func(ctx context.Context) error {
		select {
		case err := <-p.done:
			p.done <- err
			p.t.Fatalf("postrider %v ended: %v\n%s", p.args, err, p.log)
		default:
		}
		return p.ready(ctx)
	})
}

// startRefused starts the process, wants it to refuse, and returns its last line.
func (p *process) startRefused() string {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.t.Context(), time.Minute)
	defer cancel()
	output, err := exec.CommandContext(ctx, binary, p.args...).CombinedOutput()
	if err == nil || ctx.Err() != nil {
		p.t.Fatalf("it was started, or hung: %v\n%s", err, output)
	}
	lines := strings.Split(strings.TrimSpace(string(output)), "\n")
	return lines[len(lines)-1]
}

// kill ends the process with SIGKILL, if it runs.
func (p *process) kill() {
	if p.cmd == nil {
		return
	}
	_ = p.cmd.Process.Kill()
	<-p.done //nolint:errcheck // it was killed
	p.cmd = nil
	if p.t.Failed() {
		p.t.Logf("log of postrider %v:\n%s", p.args, p.log)
	}
}

// stop ends the process with SIGTERM and wants exit code 0.
func (p *process) stop() {
	p.t.Helper()
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case err := <-p.done:
		p.cmd = nil
		if err != nil {
			p.t.Fatalf("after SIGTERM: %v\n%s", err, p.log)
		}
	case <-time.After(45 * time.Second):
		p.t.Fatalf("still running 45 s after SIGTERM\n%s", p.log)
	}
}

// dial is a Temporal client that goes past our API.
func (p *process) dial() sdkclient.Client { return dial(p.t, p.temporal) }

func dial(t *testing.T, address string) sdkclient.Client {
	t.Helper()
	c, err := sdkclient.DialContext(t.Context(), sdkclient.Options{
		HostPort: address, Logger: sdklog.NewStructuredLogger(slog.New(slog.DiscardHandler)),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// endpoint registers one and trusts its secret at the receiver.
func (p *process) endpoint(r *receiver.Receiver, path string, policy map[string]any, types ...string) client.Endpoint {
	p.t.Helper()
	if len(types) == 0 {
		types = []string{"*"}
	}
	answer, err := p.api.CreateEndpoint(p.t.Context(), client.NewEndpoint{URL: r.URL(path), EventTypes: types, Policy: policy})
	if err != nil {
		p.t.Fatal(err)
	}
	if err := r.Trust(path, answer.Value.Secret); err != nil {
		p.t.Fatal(err)
	}
	return answer.Value
}

// post posts an event and returns what was answered.
func (p *process) post(e client.NewEvent) client.Accepted {
	p.t.Helper()
	answer, err := p.api.PostEvent(p.t.Context(), e)
	if err != nil {
		p.t.Fatal(err)
	}
	return answer.Value
}

// awaitEvent waits until an event is as wanted.
func (p *process) awaitEvent(id, what string, ok func(client.Event) bool) client.Event {
	p.t.Helper()
	var event client.Event
	await(p.t, 30*time.Second, what, func(ctx context.Context) error {
		answer, err := p.api.Event(ctx, "", id, "deliveries,workflow")
		if err != nil {
			return err
		}
		if event = answer.Value; !ok(event) {
			return fmt.Errorf("%s", answer.JSON)
		}
		return nil
	})
	return event
}

func startReceiver(t *testing.T, script receiver.Script) *receiver.Receiver {
	t.Helper()
	r, err := receiver.Start(receiver.Config{Script: script})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.Close() })
	return r
}

// await asks again and again until there is no error.
func await(t *testing.T, atMost time.Duration, what string, check func(ctx context.Context) error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), atMost)
	defer cancel()
	ticker := time.NewTicker(10 * time.Millisecond)
	defer ticker.Stop()
	var err error
	for {
		now := check(ctx)
		if now == nil {
			return
		}
		if err == nil || ctx.Err() == nil { // the last word is not that the time is over
			err = now
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			t.Fatalf("waited %v for %s: %v", atMost, what, err)
		}
	}
}

func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

func dialable(ctx context.Context, address string) error {
	c, err := sdkclient.DialContext(ctx, sdkclient.Options{HostPort: address, Logger: sdklog.NewStructuredLogger(slog.New(slog.DiscardHandler))})
	if err != nil {
		return err
	}
	defer c.Close()
	_, err = c.CheckHealth(ctx, &sdkclient.CheckHealthRequest{})
	return err
}

// tail keeps the end of a process's output.
type tail struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (w *tail) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.buf.Len() > 1<<20 {
		w.buf.Next(1 << 19)
	}
	return w.buf.Write(p)
}

func (w *tail) String() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.buf.String()
}
