package child

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

// tick is the unit of CPU times in /proc: USER_HZ, which is 100 on every Linux there is.
const tick = 10 * time.Millisecond

// Usage is what a process has cost since it was started.
type Usage struct {
	CPU     time.Duration // of all its threads, in user and in kernel mode
	RSS     int64         // bytes, now
	PeakRSS int64         // bytes
}

// Usage reads it from /proc. The process must not have ended.
func (p *Process) Usage() (Usage, error) {
	dir := "/proc/" + strconv.Itoa(p.PID())
	stat, err1 := os.ReadFile(dir + "/stat")
	status, err2 := os.ReadFile(dir + "/status")
	if err := errors.Join(err1, err2); err != nil {
		return Usage{}, fmt.Errorf("read what %s has cost: %w", p.Name, err)
	}
	cpu, err1 := parseCPU(string(stat))
	rss, err2 := parseBytes(status, "VmRSS:")
	peak, err3 := parseBytes(status, "VmHWM:")
	if err := errors.Join(err1, err2, err3); err != nil {
		return Usage{}, fmt.Errorf("read what %s has cost: %w", p.Name, err)
	}
	return Usage{CPU: cpu, RSS: rss, PeakRSS: peak}, nil
}

// CPU is that of the process after it has ended.
func (p *Process) CPU() time.Duration {
	<-p.exited
	return p.cmd.ProcessState.UserTime() + p.cmd.ProcessState.SystemTime()
}

// parseCPU reads fields 14 and 15, utime and stime, of /proc/<pid>/stat; see proc(5). The name in field
// 2 may contain anything, so fields are counted from the parenthesis that ends it.
func parseCPU(stat string) (time.Duration, error) {
	_, rest, _ := cutLast(stat, ") ")
	fields := strings.Fields(rest) // field 3 is fields[0]
	if len(fields) < 13 {
		return 0, fmt.Errorf("%q is not a stat line", stat)
	}
	user, err1 := strconv.ParseInt(fields[11], 10, 64)
	system, err2 := strconv.ParseInt(fields[12], 10, 64)
	return time.Duration(user+system) * tick, errors.Join(err1, err2)
}

// parseBytes reads a line of /proc/<pid>/status.
func parseBytes(status []byte, name string) (int64, error) {
	for line := range bytes.Lines(status) {
		if value, ok := bytes.CutPrefix(line, []byte(name)); ok {
			number := strings.TrimSuffix(strings.TrimSpace(string(value)), " kB")
			kib, err := strconv.ParseInt(number, 10, 64)
			return kib << 10, err
		}
	}
	return 0, fmt.Errorf("no %s in the status", name)
}

func cutLast(s, sep string) (before, after string, found bool) {
	if i := strings.LastIndex(s, sep); i >= 0 {
		return s[:i], s[i+len(sep):], true
	}
	return s, "", false
}
