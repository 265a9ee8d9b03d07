package pebblevisibility

import (
	"math"
	"time"
)

// instant is a time in microseconds since 1970, which is how precise times in queries are.
type instant int64

// stillOpen stands for the close time of an open run, which is listed before all closed ones.
const stillOpen instant = math.MaxInt64

// never stands for the zero time.
const never instant = math.MinInt64

func instantOf(t time.Time) instant {
	if t.IsZero() {
		return never
	}
	return instant(t.UnixMicro())
}

// time is in UTC.
func (i instant) time() time.Time {
	if i == never {
		return time.Time{}
	}
	return time.UnixMicro(int64(i)).UTC()
}
