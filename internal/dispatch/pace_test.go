package dispatch

import (
	"testing"
	"time"
)

func TestThePaceFollowsTheRetriesThatComeLate(t *testing.T) {
	t.Parallel()
	var p pace
	now := time.Now()
	p.retry(now.Add(-retryLate), now)
	if gap := p.between(now); gap != 0 {
		t.Errorf("a gap of %v though none came late", gap)
	}
	p.retry(now.Add(-2*retryLate), now)
	first := p.between(now)
	if first != paceStep {
		t.Errorf("one that came late made a gap of %v, want %v", first, paceStep)
	}
	p.retry(now.Add(-2*retryLate), now)
	if gap := p.between(now); gap != first*3/2+paceStep {
		t.Errorf("a second one made it %v", gap)
	}
	for range 100 {
		p.retry(now.Add(-time.Hour), now)
	}
	if gap := p.between(now); gap != laneStarved {
		t.Errorf("a hundred made it %v, want %v at most", gap, laneStarved)
	}
	if gap := p.between(now.Add(paceHalf)); gap != laneStarved/2 {
		t.Errorf("after %v without one it is %v, want half", paceHalf, gap)
	}
	if gap := p.between(now.Add(time.Minute)); gap != 0 {
		t.Errorf("after a minute without one it is %v", gap)
	}
}
