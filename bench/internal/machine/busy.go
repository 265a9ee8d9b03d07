package machine

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

// tick is the unit of /proc/stat: USER_HZ, which is 100 on every Linux there is.
const tick = 10 * time.Millisecond

// Busy is the CPU time that everything on this machine has used since it was booted, time stolen by its
// host included.
func Busy() (time.Duration, error) {
	stat, err := os.ReadFile("/proc/stat")
	if err != nil {
		return 0, fmt.Errorf("read how busy the machine is: %w", err)
	}
	return parseBusy(string(stat))
}

// parseBusy reads the first line of /proc/stat: user, nice, system, idle, iowait, irq, softirq, steal, and
// guest times that are part of user and nice.
func parseBusy(stat string) (time.Duration, error) {
	line, _, _ := strings.Cut(stat, "\n")
	fields := strings.Fields(line)
	if len(fields) < 9 || fields[0] != "cpu" {
		return 0, errors.New("read how busy the machine is: /proc/stat does not begin with cpu")
	}
	var busy int64
	for i, text := range fields[1:9] {
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return 0, fmt.Errorf("read how busy the machine is: %w", err)
		}
		if idle := i == 3 || i == 4; !idle {
			busy += n
		}
	}
	return time.Duration(busy) * tick, nil
}
