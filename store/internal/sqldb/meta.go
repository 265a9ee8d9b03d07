package sqldb

import (
	"context"
	"crypto/rand"
	"fmt"
)

// StoreID is the UUID of the database; it is made the first time.
func StoreID(ctx context.Context, tx Querier) (string, error) {
	var b [16]byte
	rand.Read(b[:]) // never errs
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	fresh := fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
	_, err := tx.ExecContext(ctx, `INSERT INTO meta (key, value) VALUES ('store_id', $1) ON CONFLICT (key) DO NOTHING`, fresh)
	if err != nil {
		return "", fmt.Errorf("make store id: %w", err)
	}
	var id string
	if err := tx.QueryRowContext(ctx, `SELECT value FROM meta WHERE key = 'store_id'`).Scan(&id); err != nil {
		return "", fmt.Errorf("load store id: %w", err)
	}
	return id, nil
}

// Ready implements store.Store: it writes, and waits until that is durable.
func (s *Store) Ready(ctx context.Context) error {
	err := s.backend.Write(ctx, func(tx Querier) error {
		_, err := tx.ExecContext(ctx, `UPDATE meta SET value = value WHERE key = 'store_id'`)
		return err
	})
	if err != nil {
		return fmt.Errorf("write to the store: %w", err)
	}
	return nil
}
