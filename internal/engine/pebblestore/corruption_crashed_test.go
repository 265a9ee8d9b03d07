package pebblestore_test

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"github.com/postrider/postrider/internal/engine/pebblestore"
)

// crashed is what a crash leaves of a database with the runs in several tables, and the last changes in the log.
func crashed(t *testing.T, all []*progress) *vfs.MemFS {
	t.Helper()
	fs := vfs.NewCrashableMem()
	db := filled(t, fs, 32<<10, all)
	left := fs.CrashClone(vfs.CrashCloneCfg{})
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if err := readAll(t, copyOf(left), all); err != nil {
		t.Fatal(err)
	}
	return left
}

// useAll is readAll, and then everything again when all tables have been written anew.
func useAll(t *testing.T, fs vfs.FS, all []*progress) error {
	t.Helper()
	if err := readAll(t, fs, all); err != nil {
		return err
	}
	db, err := pebblestore.Open("db", pebblestore.Options{FS: fs})
	if err != nil {
		return err
	}
	if err := errors.Join(db.CompactAll(), db.Close()); err != nil {
		return err
	}
	return readAll(t, fs, all)
}

// damage is one that disks do to a file, at an offset.
type damage struct {
	name string
	do   func(content []byte, at int)
}

func damages() []damage {
	return []damage{
		{"one bit is wrong", func(b []byte, at int) { b[at] ^= 1 << (at % 8) }},
		{"a byte is zero", func(b []byte, at int) { b[at] = 0 }},
		{"a sector is zero", func(b []byte, at int) { clear(b[at/512*512 : min(len(b), (at/512+1)*512)]) }},
		{"the rest is zero", func(b []byte, at int) { clear(b[at:]) }},
	}
}

// Tables, and logs but the last, have no part in a crash: they were complete before anything referred to them, or came
// after them. Whatever is wrong with one is told, or it does not matter.
func TestADamagedFileThatWasCompleteBeforeTheCrashIsAnErrorOrHarmless(t *testing.T) {
	t.Parallel()
	const random, footer = 16, 64 // positions in each: anywhere, and each byte of its end, which in a table says what it is
	all := runsOf(24)
	left := crashed(t, all)
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	source := rand.New(rand.NewPCG(seed, 0))
	for _, path := range append(tablesOf(t, left), olderLogs(t, left)...) {
		content := read(t, left, path)
		if len(content) == 0 {
			continue
		}
		positions := make([]int, random)
		for i := range positions {
			positions[i] = source.IntN(len(content))
		}
		for at := max(0, len(content)-footer); at < len(content); at++ {
			positions = append(positions, at)
		}
		refused := 0
		for i, at := range positions {
			d := damages()[i%len(damages())]
			is := slices.Clone(content)
			d.do(is, at)
			if wantToldOrHarmless(t, left, all, path, is, fmt.Sprintf("%s at byte %d of %d", d.name, at, len(content))) {
				refused++
			}
		}
		t.Logf("%s: %d of %d refused", path, refused, len(positions))
	}
}

// A log is done with when what is in it is in tables. Before that, damage to one that another has followed is an error,
// even at its end.
func TestADamagedLogThatAnotherHasFollowedIsAnError(t *testing.T) {
	t.Parallel()
	const (
		flips   = 100
		trailer = 19 // a chunk that says that the log is over; without it the next log says so
	)
	mem := vfs.NewCrashableMem()
	var full atomic.Bool
	emptied := make(chan struct{})
	fs := errorfs.Wrap(mem, errorfs.InjectorFunc(func(op errorfs.Op) error {
		if op.Kind == errorfs.OpCreate && strings.HasSuffix(op.Path, ".sst") && full.Load() {
			<-emptied
		}
		return nil
	}))
	db, err := pebblestore.Open("db", pebblestore.Options{FS: fs, MemTable: 64 << 10})
	if err != nil {
		t.Fatal(err)
	}
	full.Store(true)
	all := runsOf(8)
	fill(t, db, all, 10)
	left := mem.CrashClone(vfs.CrashCloneCfg{})
	close(emptied)
	closing(t, db, nil)
	if err := readAll(t, copyOf(left), all); err != nil {
		t.Fatal(err)
	}
	needed := olderLogs(t, left)
	if len(needed) == 0 {
		t.Fatal("there is only one log")
	}
	path := needed[len(needed)-1]
	content := read(t, left, path)
	seed := rand.Uint64()
	t.Logf("seed %d, %s", seed, path)
	source := rand.New(rand.NewPCG(seed, 0))
	for i := range flips {
		at := source.IntN(len(content))
		if i%2 == 0 {
			at = len(content) - 1 - i/2
		}
		d := damages()[i%len(damages())]
		is := slices.Clone(content)
		d.do(is, at)
		what := fmt.Sprintf("%s at byte %d of %d", d.name, at, len(content))
		told := wantToldOrHarmless(t, left, all, path, is, what)
		if !told && at < len(content)-trailer && !bytes.Equal(is, content) {
			t.Errorf("%s, %s: no error", path, what)
		}
	}
}

func TestATableThatIsCutShortOrGoneIsAnError(t *testing.T) {
	t.Parallel()
	all := runsOf(24)
	left := crashed(t, all)
	for _, path := range tablesOf(t, left) {
		content := read(t, left, path)
		for _, length := range []int{0, 1, len(content) / 2, len(content) - 1} {
			if !wantToldOrHarmless(t, left, all, path, content[:length], fmt.Sprintf("cut to %d of %d bytes", length, len(content))) {
				t.Errorf("%s cut to %d of %d bytes: no error", path, length, len(content))
			}
		}
		without := copyOf(left)
		if err := without.Remove(path); err != nil {
			t.Fatal(err)
		}
		if err := useAll(t, without, all); err == nil {
			t.Errorf("without %s: no error", path)
		}
	}
}

// wantToldOrHarmless replaces a file and reports whether that is an error.
func wantToldOrHarmless(t *testing.T, fs *vfs.MemFS, all []*progress, path string, content []byte, what string) (told bool) {
	t.Helper()
	damaged := copyOf(fs)
	write(t, damaged, path, content)
	err := useAll(t, damaged, all)
	if _, silent := errors.AsType[missing](err); silent {
		t.Errorf("%s, %s: %v", path, what, err)
	}
	return err != nil
}

// tablesOf are the tables that the database consists of. A crash leaves others, too: what a compaction was writing, or had
// made superfluous.
func tablesOf(t *testing.T, fs *vfs.MemFS) (paths []string) {
	t.Helper()
	db, err := pebble.Open("db", &pebble.Options{FS: copyOf(fs), ReadOnly: true, Logger: quiet{}})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	levels, err := db.SSTables()
	if err != nil {
		t.Fatal(err)
	}
	for _, level := range levels {
		for _, table := range level {
			paths = append(paths, fmt.Sprintf("db/%06d.sst", table.FileNum))
		}
	}
	if len(paths) == 0 {
		t.Fatal("there are no tables")
	}
	return paths
}

// quiet is a log for Pebble that nobody reads.
type quiet struct{ pebble.Logger }

func (quiet) Infof(string, ...any) {}

func olderLogs(t *testing.T, fs vfs.FS) (paths []string) {
	t.Helper()
	names, err := fs.List("db")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		if strings.HasSuffix(name, ".log") {
			paths = append(paths, fs.PathJoin("db", name))
		}
	}
	slices.Sort(paths)
	return paths[:len(paths)-1]
}

func read(t *testing.T, fs vfs.FS, path string) []byte {
	t.Helper()
	content := make([]byte, size(t, fs, path))
	file, err := fs.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if _, err := file.ReadAt(content, 0); err != nil {
		t.Fatal(err)
	}
	return content
}

func write(t *testing.T, fs vfs.FS, path string, content []byte) {
	t.Helper()
	file, err := fs.Create(path, vfs.WriteCategoryUnspecified)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if _, err := file.Write(content); err != nil {
		t.Fatal(err)
	}
	if err := file.Sync(); err != nil {
		t.Fatal(err)
	}
}
