package pebblestore_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/postrider/postrider/internal/engine/pebblestore"
)

// upgrades are those to each version up to the one, which note themselves in a record.
func upgrades(to uint32) map[uint32]func(*pebblestore.DB) error {
	all := map[uint32]func(*pebblestore.DB) error{}
	for from := pebblestore.CurrentFormat(); from < to; from++ {
		all[from] = func(db *pebblestore.DB) error {
			noted, _, err := db.Get([]byte{0x41})
			if err != nil {
				return err
			}
			b := db.Batch()
			if err := b.Set([]byte{0x41}, append(noted, byte(from)), nil); err != nil {
				return err
			}
			return db.Commit(b)
		}
	}
	return all
}

func closing(t *testing.T, db *pebblestore.DB, err error) *pebblestore.DB {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	return db
}

func TestTheNextFormatsOpenThisOneAndBringItUpOnce(t *testing.T) {
	t.Parallel()
	o := pebblestore.Options{FS: vfs.NewMem()}
	now := pebblestore.CurrentFormat()
	db, err := pebblestore.Open("db", o)
	closing(t, db, err)
	for range 2 {
		db, err = pebblestore.OpenFormat("db", o, now+2, upgrades(now+2))
		if err != nil {
			t.Fatal(err)
		}
		if noted, _, err := db.Get([]byte{0x41}); err != nil || !slices.Equal(noted, []byte{byte(now), byte(now + 1)}) {
			t.Errorf("brought up from %v, %v", noted, err)
		}
		closing(t, db, nil)
	}
}

func TestANewerFormatIsRefused(t *testing.T) {
	t.Parallel()
	o := pebblestore.Options{FS: vfs.NewMem()}
	next := pebblestore.CurrentFormat() + 1
	db, err := pebblestore.OpenFormat("db", o, next, nil)
	closing(t, db, err)
	if _, err := pebblestore.Open("db", o); !errors.Is(err, pebblestore.ErrNewerFormat) {
		t.Errorf("Open: %v", err)
	}
	db, err = pebblestore.OpenFormat("db", o, next, nil) // it is none the worse
	closing(t, db, err)
}

func TestAFormatThatNothingBringsUpIsRefused(t *testing.T) {
	t.Parallel()
	o := pebblestore.Options{FS: vfs.NewMem()}
	db, err := pebblestore.Open("db", o)
	closing(t, db, err)
	if _, err := pebblestore.OpenFormat("db", o, pebblestore.CurrentFormat()+1, nil); err == nil || !strings.Contains(err.Error(), "too old") {
		t.Errorf("Open: %v", err)
	}
}

func TestAnUpgradeThatFailsIsTriedAgain(t *testing.T) {
	t.Parallel()
	o := pebblestore.Options{FS: vfs.NewMem()}
	now := pebblestore.CurrentFormat()
	db, err := pebblestore.Open("db", o)
	closing(t, db, err)
	failing := map[uint32]func(*pebblestore.DB) error{now: func(*pebblestore.DB) error { return errDisk }}
	if _, err := pebblestore.OpenFormat("db", o, now+1, failing); !errors.Is(err, errDisk) {
		t.Errorf("Open: %v", err)
	}
	db, err = pebblestore.OpenFormat("db", o, now+1, upgrades(now+1))
	closing(t, db, err)
}

func TestADatabaseOfSomethingElseIsRefused(t *testing.T) {
	t.Parallel()
	for name, key := range map[string]string{"without a format record": "a", "with another one": "\x00format"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			fs := vfs.NewMem()
			other, err := pebble.Open("db", &pebble.Options{FS: fs})
			if err != nil {
				t.Fatal(err)
			}
			if err := other.Set([]byte(key), []byte("b"), pebble.Sync); err != nil {
				t.Fatal(err)
			}
			if err := other.Close(); err != nil {
				t.Fatal(err)
			}
			if db, err := pebblestore.Open("db", pebblestore.Options{FS: fs}); err == nil {
				closing(t, db, nil)
				t.Error("it opened")
			}
		})
	}
}
