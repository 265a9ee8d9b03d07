package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strconv"

	"github.com/postrider/postrider/store/internal/sqldb"
)

// keyBlock is how many keys are reserved at a time. A restart skips what is left of a block, so
// that no key is ever used twice, even when its row has been deleted.
const keyBlock = 1 << 16

// keys gives out the keys of events and outbox rows. Only the writer uses it.
type keys struct {
	last     int64
	reserved int64 // keys up to here are reserved in the database
}

// load goes on where the database says that reservations end.
func (k *keys) load(ctx context.Context, q sqldb.Querier) error {
	var text string
	err := q.QueryRowContext(ctx, `SELECT value FROM meta WHERE key = 'keys_reserved'`).Scan(&text)
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("load reserved keys: %w", err)
	}
	if k.last, err = strconv.ParseInt(text, 10, 64); err != nil {
		return fmt.Errorf("load reserved keys: %w", err)
	}
	k.reserved = k.last
	return nil
}

// next is a key above all others.
func (k *keys) next(ctx context.Context, tx sqldb.Querier) (int64, error) {
	if k.last >= k.reserved {
		reserved := k.last + keyBlock
		_, err := tx.ExecContext(ctx, `INSERT INTO meta (key, value) VALUES ('keys_reserved', $1)
			ON CONFLICT (key) DO UPDATE SET value = excluded.value`, strconv.FormatInt(reserved, 10))
		if err != nil {
			return 0, fmt.Errorf("reserve keys: %w", err)
		}
		k.reserved = reserved
	}
	k.last++
	return k.last, nil
}

// forget says that the reservation may have been rolled back.
func (k *keys) forget() { k.reserved = 0 }
