package dispatch_test

import (
	"context"
	"sync"

	"github.com/postrider/postrider/internal/dispatch"
	"github.com/postrider/postrider/store"
)

// faultyStore is a real store that can be told to be slow or to fail.
type faultyStore struct {
	dispatch.Store

	mu       sync.Mutex
	onAccept func() error
	accepted func() error // asked when it is done: whether the answer is lost
	onApply  func(store.Change) error
	applied  func() // called when it is done
	fed      int    // rows that were read to be sent
	onRenew  func(node int64) error
	onDone   func() error
	log      int64          // bytes of the log that a reader holds up
	read     map[int64]bool // nodes whose outbox has been read
}

func (s *faultyStore) set(change func(*faultyStore)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change(s)
}

// hasRead reports whether the node's dispatcher has read what was there when it began.
func (s *faultyStore) hasRead(node int64) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.read[node]
}

func (s *faultyStore) Outbox(ctx context.Context, node int64, class store.OutboxClass, after int64, limit int) ([]store.OutboxRow, error) {
	s.set(func(s *faultyStore) { s.read[node] = true })
	return s.Store.Outbox(ctx, node, class, after, limit)
}

func (s *faultyStore) Accept(ctx context.Context, events []store.NewEvent) ([]store.Accepted, error) {
	s.mu.Lock()
	before, after := s.onAccept, s.accepted
	s.mu.Unlock()
	if before != nil {
		if err := before(); err != nil {
			return nil, err
		}
	}
	results, err := s.Store.Accept(ctx, events)
	if after != nil && err == nil {
		if err := after(); err != nil {
			return nil, err
		}
	}
	return results, err
}

func (s *faultyStore) Apply(ctx context.Context, changes []store.Change) []error {
	s.mu.Lock()
	hook, after := s.onApply, s.applied
	s.mu.Unlock()
	if after != nil {
		defer after()
	}
	if hook != nil {
		for _, c := range changes {
			if err := hook(c); err != nil {
				return []error{err}
			}
		}
	}
	return s.Store.Apply(ctx, changes)
}

func (s *faultyStore) Waiting(ctx context.Context, node, endpointKey, after int64, limit int) ([]store.WaitingRow, error) {
	rows, err := s.Store.Waiting(ctx, node, endpointKey, after, limit)
	s.set(func(s *faultyStore) { s.fed += len(rows) })
	return rows, err
}

// hasFed is how many rows were read to be sent.
func (s *faultyStore) hasFed() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.fed
}

func (s *faultyStore) RenewNode(ctx context.Context, node int64) error {
	s.mu.Lock()
	hook := s.onRenew
	s.mu.Unlock()
	if hook != nil {
		if err := hook(node); err != nil {
			return err
		}
	}
	return s.Store.RenewNode(ctx, node)
}

func (s *faultyStore) OutboxDone(ctx context.Context, seqs []int64) error {
	s.mu.Lock()
	hook := s.onDone
	s.mu.Unlock()
	if hook != nil {
		if err := hook(); err != nil {
			return err
		}
	}
	return s.Store.OutboxDone(ctx, seqs)
}

func (s *faultyStore) LogBytes() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.log
}
