package pebblestore

import (
	"encoding/binary"
	"sync/atomic"

	"github.com/cockroachdb/pebble/v2"
)

// A witness is the first entry of each batch in the log: the batch's number, and the number of a batch that was on disk, and
// with it all before, when this one was written. Numbers begin again with each process; they are compared within
// one file of the log. See record_file.go for what they are for.
type witness struct{ number, durable uint64 }

const (
	batchHeader   = 12 // Pebble's
	logDataKind   = 3  // of the entry, also Pebble's
	witnessLength = 16
)

// newBatch has room for the witness.
func newBatch(db *pebble.DB) *pebble.Batch {
	b := db.NewBatch()
	_ = b.LogData(make([]byte, witnessLength), nil) // cannot fail in a batch
	return b
}

// witnesses numbers batches. Calls of sign are one at a time.
type witnesses struct {
	last    uint64
	durable atomic.Uint64
}

// sign writes the witness into the batch and returns its number.
func (w *witnesses) sign(b *pebble.Batch) uint64 {
	w.last++
	if at := witnessIn(b.Repr()); at != nil {
		binary.LittleEndian.PutUint64(at, w.last)
		binary.LittleEndian.PutUint64(at[8:], w.durable.Load())
	}
	return w.last
}

// isDurable notes that the batch is on disk.
func (w *witnesses) isDurable(number uint64) {
	for {
		was := w.durable.Load()
		if was >= number || w.durable.CompareAndSwap(was, number) {
			return
		}
	}
}

// witnessIn is where the witness is in a batch, or nil.
func witnessIn(batch []byte) []byte {
	const start = batchHeader + 2 // kind and length
	if len(batch) < start+witnessLength || batch[batchHeader] != logDataKind || batch[batchHeader+1] != witnessLength {
		return nil
	}
	return batch[start : start+witnessLength]
}

func readWitness(batch []byte) (witness, bool) {
	at := witnessIn(batch)
	if at == nil {
		return witness{}, false
	}
	return witness{binary.LittleEndian.Uint64(at), binary.LittleEndian.Uint64(at[8:])}, true
}
