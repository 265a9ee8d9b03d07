// Package child runs the benchmark's other processes and says what they cost.
package child

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"time"
)

// stopTimeout is how long a process may take to end after SIGTERM, before it is killed.
const stopTimeout = 40 * time.Second

// Process is a process that was started here. It is told to end, by its ID, when the benchmark ends,
// whatever the reason.
type Process struct {
	Name string

	cmd    *exec.Cmd
	log    string // file of its standard error
	exited chan struct{}
	err    error // of the exit; read it after exited
}

// Command is what to start.
type Command struct {
	Name   string // for messages
	Path   string
	Args   []string
	Env    []string // beyond the environment, of which what configures Postrider and Temporal is left out
	Log    string   // file for its standard error, and for its output unless Stdout is given
	Stdin  *os.File
	Stdout *os.File
}

// Start starts a process.
func Start(c Command) (*Process, error) {
	log, err := os.Create(c.Log)
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", c.Name, err)
	}
	defer func() { _ = log.Close() }() // the process has its own copy
	p := &Process{Name: c.Name, log: c.Log, exited: make(chan struct{})}
	// Not bound to a context: a process under test is ended with SIGTERM and time to stop.
	p.cmd = exec.Command(c.Path, c.Args...) //nolint:gosec,noctx // the benchmark's own commands; see Stop
	p.cmd.Env = append(neutralEnvironment(), c.Env...)
	p.cmd.Stderr, p.cmd.Stdout = log, log
	if c.Stdin != nil {
		p.cmd.Stdin = c.Stdin
	}
	if c.Stdout != nil {
		p.cmd.Stdout = c.Stdout
	}
	p.cmd.SysProcAttr = attributes()
	if err := p.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", c.Name, err)
	}
	go func() {
		p.err = p.cmd.Wait()
		close(p.exited)
	}()
	return p, nil
}

// neutralEnvironment is the benchmark's own, so that a figure does not depend on whose shell it came from.
func neutralEnvironment() []string {
	return slices.DeleteFunc(os.Environ(), func(variable string) bool {
		for _, prefix := range []string{"POSTRIDER_", "TEMPORAL_", "OTEL_", "GOGC=", "GOMEMLIMIT=", "GODEBUG="} {
			if strings.HasPrefix(variable, prefix) {
				return true
			}
		}
		return false
	})
}

// PID is the process's ID.
func (p *Process) PID() int { return p.cmd.Process.Pid }

// Exited is closed when the process has ended.
func (p *Process) Exited() <-chan struct{} { return p.exited }

// Wait waits for the process to end by itself. When ctx ends first, it is stopped.
func (p *Process) Wait(ctx context.Context) error {
	select {
	case <-p.exited:
		return p.Failure()
	case <-ctx.Done():
		return errors.Join(fmt.Errorf("wait for %s: %w", p.Name, context.Cause(ctx)), p.Stop())
	}
}

// Stop ends the process with SIGTERM and, when that takes too long, with SIGKILL. It may be called
// when the process has ended.
func (p *Process) Stop() error {
	select {
	case <-p.exited:
		return nil
	default:
	}
	_ = p.cmd.Process.Signal(syscall.SIGTERM) // it may have ended just now
	timer := time.NewTimer(stopTimeout)
	defer timer.Stop()
	select {
	case <-p.exited:
		return nil
	case <-timer.C:
		_ = p.cmd.Process.Kill()
		<-p.exited
		return fmt.Errorf("%s did not stop within %s and was killed", p.Name, stopTimeout)
	}
}

// Failure is why the process ended, with the end of its log, or nil when it ended well. Call it when it has
// exited.
func (p *Process) Failure() error {
	if p.err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w\n%s", p.Name, p.err, p.logEnd())
}

// logEnd is the last lines of the process's log.
func (p *Process) logEnd() []byte {
	const most = 2000
	text, err := os.ReadFile(p.log)
	if err != nil {
		return []byte(err.Error())
	}
	return bytes.TrimSpace(text[max(0, len(text)-most):])
}
