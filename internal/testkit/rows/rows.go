// Package rows is a dispatcher in memory, for tests of the workflow and its activities. Its rows move
// by the vocabulary's own rules, its receiver answers as it was told, and its clock is the test's.
package rows

import (
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/postrider/postrider/activities"
	"github.com/postrider/postrider/webhook"
)

var _ activities.Dispatcher = (*Rows)(nil)

// Config is what a test decides. Now is required.
type Config struct {
	Now    func() time.Time
	Random func() float64 // in [0,1); default 0.5, which is no jitter
	// Outcome tells an event's workflow that a delivery which waited has been sent; default: nobody.
	Outcome func(endpointID string)
}

// Rows are the deliveries of one event.
type Rows struct {
	cfg Config

	mu    sync.Mutex
	rows  map[int64]*row
	made  []Made
	fails map[string]int
	calls map[string]int
}

type row struct {
	webhook.Delivery
	answers []Answer
	sending bool // by the dispatcher itself; the activities' sends end within their call
}

// Made is one request that the receiver got.
type Made struct {
	EndpointID string
	Number     int
	At         time.Time
	Recorded   bool // what came of it was committed
}

// New is an event without deliveries.
func New(cfg Config) *Rows {
	if cfg.Random == nil {
		cfg.Random = func() float64 { return 0.5 }
	}
	if cfg.Outcome == nil {
		cfg.Outcome = func(string) {}
	}
	return &Rows{cfg: cfg, rows: map[int64]*row{}, fails: map[string]int{}, calls: map[string]int{}}
}

// Add puts a delivery that waits for its turn. Each request takes the next answer; the last one is
// given for ever.
func (r *Rows) Add(endpointID string, key int64, policy webhook.Policy, answers ...Answer) {
	r.Put(webhook.Delivery{
		EventUID: 1, EndpointKey: key, EndpointID: endpointID, EventID: "evt_1", Tenant: webhook.DefaultTenant,
		State: webhook.DeliveryPending, WaitingFor: webhook.WaitingForTurn,
		Budget: policy.MaximumAttempts, Policy: policy, CreatedAt: r.cfg.Now(),
	}, answers...)
}

// Put is Add for a delivery with a past.
func (r *Rows) Put(d webhook.Delivery, answers ...Answer) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(answers) == 0 {
		answers = []Answer{Status(200)}
	}
	r.rows[d.EndpointKey] = &row{Delivery: d, answers: answers}
}

// Delete removes all rows, as retention does.
func (r *Rows) Delete() {
	r.mu.Lock()
	defer r.mu.Unlock()
	clear(r.rows)
}

// Fail makes the next n calls of a method of activities.Dispatcher fail; it has no effect then.
func (r *Rows) Fail(method string, n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.fails[method] = n
}

// Row is the delivery to an endpoint as it is now.
func (r *Rows) Row(endpointID string) webhook.Delivery {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.find(endpointID).Delivery
}

// Made lists the requests to an endpoint, oldest first; "" is all.
func (r *Rows) Made(endpointID string) []Made {
	r.mu.Lock()
	defer r.mu.Unlock()
	if endpointID == "" {
		return slices.Clone(r.made)
	}
	var made []Made
	for _, m := range r.made {
		if m.EndpointID == endpointID {
			made = append(made, m)
		}
	}
	return made
}

// Calls counts the calls of a method of activities.Dispatcher.
func (r *Rows) Calls(method string) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.calls[method]
}

// find needs r.mu. A test that names an endpoint which it has not added is wrong.
func (r *Rows) find(endpointID string) *row {
	for _, row := range r.rows {
		if row.EndpointID == endpointID {
			return row
		}
	}
	panic(fmt.Sprintf("there is no delivery to endpoint %s", endpointID))
}

// called needs r.mu.
func (r *Rows) called(method string) error {
	r.calls[method]++
	if r.fails[method] > 0 {
		r.fails[method]--
		return webhook.Errorf(webhook.Unavailable, "", "%s does not work just now", method)
	}
	return nil
}

// get needs r.mu.
func (r *Rows) get(endpointKey int64) (*row, error) {
	if row := r.rows[endpointKey]; row != nil {
		return row, nil
	}
	return nil, webhook.Errorf(webhook.NotFound, "", "there is no delivery to endpoint %d", endpointKey)
}
