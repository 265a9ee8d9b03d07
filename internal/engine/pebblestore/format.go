package pebblestore

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/cockroachdb/pebble/v2"
)

// formatKey holds what the database is and which version of the key and value formats its records have: a magic word and
// four bytes. The key's first byte sets it apart from those of all records.
var formatKey = []byte("\x00format") //nolint:gochecknoglobals // a constant

const formatMagic = "postrider engine"

// ErrNewerFormat is what Open returns, wrapped with the versions, for a database that a later Postrider has written.
var ErrNewerFormat = errors.New("a newer Postrider wrote it")

// format is the version that is written and how the ones before it become it.
type format struct {
	version  uint32
	upgrades map[uint32]upgrade // by the version that it starts from
}

// An upgrade brings a database to the next version. When it fails half-way it is called again at the next Open.
type upgrade func(*DB) error

// currentFormat is version 1: the first.
var currentFormat = format{version: 1} //nolint:gochecknoglobals // a constant

// checkFormat writes the record into a database that is empty, and otherwise brings the database to the version
// or refuses it.
func (db *DB) checkFormat(f format) error {
	version, found, err := db.formatVersion()
	if err != nil {
		return err
	}
	if !found {
		if err := db.expectEmpty(); err != nil {
			return err
		}
		// A new database's first log is of Pebble's oldest format, in which damage does not show. A flush starts another.
		return errors.Join(db.writeFormat(f.version), readError(db.pebble.Flush()))
	}
	if version > f.version {
		return fmt.Errorf("%w: it is of format %d, this one knows formats up to %d", ErrNewerFormat, version, f.version)
	}
	for ; version < f.version; version++ {
		up, known := f.upgrades[version]
		if !known {
			return fmt.Errorf("its format %d is too old: open it with an earlier Postrider first", version)
		}
		if err := up(db); err != nil {
			return fmt.Errorf("bring it from format %d to the next: %w", version, err)
		}
		if err := db.writeFormat(version + 1); err != nil {
			return err
		}
	}
	return nil
}

func (db *DB) formatVersion() (version uint32, found bool, err error) {
	record, found, err := db.Get(formatKey)
	if err != nil || !found {
		return 0, found, err
	}
	if len(record) != len(formatMagic)+4 || string(record[:len(formatMagic)]) != formatMagic {
		return 0, false, fmt.Errorf("%w: format record", ErrCorrupt)
	}
	return binary.BigEndian.Uint32(record[len(formatMagic):]), true, nil
}

func (db *DB) expectEmpty() error {
	return db.scan(nil, nil, func([]byte, []byte) (bool, error) {
		return false, errors.New("it is not of Postrider's engine, or its format record is lost")
	})
}

func (db *DB) writeFormat(version uint32) error {
	b := db.Batch()
	if err := b.Set(formatKey, binary.BigEndian.AppendUint32([]byte(formatMagic), version), pebble.Sync); err != nil {
		return errors.Join(err, b.Close())
	}
	return db.Commit(b)
}
