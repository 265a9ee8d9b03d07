// Package machine says what a benchmark was run on.
package machine

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Facts are what figures depend on. What cannot be found out is empty.
type Facts struct {
	CPU        string  `json:"cpu"`
	Cores      int     `json:"cores"` // that Go may use
	MemoryGiB  float64 `json:"memory_gib"`
	Kernel     string  `json:"kernel"`
	FileSystem string  `json:"file_system"` // of the data directories: type and device
	FsyncMS    float64 `json:"fsync_ms"`    // median of appending 4 KiB to a file there and syncing it
	Go         string  `json:"go"`
	Commit     string  `json:"commit"` // with "+changes" when files differ from it
	Time       string  `json:"time"`
}

// Read reads the facts; dir is where the data directories will be.
func Read(ctx context.Context, dir string) (Facts, error) {
	fsync, err := fsyncTime(dir)
	if err != nil {
		return Facts{}, err
	}
	return Facts{
		CPU:        field("/proc/cpuinfo", "model name"),
		Cores:      runtime.GOMAXPROCS(0),
		MemoryGiB:  memory(),
		Kernel:     strings.TrimSpace(text("/proc/sys/kernel/osrelease")),
		FileSystem: fileSystem(dir, text("/proc/mounts")),
		FsyncMS:    float64(fsync.Microseconds()) / 1000,
		Go:         runtime.Version(),
		Commit:     commit(ctx),
		Time:       time.Now().UTC().Format(time.RFC3339),
	}, nil
}

// String is the facts in two lines.
func (f Facts) String() string {
	return fmt.Sprintf("%d × %s, %.0f GiB, Linux %s, data on %s, fsync of 4 KiB %.2f ms\n%s, commit %s, %s",
		f.Cores, f.CPU, f.MemoryGiB, f.Kernel, f.FileSystem, f.FsyncMS, f.Go, f.Commit, f.Time)
}

// text is a file's, or empty.
func text(file string) string {
	b, err := os.ReadFile(file)
	if err != nil {
		return ""
	}
	return string(b)
}

// field is the first value with the name in a file of "name : value" lines.
func field(file, name string) string {
	for line := range strings.Lines(text(file)) {
		if key, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(key) == name {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

func memory() float64 {
	kib, err := strconv.ParseFloat(strings.TrimSuffix(field("/proc/meminfo", "MemTotal"), " kB"), 64)
	if err != nil {
		return 0
	}
	return kib / (1 << 20)
}

// fileSystem is the type and device of the longest mount point that dir is in.
func fileSystem(dir, mounts string) string {
	var longest, found string
	for line := range strings.Lines(mounts) {
		fields := strings.Fields(line)
		if len(fields) < 3 {
			continue
		}
		point := fields[1]
		in := dir == point || strings.HasPrefix(dir, strings.TrimSuffix(point, "/")+"/")
		if in && len(point) >= len(longest) {
			longest, found = point, fields[2]+" on "+fields[0]
		}
	}
	return found
}

// fsyncTime is the price of a durable commit here.
func fsyncTime(dir string) (_ time.Duration, err error) {
	f, err := os.CreateTemp(dir, "fsync-")
	if err != nil {
		return 0, fmt.Errorf("measure fsync: %w", err)
	}
	defer func() { _ = os.Remove(f.Name()) }()
	defer func() { _ = f.Close() }()
	times := make([]time.Duration, 50)
	block := make([]byte, 4096)
	for i := range times {
		start := time.Now()
		if _, err := f.Write(block); err != nil {
			return 0, fmt.Errorf("measure fsync: %w", err)
		}
		if err := f.Sync(); err != nil {
			return 0, fmt.Errorf("measure fsync: %w", err)
		}
		times[i] = time.Since(start)
	}
	slices.Sort(times)
	return times[len(times)/2], nil
}

func commit(ctx context.Context) string {
	git := func(args ...string) (string, error) {
		out, err := exec.CommandContext(ctx, "git", args...).Output() //nolint:gosec // fixed arguments
		return strings.TrimSpace(string(out)), err
	}
	hash, err := git("rev-parse", "--short", "HEAD")
	if err != nil {
		return ""
	}
	if changes, err := git("status", "--porcelain"); err == nil && changes != "" {
		hash += "+changes"
	}
	return hash
}
