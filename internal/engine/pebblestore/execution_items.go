package pebblestore

import (
	"go.temporal.io/api/common/v1"
	"go.temporal.io/server/common/persistence"

	"github.com/postrider/postrider/internal/engine/pebblestore/keys"
)

// Parts of an execution, in the byte after its key's prefix. In files of users: never change one.
//
//	part                 item                value
//	activities …         event ID            blob
//	timers               timer ID            blob
//	requested signals    signal's ID         nothing
//	buffered events      order of arrival    blob
//	CHASM nodes          path                blob of the metadata, blob of the data
const (
	partBase             = 0x00
	partActivities       = 0x01
	partTimers           = 0x02
	partChildren         = 0x03
	partCancels          = 0x04
	partSignals          = 0x05
	partRequestedSignals = 0x06
	partBufferedEvents   = 0x07
	partNodes            = 0x08
)

func (k runKey) event(part byte, id int64) []byte { return keys.AppendInt64(k.part(part), id) }

func (k runKey) named(part byte, name string) []byte { return keys.AppendString(k.part(part), name) }

// setPart puts one record of an execution into its state; key is from the part on. The value is the state's from then on.
func setPart(state *persistence.InternalWorkflowMutableState, key, value []byte) (err error) {
	item := key[1:]
	switch key[0] {
	case partBase:
		_, err = setBase(state, value)
	case partActivities:
		err = setEvent(state.ActivityInfos, item, value)
	case partTimers:
		err = setTimer(state.TimerInfos, item, value)
	case partChildren:
		err = setEvent(state.ChildExecutionInfos, item, value)
	case partCancels:
		err = setEvent(state.RequestCancelInfos, item, value)
	case partSignals:
		err = setEvent(state.SignalInfos, item, value)
	case partRequestedSignals:
		var id string
		id, err = itemName(item)
		state.SignalRequestedIDs = append(state.SignalRequestedIDs, id)
	case partBufferedEvents:
		var events *common.DataBlob
		events, err = readBlob("buffered events", value)
		state.BufferedEvents = append(state.BufferedEvents, events)
	case partNodes:
		err = setNode(state.ChasmNodes, item, value)
	default:
		err = corrupt("execution part")
	}
	return err
}

func setEvent(items map[int64]*common.DataBlob, key, value []byte) error {
	id, rest, err := keys.CutInt64(key)
	if err != nil || len(rest) > 0 {
		return corrupt("execution item")
	}
	items[id], err = readBlob("execution item", value)
	return err
}

func setTimer(items map[string]*common.DataBlob, key, value []byte) error {
	id, err := itemName(key)
	if err != nil {
		return err
	}
	items[id], err = readBlob("timer", value)
	return err
}

func setNode(items map[string]persistence.InternalChasmNode, key, value []byte) error {
	path, err := itemName(key)
	if err != nil {
		return err
	}
	f := fieldsOf("CHASM node", value)
	node := persistence.InternalChasmNode{Metadata: f.blob(), Data: f.blob()}
	if node.Data == nil {
		node.Data = new(common.DataBlob)
	}
	items[path] = node
	return f.done()
}

func itemName(key []byte) (string, error) { return lastName("execution item", key) }

func (b *batch) setEvents(k runKey, part byte, items map[int64]*common.DataBlob) {
	for id, blob := range items {
		b.set(k.event(part, id), blobValue(blob))
	}
}

func (b *batch) removeEvents(k runKey, part byte, ids map[int64]struct{}) {
	for id := range ids {
		b.remove(k.event(part, id))
	}
}

func (b *batch) setTimers(k runKey, items map[string]*common.DataBlob) {
	for id, blob := range items {
		b.set(k.named(partTimers, id), blobValue(blob))
	}
}

func (b *batch) setRequestedSignals(k runKey, ids map[string]struct{}) {
	for id := range ids {
		b.set(k.named(partRequestedSignals, id), newValue(0))
	}
}

func (b *batch) setNodes(k runKey, nodes map[string]persistence.InternalChasmNode) {
	for path, node := range nodes {
		v := newValue(len(node.Metadata.GetData()) + len(node.Data.GetData()))
		b.set(k.named(partNodes, path), appendBlob(appendBlob(v, node.Metadata), node.Data))
	}
}

func (b *batch) removeNamed(k runKey, part byte, names map[string]struct{}) {
	for name := range names {
		b.remove(k.named(part, name))
	}
}

// addBufferedEvents puts events after those that are there. It must be called under the shard's lock.
func (b *batch) addBufferedEvents(k runKey, events *common.DataBlob) error {
	next := int64(0)
	prefix := k.part(partBufferedEvents)
	err := b.db.scanBack(prefix, keys.End(prefix), func(key, _ []byte) (bool, error) {
		last, rest, err := keys.CutInt64(key[len(prefix):])
		if err != nil || len(rest) > 0 {
			return false, corrupt("buffered events")
		}
		next = last + 1
		return false, nil
	})
	if err != nil {
		return err
	}
	b.set(k.event(partBufferedEvents, next), blobValue(events))
	return nil
}
