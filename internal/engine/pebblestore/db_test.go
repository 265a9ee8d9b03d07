package pebblestore_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/postrider/postrider/internal/engine/pebblestore"
)

// This one is not parallel: it must see no goroutines but its own.
func TestOpenAndCloseLeaveNoGoroutineBehind(t *testing.T) {
	before := goleak.IgnoreCurrent()
	dir := t.TempDir()
	for range 2 {
		db, err := pebblestore.Open(dir, pebblestore.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if err := commitOne(db, 0); err != nil {
			t.Fatal(err)
		}
		closing(t, db, nil)
	}
	goleak.VerifyNone(t, before)
}

func TestASecondOwnerIsToldThatTheDirectoryIsInUse(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	db, err := pebblestore.Open(dir, pebblestore.Options{})
	if err != nil {
		t.Fatal(err)
	}
	_, err = pebblestore.Open(dir, pebblestore.Options{})
	if err == nil || !strings.Contains(err.Error(), dir+" is in use") || strings.Contains(err.Error(), "\n") {
		t.Errorf("Open: %v", err)
	}
	closing(t, db, nil)
	db, err = pebblestore.Open(dir, pebblestore.Options{})
	closing(t, db, err)
}

func TestACheckpointIsADatabaseAsOfThen(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	db, err := pebblestore.Open(filepath.Join(dir, "db"), pebblestore.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { closing(t, db, nil) }()
	f := factory(db)
	s := made(t, f.NewExecutionStore)
	rangeID := own(t, f, 0)
	all := runsOf(5)
	drive := func(to int64) {
		for _, p := range all {
			if err := p.drive(t.Context(), s, rangeID, to, func(int64) {}); err != nil {
				t.Fatal(err)
			}
		}
	}
	drive(3)
	if err := db.Checkpoint(filepath.Join(dir, "copy")); err != nil {
		t.Fatal(err)
	}
	if err := db.Checkpoint(filepath.Join(dir, "copy")); err == nil {
		t.Error("a second one went into the same directory")
	}
	drive(5)
	if _, err := os.Stat(filepath.Join(dir, "copy", "SEAL")); err != nil {
		t.Error(err)
	}
	old, err := pebblestore.Open(filepath.Join(dir, "copy"), pebblestore.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { closing(t, old, nil) }()
	for _, p := range all {
		if version, err := p.check(t.Context(), made(t, factory(old).NewExecutionStore)); version != 3 || err != nil {
			t.Errorf("%s is at version %d, %v", p.workflowID, version, err)
		}
	}
}

func TestTheSizeIsThatOfTheFiles(t *testing.T) {
	t.Parallel()
	db, err := pebblestore.Open(t.TempDir(), pebblestore.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for i := range 100 {
		if err := commitOne(db, i); err != nil {
			t.Fatal(err)
		}
	}
	if n := db.SizeBytes(); n == 0 || n > 100<<20 {
		t.Errorf("%d bytes", n)
	}
	if db.Metrics() == nil {
		t.Error("there are no metrics")
	}
	closing(t, db, nil)
	if db.SizeBytes() != 0 || db.Metrics() != nil {
		t.Error("a closed database has a size")
	}
}
