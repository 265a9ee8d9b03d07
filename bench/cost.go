package main

import (
	"runtime"
	"syscall"
	"time"

	"github.com/postrider/postrider/bench/internal/figures"
	"github.com/postrider/postrider/bench/internal/machine"
	"github.com/postrider/postrider/bench/internal/payload"
)

// meter measures what a run costs from when it is made.
type meter struct {
	bed   *bed
	began reading
}

// reading is what had been used at a moment.
type reading struct {
	at                    int64         // of payload.Now
	machine, system, ours time.Duration // CPU; ours is the receiver's and this process's
	peakRSS               int64
}

func newMeter(b *bed) (*meter, error) {
	began, err := read(b)
	return &meter{b, began}, err
}

func read(b *bed) (r reading, err error) {
	r.at = payload.Now()
	system, err := b.usage()
	if err != nil {
		return r, err
	}
	received, err := b.receiverProc.Usage()
	if err != nil {
		return r, err
	}
	var self syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &self); err != nil {
		return r, err
	}
	r.system, r.peakRSS = system.CPU, system.PeakRSS
	r.ours = received.CPU + time.Duration(self.Utime.Nano()+self.Stime.Nano())
	r.machine, err = machine.Busy()
	return r, err
}

// figures are the cost of n events since the meter was made; generators is the CPU time of the load
// generators that ran meanwhile.
func (m *meter) figures(n int, generators time.Duration) ([]figures.Figure, error) {
	now, err := read(m.bed)
	if err != nil {
		return nil, err
	}
	system := now.system - m.began.system
	ours := now.ours - m.began.ours + generators
	others := now.machine - m.began.machine - system - ours
	there := time.Duration(now.at-m.began.at) * time.Duration(runtime.GOMAXPROCS(0))
	per := func(cpu time.Duration) float64 { return float64(cpu.Microseconds()) / 1000 / float64(max(1, n)) }
	return []figures.Figure{
		{Name: "CPU ms/event", Value: per(system), Decimals: 2},
		{Name: "peak RSS MiB", Value: float64(now.peakRSS) / (1 << 20)},
		{Name: "bench's CPU ms/event", Value: per(ours), Decimals: 2},
		{Name: "others' CPU %", Value: max(0, 100*float64(others)/float64(there)), Decimals: 1},
	}, nil
}
