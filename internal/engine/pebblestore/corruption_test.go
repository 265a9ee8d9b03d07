package pebblestore_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/postrider/postrider/internal/engine/pebblestore"
)

// filled is a database with runs at the versions, part of it in tables of several levels and part of it in the log.
func filled(t *testing.T, fs *vfs.MemFS, memTable int, all []*progress) *pebblestore.DB {
	t.Helper()
	db, err := pebblestore.Open("db", pebblestore.Options{FS: fs, MemTable: memTable})
	if err != nil {
		t.Fatal(err)
	}
	fill(t, db, all, 12)
	return db
}

func fill(t *testing.T, db *pebblestore.DB, all []*progress, version int64) {
	t.Helper()
	f := factory(db)
	s := made(t, f.NewExecutionStore)
	rangeID := own(t, f, 0)
	for to := int64(1); to <= version; to++ {
		for _, p := range all {
			if err := p.drive(t.Context(), s, rangeID, to, func(int64) {}); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func runsOf(n int) []*progress {
	all := make([]*progress, n)
	for i := range all {
		all[i] = &progress{run: newRun(0, i)}
	}
	return all
}

// readAll opens the database and expects everything, or an error.
func readAll(t *testing.T, fs vfs.FS, all []*progress) (err error) {
	t.Helper()
	db, err := pebblestore.Open("db", pebblestore.Options{FS: fs})
	if err != nil {
		return err
	}
	defer func() {
		if closing := db.Close(); err == nil {
			err = closing
		}
	}()
	s := made(t, factory(db).NewExecutionStore)
	for _, p := range all {
		version, err := p.check(t.Context(), s)
		if err != nil {
			return err
		}
		if want := p.acknowledged.Load(); version != want {
			return missing(fmt.Sprintf("%s is at version %d instead of %d", p.workflowID, version, want))
		}
	}
	return nil
}

// missing is the error that must never be.
type missing string

func (m missing) Error() string { return string(m) }

func copyOf(fs *vfs.MemFS) *vfs.MemFS {
	return fs.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: 100, RNG: rand.New(rand.NewPCG(1, 1))})
}

func size(t *testing.T, fs vfs.FS, path string) int64 {
	t.Helper()
	info, err := fs.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	return info.Size()
}

func flip(t *testing.T, fs vfs.FS, path string, offset int64, mask byte) {
	t.Helper()
	file, err := fs.OpenReadWrite(path, vfs.WriteCategoryUnspecified)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	var b [1]byte
	if _, err := file.ReadAt(b[:], offset); err != nil {
		t.Fatal(err)
	}
	b[0] ^= mask
	if _, err := file.WriteAt(b[:], offset); err != nil {
		t.Fatal(err)
	}
}

func TestADamagedByteOfAClosedDatabaseIsAnErrorOrHarmless(t *testing.T) {
	t.Parallel()
	const flips = 20 // of each file
	fs := vfs.NewCrashableMem()
	all := runsOf(20)
	if err := filled(t, fs, 32<<10, all).Close(); err != nil {
		t.Fatal(err)
	}
	if err := readAll(t, copyOf(fs), all); err != nil {
		t.Fatal(err)
	}
	names, err := fs.List("db")
	if err != nil {
		t.Fatal(err)
	}
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	for _, name := range names {
		path := fs.PathJoin("db", name)
		bytes := size(t, fs, path)
		if bytes == 0 {
			continue
		}
		refused := 0
		for range flips {
			offset, mask := random.Int64N(bytes), byte(1)<<random.IntN(8)
			damaged := copyOf(fs)
			flip(t, damaged, path, offset, mask)
			err := readAll(t, damaged, all)
			if _, silent := errors.AsType[missing](err); silent {
				t.Errorf("%s, byte %d of %d, bits %#x: %v", name, offset, bytes, mask, err)
			}
			if err != nil {
				refused++
			}
		}
		t.Logf("%s: %d bytes, %d of %d refused", name, bytes, refused, flips)
	}
}

// A crash leaves no seal: the ends of files may be half-written then. What was synced before their last record may not be
// damaged unnoticed all the same.
func TestADamagedByteThatACrashDoesNotExplainIsAnError(t *testing.T) {
	t.Parallel()
	const flips = 40
	for name, tc := range map[string]struct {
		file       string
		memTable   int
		lastRecord int64 // bytes, at least
	}{
		"the log":            {".log", 1 << 20, 1300},
		"the list of tables": {"MANIFEST", 16 << 10, 200},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			fs := vfs.NewCrashableMem()
			all := runsOf(10)
			db := filled(t, fs, tc.memTable, all)
			defer db.Close()
			crashed := fs.CrashClone(vfs.CrashCloneCfg{})
			if err := readAll(t, copyOf(crashed), all); err != nil {
				t.Fatal(err)
			}
			names, err := crashed.List("db")
			if err != nil {
				t.Fatal(err)
			}
			damage := slices.DeleteFunc(names, func(name string) bool { return !strings.Contains(name, tc.file) || strings.HasPrefix(name, "marker") })
			path := crashed.PathJoin("db", slices.Max(damage))
			seed := rand.Uint64()
			t.Logf("seed %d, %s", seed, path)
			random := rand.New(rand.NewPCG(seed, 0))
			for range flips {
				offset := random.Int64N(size(t, crashed, path) - tc.lastRecord)
				damaged := copyOf(crashed)
				flip(t, damaged, path, offset, byte(1)<<random.IntN(8))
				if err := readAll(t, damaged, all); !errors.Is(err, pebblestore.ErrCorrupt) {
					t.Errorf("%s, byte %d: %v", path, offset, err)
				}
			}
		})
	}
}

func TestADatabaseWithADamagedSealSaysWhichFileIsWrong(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		damage func(t *testing.T, fs vfs.FS)
		want   string
	}{
		"the seal itself": {func(t *testing.T, fs vfs.FS) { flip(t, fs, "db/SEAL", 3, 1) }, "SEAL"},
		"a table is gone": {func(t *testing.T, fs vfs.FS) { removeOne(t, fs, ".sst") }, ".sst"},
		"the list of tables": {func(t *testing.T, fs vfs.FS) {
			flip(t, fs, "db/MANIFEST-000001", size(t, fs, "db/MANIFEST-000001")-1, 1)
		}, "MANIFEST-000001"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			fs := vfs.NewCrashableMem()
			if err := filled(t, fs, 32<<10, runsOf(2)).Close(); err != nil {
				t.Fatal(err)
			}
			tc.damage(t, fs)
			for range 2 { // it must not pass at the second try
				_, err := pebblestore.Open("db", pebblestore.Options{FS: fs})
				if !errors.Is(err, pebblestore.ErrCorrupt) || !strings.Contains(err.Error(), tc.want) {
					t.Errorf("Open: %v", err)
				}
			}
		})
	}
}

func removeOne(t *testing.T, fs vfs.FS, suffix string) {
	t.Helper()
	names, err := fs.List("db")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		if strings.HasSuffix(name, suffix) {
			if err := fs.Remove(fs.PathJoin("db", name)); err != nil {
				t.Fatal(err)
			}
			return
		}
	}
	t.Fatal("there is none")
}
