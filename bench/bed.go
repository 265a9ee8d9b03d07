package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"sync/atomic"
	"time"

	"go.temporal.io/api/serviceerror"

	"github.com/postrider/postrider/bench/internal/child"
	"github.com/postrider/postrider/bench/internal/figures"
	"github.com/postrider/postrider/bench/internal/load"
	"github.com/postrider/postrider/bench/internal/loopback"
	"github.com/postrider/postrider/bench/internal/receiver"
)

// bed is one run's processes: a receiver, a system under test, and load generators as they are needed.
type bed struct {
	options
	dir          string
	bench        string                                     // this binary
	again        func(ctx context.Context) (*system, error) // starts the subject on the data that it has
	multiply     string                                     // as the subject has it
	inside       bool                                       // the load generator is in the service's process
	receiver     *receiver.Client
	receiverProc *child.Process
	*system

	expected int // deliveries of what was accepted so far that will be made
	closing  int // workflows of what was accepted so far that will complete
	existed  int // workflows that were there before the run
	added    int // endpoints
	loads    atomic.Int64
}

// makeBed starts a receiver and the subject.
func makeBed(ctx context.Context, of subject, dir string) (_ *bed, err error) {
	b := &bed{options: of.told, dir: dir, multiply: of.multiply}
	if b.bench, err = os.Executable(); err != nil {
		return nil, fmt.Errorf("find this binary: %w", err)
	}
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, b.close())
		}
	}()
	if err := b.startReceiver(ctx); err != nil {
		return nil, err
	}
	b.again = func(ctx context.Context) (*system, error) { return of.start(ctx, dir, b.receiver) }
	if b.system, err = b.again(ctx); err != nil {
		return nil, err
	}
	b.existed, err = b.workflows.all(ctx)
	return b, err
}

// close ends all processes; the receiver first, so that nothing is sent that will not be answered.
func (b *bed) close() error {
	var errs []error
	if b.receiverProc != nil {
		errs = append(errs, b.receiverProc.Stop())
	}
	if b.system != nil {
		errs = append(errs, b.stop())
	}
	return errors.Join(errs...)
}

func (b *bed) startReceiver(ctx context.Context) error {
	address, err := loopback.FreeAddress(ctx)
	if err != nil {
		return err
	}
	b.receiver = receiver.NewClient("http://" + address)
	b.receiverProc, err = child.Start(child.Command{
		Name: "receiver", Path: b.bench, Args: []string{receiverCommand, address, strconv.Itoa(b.size)},
		Log: filepath.Join(b.dir, "receiver.log"),
	})
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	return poll(ctx, 10*time.Millisecond, func() (bool, error) {
		_, err := b.receiver.Counts(ctx)
		return err == nil, nil
	})
}

// loaded is a load generator's report.
type loaded struct {
	posts []load.Post
	cpu   time.Duration // of the generator
}

// post runs a load generator to its end; it posts to the subject unless the plan has a URL.
func (b *bed) post(ctx context.Context, p load.Plan) (_ loaded, err error) {
	ctx, cancel := context.WithTimeout(ctx, b.wait+p.Lasts())
	defer cancel()
	p.URL, p.Key, p.Size = cmp.Or(p.URL, b.url), b.key, b.size
	if b.inside {
		posts, err := load.RunInside(ctx, p)
		return loaded{posts: posts}, err
	}
	name := filepath.Join(b.dir, "load-"+strconv.FormatInt(b.loads.Add(1), 10))
	plan, err := json.Marshal(p)
	if err != nil {
		return loaded{}, err
	}
	if err := os.WriteFile(name+".json", plan, 0o600); err != nil { //nolint:gosec // a name of our own
		return loaded{}, err
	}
	in, err1 := os.Open(name + ".json")   //nolint:gosec // a name of our own
	out, err2 := os.Create(name + ".csv") //nolint:gosec // a name of our own
	defer func() { err = errors.Join(err, in.Close(), out.Close()) }()
	if err := errors.Join(err1, err2); err != nil {
		return loaded{}, err
	}
	generator, err := child.Start(child.Command{
		Name: "load generator", Path: b.bench, Args: []string{loadCommand}, Log: name + ".log", Stdin: in, Stdout: out,
	})
	if err != nil {
		return loaded{}, err
	}
	if err := generator.Wait(ctx); err != nil {
		return loaded{}, err
	}
	if _, err := out.Seek(0, 0); err != nil {
		return loaded{}, err
	}
	posts, err := load.Read(out)
	return loaded{posts, generator.CPU()}, err
}

// warmUp posts a few events that are not measured, and waits until nothing is left of them.
func (b *bed) warmUp(ctx context.Context) error {
	if b.warmup == 0 {
		return nil
	}
	l, err := b.post(ctx, load.Plan{EventType: aliveType, N: b.warmup, Connections: 4})
	if err != nil {
		return err
	}
	b.expect(figures.Match(l.posts, nil))
	if _, err := b.awaitDelivered(ctx); err != nil {
		return err
	}
	missing, err := b.awaitCompleted(ctx)
	if err == nil && missing > 0 {
		err = fmt.Errorf("after the warm-up, %d of %d workflows had not completed within %s", missing, b.closing, b.wait)
	}
	return err
}

// countEvery is how often Temporal is asked how many workflows there are: seldom, because to answer is work
// that is not part of the load.
const countEvery = 500 * time.Millisecond

// expect notes that all deliveries of what was accepted will be made, and that its workflows will complete.
func (b *bed) expect(t *figures.Traffic) {
	b.expected += t.Deliveries()
	b.closing += t.Accepted()
}

// awaitDelivered waits until every expected delivery was received, or the time is over, and tells how many
// were not.
func (b *bed) awaitDelivered(ctx context.Context) (missing int, err error) {
	return b.await(ctx, 20*time.Millisecond, b.expected, b.receiver.Delivered)
}

// awaitCompleted waits until every workflow that will complete has done so, or the time is over, and tells how
// many have not.
func (b *bed) awaitCompleted(ctx context.Context) (missing int, err error) {
	return b.await(ctx, countEvery, b.existed+b.closing, b.workflows.completed)
}

// awaitStarted waits for n workflows in all, open or closed.
func (b *bed) awaitStarted(ctx context.Context, n int) (missing int, err error) {
	return b.await(ctx, countEvery, b.existed+n, b.workflows.all)
}

func (b *bed) await(ctx context.Context, every time.Duration, want int, count func(context.Context) (int, error)) (missing int, err error) {
	return b.awaitWithin(ctx, b.wait, every, want, count)
}

func (b *bed) awaitWithin(
	ctx context.Context, atMost, every time.Duration, want int, count func(context.Context) (int, error),
) (missing int, err error) {
	within, cancel := context.WithTimeout(ctx, atMost)
	defer cancel()
	err = poll(within, every, func() (bool, error) {
		if err := b.failure(); err != nil {
			return false, err
		}
		n, err := count(within)
		if err != nil {
			return false, err
		}
		missing = want - n
		return missing <= 0, nil
	})
	// Temporal may find that the time is over a moment before we do.
	var over *serviceerror.DeadlineExceeded
	if ctx.Err() == nil && (within.Err() != nil || errors.As(err, &over)) {
		return missing, nil // what is missing is a figure, not a failure
	}
	return max(0, missing), err
}
