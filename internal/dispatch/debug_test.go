package dispatch

import "fmt"

func (d *Dispatcher) Debug() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	s := fmt.Sprintf("size %d busy %d ready %d lost %v starved %v;", d.size, d.busy, len(d.ready), d.lost, d.starved)
	for k, q := range d.queues {
		s += fmt.Sprintf(" q%d: %d entries inflight %d failures %d inReady %v spilled %v missed %d cursor %d;", k, len(q.entries), q.inFlight, q.failures, q.inReady, q.spilled, q.missed, q.cursor)
	}
	d.lane.mu.Lock()
	defer d.lane.mu.Unlock()
	s += fmt.Sprintf(" lane: wishes %d fresh %d failed %d rest %d later %d young %d unread %v cursor %v working %d limit %f", len(d.lane.wishes), len(d.lane.fresh), len(d.lane.failed), len(d.lane.rest), len(d.lane.later), len(d.lane.young), d.lane.unread, d.lane.cursor, d.lane.working, d.lane.engine.limit)
	return s
}
