package pebblestore

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strconv"
	"strings"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/atomicfs"
)

// A crash may leave the end of the log half-written, and Pebble takes anything in it that it cannot read for such an end. So
// damage further up would silently cost what comes after it. We tell one from the other before Pebble reads: what was
// half-written was not on disk yet, so nothing after it says that it was. That leaves the last batch of a database
// that crashed: damage to it cannot be told from the crash.
//
// This knows the form of the chunks that logs and the list of tables (MANIFEST) consist of. It is part of the Pebble format
// that Options pin; TestADamagedByteThatACrashDoesNotExplainIsAnError fails when it is another.
const (
	chunkBlock = 32 << 10 // chunks do not cross the ends of blocks

	listHeader     = 7 // checksum 4, length 2, type 1
	listFullChunk  = 1
	listFirstChunk = 2
	listLastChunk  = 4
	logHeader      = 19 // the same, number of the log 4, and 8 more
	logFullChunk   = 9
	logFirstChunk  = 10
	logLastChunk   = 12
)

// checkRecordFiles returns ErrCorrupt when the log or the list of tables is damaged anywhere before the last record.
func checkRecordFiles(files vfs.FS, dir string) error {
	list, err := atomicfs.ReadMarker(files, dir, "manifest")
	if err != nil || list == "" {
		return err // Pebble says more, or makes a new database
	}
	log, number, err := lastLog(files, dir)
	if err != nil {
		return err
	}
	if err := checkRecordFile(files, files.PathJoin(dir, list), readListChunk, beganAnother); err != nil || log == "" {
		return err
	}
	return checkRecordFile(files, files.PathJoin(dir, log), logReader(number), sawDurable)
}

// lastLog is the one that may have been written to when the process ended. Of the others Pebble knows that they are complete.
func lastLog(fs vfs.FS, dir string) (name string, number uint32, err error) {
	names, err := fs.List(dir)
	if err != nil {
		return "", 0, err
	}
	for _, candidate := range names {
		digits, isLog := strings.CutSuffix(candidate, ".log")
		n, err := strconv.ParseUint(digits, 10, 32)
		if isLog && err == nil && uint32(n) >= number {
			name, number = candidate, uint32(n)
		}
	}
	return name, number, nil
}

// chunk is a valid piece of a record file: a record or part of one.
type chunk struct {
	length  int    // with its header
	content []byte // of the record, if this is where the record begins
}

// A chunkReader reads the chunk that the bytes begin with, if they do.
type chunkReader func([]byte) (chunk, bool)

// checkRecordFile calls proof with the last record before the first chunk that is not valid, if any, and each one
// after it. It reports whether the latter proves that the invalid chunk was on disk once.
func checkRecordFile(files vfs.FS, path string, read chunkReader, proof func(before, after []byte) bool) error {
	data, err := readFile(files, path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil // Pebble says more
	}
	if err != nil {
		return err
	}
	end, before := validUpTo(data, read)
	for i := end + 1; i < len(data); i++ {
		c, ok := read(blockFrom(data, i))
		if !ok || c.content == nil {
			continue
		}
		if proof(before, c.content) {
			return fmt.Errorf("%w: %s at byte %d", ErrCorrupt, path, end)
		}
		if before == nil {
			before = c.content // the damage is before it, too
		}
	}
	return nil
}

// beganAnother is the proof in the list of tables: each record is on disk before the next one is begun.
func beganAnother([]byte, []byte) bool { return true }

// sawDurable is the proof in the log: a batch that says that one later than the last valid one was on disk. When the
// damaged one is the first, a batch will do that says that all before it were.
func sawDurable(before, after []byte) bool {
	last, _ := readWitness(before)
	later, ok := readWitness(after)
	if before == nil {
		return ok && later.durable+1 == later.number
	}
	return ok && later.durable > last.number
}

// validUpTo is the offset of the first chunk that is not valid, or the length of the data, and the last record before it.
func validUpTo(data []byte, read chunkReader) (at int, last []byte) {
	for at < len(data) {
		block := blockFrom(data, at)
		c, ok := read(block)
		switch {
		case ok:
			at += c.length
			if c.content != nil {
				last = c.content
			}
		case len(block) < logHeader && bytes.Count(block, []byte{0}) == len(block):
			at += len(block) // no room for another chunk in the block
		default:
			return at, last
		}
	}
	return at, last
}

// blockFrom is the rest of the block that the offset is in.
func blockFrom(data []byte, at int) []byte {
	return data[at:min(len(data), (at/chunkBlock+1)*chunkBlock)]
}

func readListChunk(b []byte) (chunk, bool) {
	if len(b) < listHeader || b[6] < listFullChunk || b[6] > listLastChunk {
		return chunk{}, false
	}
	return readChunk(b, listHeader, b[6] == listFullChunk || b[6] == listFirstChunk)
}

// logReader reads what was written to that log, not what its file had in it before.
func logReader(number uint32) chunkReader {
	return func(b []byte) (chunk, bool) {
		if len(b) < logHeader || b[6] < logFullChunk || b[6] > logLastChunk || binary.LittleEndian.Uint32(b[7:]) != number {
			return chunk{}, false
		}
		return readChunk(b, logHeader, b[6] == logFullChunk || b[6] == logFirstChunk)
	}
}

func readChunk(b []byte, header int, begins bool) (c chunk, valid bool) {
	c.length = header + int(binary.LittleEndian.Uint16(b[4:]))
	if c.length > len(b) || binary.LittleEndian.Uint32(b) != pebbleChecksum(b[6:c.length]) {
		return chunk{}, false
	}
	if begins {
		c.content = b[header:c.length]
	}
	return c, true
}

// pebbleChecksum is the checksum, rotated and shifted as RocksDB does.
func pebbleChecksum(b []byte) uint32 {
	c := checksum(b)
	return (c>>15 | c<<17) + 0xa282ead8
}

func readFile(fs vfs.FS, path string) (_ []byte, err error) {
	file, err := fs.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	info, err := file.Stat()
	if err != nil {
		return nil, err
	}
	content := make([]byte, info.Size()) // at once: a log has tens of megabytes
	_, err = io.ReadFull(file, content)
	return content, err
}
