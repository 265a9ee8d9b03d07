package dispatch_test

import (
	"context"

	"github.com/postrider/postrider/internal/dispatch"
	"github.com/postrider/postrider/store"
)

// gapStore fills in what store/sqlite does not say yet: OutboxSeq and StartSeq.
type gapStore struct{ dispatch.Store }

func (s gapStore) Accept(ctx context.Context, events []store.NewEvent) ([]store.Accepted, error) {
	results, err := s.Store.Accept(ctx, events)
	for i := range results {
		if results[i].Status == store.AcceptedNew {
			results[i].OutboxSeq = results[i].Event.UID
		}
	}
	return results, err
}

func (s gapStore) Waiting(ctx context.Context, owner, endpointKey, after int64, limit int) ([]store.WaitingRow, error) {
	rows, err := s.Store.Waiting(ctx, owner, endpointKey, after, limit)
	if err != nil {
		return nil, err
	}
	seqs := map[int64]bool{}
	for class := store.OutboxWish; class <= store.OutboxDelivered; class++ {
		outbox, err := s.Store.Outbox(ctx, owner, class, 0, 100_000)
		if err != nil {
			return nil, err
		}
		for _, row := range outbox {
			seqs[row.Seq] = row.Kind == store.OutboxStart
		}
	}
	for i := range rows {
		if seqs[rows[i].Event.UID] {
			rows[i].StartSeq = rows[i].Event.UID
		}
	}
	return rows, nil
}
