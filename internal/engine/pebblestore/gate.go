package pebblestore

import (
	"sync"
	"sync/atomic"
)

// gate lets calls in until it is shut, and tells when the last one has left. Pebble panics when it is used after Close.
type gate struct {
	inside atomic.Int64
	shut   atomic.Bool
	empty  chan struct{}
	once   sync.Once
}

func newGate() *gate { return &gate{empty: make(chan struct{})} }

// enter reports whether the caller may go on; it then calls leave.
func (g *gate) enter() bool {
	g.inside.Add(1)
	if g.shut.Load() {
		g.leave()
		return false
	}
	return true
}

func (g *gate) leave() {
	if g.inside.Add(-1) == 0 && g.shut.Load() {
		g.once.Do(func() { close(g.empty) })
	}
}

// close shuts the gate; the channel is closed when nobody is inside. It reports whether it was open.
func (g *gate) close() (empty <-chan struct{}, wasOpen bool) {
	wasOpen = g.shut.CompareAndSwap(false, true)
	if g.inside.Load() == 0 {
		g.once.Do(func() { close(g.empty) })
	}
	return g.empty, wasOpen
}
