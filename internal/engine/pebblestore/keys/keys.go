// Package keys writes the keys of the engine's database: parts one after the other, each so that it can be told where
// it ends whatever it contains, and so that the order of keys as bytes is the order of what they stand for.
//
// No two sequences of parts of the same types give the same key, and none is a prefix of another: an ID may
// hold any bytes, and still cannot reach into the records of another.
package keys

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math"
	"time"
)

// ErrMalformed is what the Cut functions return for a key that the Append functions cannot have written.
var ErrMalformed = errors.New("malformed key")

const signBit = 1 << 63

// AppendUint32 appends v in four bytes.
func AppendUint32(key []byte, v uint32) []byte { return binary.BigEndian.AppendUint32(key, v) }

// AppendInt32 appends v in four bytes; negative ones sort first.
func AppendInt32(key []byte, v int32) []byte { return AppendUint32(key, uint32(v)^1<<31) }

// AppendInt64 appends v in eight bytes; negative ones sort first.
func AppendInt64(key []byte, v int64) []byte {
	return binary.BigEndian.AppendUint64(key, uint64(v)^signBit)
}

// AppendInt64Desc appends v in eight bytes; large ones sort first.
func AppendInt64Desc(key []byte, v int64) []byte {
	return binary.BigEndian.AppendUint64(key, ^(uint64(v) ^ signBit))
}

// AppendTime appends t in eight bytes, to the nanosecond. Times before 1678 or after 2262 become the first or the last
// time that fits.
func AppendTime(key []byte, t time.Time) []byte { return AppendInt64(key, unixNano(t)) }

// AppendTimeDesc is AppendTime, with late times first.
func AppendTimeDesc(key []byte, t time.Time) []byte { return AppendInt64Desc(key, unixNano(t)) }

func unixNano(t time.Time) int64 {
	switch {
	case t.Before(time.Unix(0, math.MinInt64)):
		return math.MinInt64
	case t.After(time.Unix(0, math.MaxInt64)):
		return math.MaxInt64
	}
	return t.UnixNano()
}

// CutUint32 is the opposite of AppendUint32.
func CutUint32(key []byte) (v uint32, rest []byte, err error) {
	if len(key) < 4 {
		return 0, nil, ErrMalformed
	}
	return binary.BigEndian.Uint32(key), key[4:], nil
}

// CutInt32 is the opposite of AppendInt32.
func CutInt32(key []byte) (v int32, rest []byte, err error) {
	u, rest, err := CutUint32(key)
	return int32(u ^ 1<<31), rest, err
}

// CutInt64 is the opposite of AppendInt64.
func CutInt64(key []byte) (v int64, rest []byte, err error) {
	if len(key) < 8 {
		return 0, nil, ErrMalformed
	}
	return int64(binary.BigEndian.Uint64(key) ^ signBit), key[8:], nil
}

// CutInt64Desc is the opposite of AppendInt64Desc.
func CutInt64Desc(key []byte) (v int64, rest []byte, err error) {
	v, rest, err = CutInt64(key)
	return ^v, rest, err
}

// CutTime is the opposite of AppendTime; the time is in UTC.
func CutTime(key []byte) (t time.Time, rest []byte, err error) {
	v, rest, err := CutInt64(key)
	return time.Unix(0, v).UTC(), rest, err
}

// CutTimeDesc is the opposite of AppendTimeDesc; the time is in UTC.
func CutTimeDesc(key []byte) (t time.Time, rest []byte, err error) {
	v, rest, err := CutInt64Desc(key)
	return time.Unix(0, v).UTC(), rest, err
}

// End is the first key after all that begin with prefix, or nil when there is none.
func End(prefix []byte) []byte {
	end := bytes.Clone(prefix)
	for i := len(end) - 1; i >= 0; i-- {
		if end[i]++; end[i] != 0 {
			return end[:i+1]
		}
	}
	return nil
}

// After is the first key after key.
func After(key []byte) []byte {
	return append(append(make([]byte, 0, len(key)+1), key...), 0)
}
