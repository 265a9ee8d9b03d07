package pebblevisibility

import (
	"errors"
	"fmt"
	"maps"
	"sync"

	"github.com/cockroachdb/pebble/v2"

	"github.com/postrider/postrider/internal/engine/pebblestore"
)

// mostKnown is how many counts are remembered. There are as many as workflow types times states.
const mostKnown = 10_000

// counter keeps the counts. There must be only one for a database.
type counter struct {
	db *pebblestore.DB
	mu sync.Mutex // held from reading counts until the changed ones are visible

	// known are counts by key, so as not to read them: one that has just become none is found by reading past all
	// its values that are in memory still (500 µs a workflow instead of 75).
	known map[string]int64
}

func newCounter(db *pebblestore.DB) *counter { return &counter{db: db, known: map[string]int64{}} }

// commit writes the batch and, with it, changes of counts by key.
func (c *counter) commit(b *pebble.Batch, changes map[string]int64) error {
	if len(changes) == 0 {
		return c.db.CommitNoWait(b)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	counts := make(map[string]int64, len(changes))
	for key, by := range changes {
		n, err := c.read(key)
		if err == nil {
			counts[key] = n + by
			err = set(b, []byte(key), n+by)
		}
		if err != nil {
			return errors.Join(fmt.Errorf("count runs: %w", err), b.Close())
		}
	}
	if err := c.db.CommitNoWait(b); err != nil {
		return err
	}
	maps.Copy(c.known, counts)
	return nil
}

func (c *counter) read(key string) (int64, error) {
	if n, ok := c.known[key]; ok {
		return n, nil
	}
	if len(c.known) >= mostKnown {
		clear(c.known)
	}
	value, found, err := c.db.Get([]byte(key))
	if err != nil || !found {
		return 0, err
	}
	return decodeCount(value)
}

func set(b *pebble.Batch, key []byte, n int64) error {
	switch {
	case n < 0:
		return corrupt("fewer runs counted than there are")
	case n == 0:
		return b.Delete(key, nil)
	}
	return b.Set(key, encodeCount(n), nil)
}
