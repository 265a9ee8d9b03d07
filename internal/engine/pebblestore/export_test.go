package pebblestore

import (
	"bytes"
	"context"

	"github.com/postrider/postrider/internal/engine/pebblestore/keys"
)

// Items is how many items of each part an execution has left.
func (db *DB) Items(shard int32, namespaceID, workflowID, runID string) (map[string]int, error) {
	names := map[byte]string{
		partActivities: "activities", partTimers: "timers", partChildren: "children", partCancels: "cancels",
		partSignals: "signals", partRequestedSignals: "requested signals", partBufferedEvents: "buffered events", partNodes: "nodes",
	}
	counts := map[string]int{}
	for _, name := range names {
		counts[name] = 0
	}
	k := keyOfRun(shard, namespaceID, workflowID, runID)
	prefix := bytes.Clone(k.prefix)
	err := db.scan(prefix, keys.End(prefix), func(key, _ []byte) (bool, error) {
		if part := key[len(prefix)]; part != partBase {
			counts[names[part]]++
		}
		return true, nil
	})
	return counts, err
}

// OpenFormat is Open by a Postrider of another format: it writes that version and knows the upgrades.
func OpenFormat(dir string, o Options, version uint32, upgrades map[uint32]func(*DB) error) (*DB, error) {
	f := format{version: version, upgrades: map[uint32]upgrade{}}
	for from, up := range upgrades {
		f.upgrades[from] = up
	}
	return open(dir, o, f)
}

// CurrentFormat is the version that Open writes.
func CurrentFormat() uint32 { return currentFormat.version }

// CompactAll is what compactions do in time.
func (db *DB) CompactAll() error {
	return db.pebble.Compact(context.Background(), []byte{0}, []byte{0xff}, false)
}
