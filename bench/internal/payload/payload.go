// Package payload is the data of the benchmark's events, which carry the time at which they were sent, and
// the clock that load generator and receiver share.
package payload

import (
	"bytes"
	"fmt"
	"strconv"

	"golang.org/x/sys/unix"
)

// Now is the machine's monotonic clock in nanoseconds: the same for all processes, and nobody sets it.
func Now() int64 {
	var ts unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &ts); err != nil {
		panic(fmt.Sprintf("payload: read the monotonic clock: %v", err)) // it has no reason to fail
	}
	return ts.Nano()
}

const (
	before = `{"sent_ns":"` // a string, so that its length need not vary
	middle = `","padding":"`
	after  = `"}`
	digits = 19

	// MinSize is the size of the smallest data.
	MinSize = len(before) + digits + len(middle) + len(after)
)

// Append appends JSON data of exactly size bytes, or MinSize if that is more. sentNS is of Now. There are no
// spaces and nothing to escape in it: who decodes and encodes JSON on the way, as the naive service does, sends the
// same bytes.
func Append(b []byte, sentNS int64, size int) []byte {
	b = append(b, before...)
	b = fmt.Appendf(b, "%0*d", digits, sentNS)
	b = append(b, middle...)
	for i := range max(0, size-MinSize) {
		b = append(b, 'a'+byte(i*7%26))
	}
	return append(b, after...)
}

// SentAt reads the time back, and whether the data is whole: as long as it was, with both its ends.
func SentAt(data []byte, size int) (sentNS int64, whole bool) {
	rest, ok := bytes.CutPrefix(data, []byte(before))
	if !ok || len(data) != max(size, MinSize) || !bytes.HasSuffix(data, []byte(after)) {
		return 0, false
	}
	sentNS, err := strconv.ParseInt(string(rest[:digits]), 10, 64)
	return sentNS, err == nil
}
