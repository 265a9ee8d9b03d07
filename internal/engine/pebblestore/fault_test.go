package pebblestore_test

import (
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"github.com/postrider/postrider/internal/engine/pebblestore"
)

var errDisk = errors.New("the disk is broken")

// breakable fails writes and syncs of files of that kind once it is broken.
func breakable(kind string) (fs vfs.FS, breakIt func()) {
	var broken atomic.Bool
	inject := errorfs.InjectorFunc(func(op errorfs.Op) error {
		if !broken.Load() {
			return nil
		}
		switch op.Kind {
		case errorfs.OpFileWrite, errorfs.OpFileSync, errorfs.OpFileSyncData, errorfs.OpFileSyncTo, errorfs.OpCreate:
			if strings.Contains(op.Path, kind) {
				return errDisk
			}
		}
		return nil
	})
	return errorfs.Wrap(vfs.NewMem(), inject), func() { broken.Store(true) }
}

func commitOne(db *pebblestore.DB, i int) error {
	b := db.Batch()
	if err := b.Set([]byte{0x41, byte(i >> 8), byte(i)}, make([]byte, 1000), nil); err != nil {
		return err
	}
	return db.Commit(b)
}

func TestAfterAnErrorOfTheDiskNothingIsAcknowledgedAnyMore(t *testing.T) {
	t.Parallel()
	for name, kind := range map[string]string{"log": ".log", "table": ".sst", "list of tables": "MANIFEST"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			fs, breakIt := breakable(kind)
			fatal := make(chan error, 2)
			db, err := pebblestore.Open("db", pebblestore.Options{FS: fs, MemTable: 64 << 10, Fatal: func(err error) { fatal <- err }})
			if err != nil {
				t.Fatal(err)
			}
			if err := commitOne(db, 0); err != nil {
				t.Fatal(err)
			}
			breakIt()
			failed := make(chan struct{}, 8)
			for worker := range 8 {
				go func() {
					for i := 0; ; i++ {
						if err := commitOne(db, worker*8000+i); err != nil {
							if !errors.Is(err, pebblestore.ErrStopped) {
								t.Error(err)
							}
							failed <- struct{}{}
							return
						}
					}
				}()
			}
			for range 8 {
				awaitSignal(t, failed)
			}
			if err := <-fatal; !errors.Is(err, pebblestore.ErrStopped) || !strings.Contains(err.Error(), errDisk.Error()) {
				t.Errorf("Fatal was told %v", err)
			}
			if _, _, err := db.Get([]byte{0x41, 0, 0}); !errors.Is(err, pebblestore.ErrStopped) {
				t.Errorf("a read: %v", err)
			}
			if err := db.Close(); !errors.Is(err, pebblestore.ErrStopped) {
				t.Errorf("Close: %v", err)
			}
			if len(fatal) > 0 {
				t.Error("Fatal was called again")
			}
		})
	}
}

func awaitSignal(t *testing.T, c <-chan struct{}) {
	t.Helper()
	select {
	case <-c:
	case <-time.After(10 * time.Second):
		t.Fatal("waited for ten seconds")
	}
}

func TestFatalStopsTheDatabase(t *testing.T) {
	t.Parallel()
	fatal := make(chan error, 2)
	db, err := pebblestore.Open("db", pebblestore.Options{FS: vfs.NewMem(), Fatal: func(err error) { fatal <- err }})
	if err != nil {
		t.Fatal(err)
	}
	db.Fatal(errDisk)
	db.Fatal(errors.New("another"))
	if err := <-fatal; !errors.Is(err, errDisk) {
		t.Error(err)
	}
	if err := commitOne(db, 0); !errors.Is(err, errDisk) {
		t.Error(err)
	}
	if err := db.Close(); !errors.Is(err, errDisk) {
		t.Error(err)
	}
}

func TestAfterCloseEveryCallReturnsAnError(t *testing.T) {
	t.Parallel()
	db, err := pebblestore.Open("db", pebblestore.Options{FS: vfs.NewMem()})
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if err := commitOne(db, 0); !errors.Is(err, pebblestore.ErrClosed) {
		t.Errorf("Commit: %v", err)
	}
	if _, _, err := db.Get([]byte{1}); !errors.Is(err, pebblestore.ErrClosed) {
		t.Errorf("Get: %v", err)
	}
	if _, err := db.Iter(nil, nil); !errors.Is(err, pebblestore.ErrClosed) {
		t.Errorf("Iter: %v", err)
	}
	if err := db.Checkpoint("copy"); !errors.Is(err, pebblestore.ErrClosed) {
		t.Errorf("Checkpoint: %v", err)
	}
	if err := db.Close(); !errors.Is(err, pebblestore.ErrClosed) {
		t.Errorf("Close: %v", err)
	}
}
