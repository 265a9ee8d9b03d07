package pebblevisibility

import (
	"context"
	"errors"

	"go.temporal.io/server/common/persistence/visibility/store"
)

// list is a page of the runs that the question is about. As with SQL, a full page has a token even when it is the last.
func (s *visibilityStore) list(ctx context.Context, q question, size int, token []byte) (_ *store.InternalListExecutionsResponse, err error) {
	p, err := s.parse(q)
	if err != nil {
		return nil, err
	}
	after, err := decodeToken(token)
	if err != nil {
		return nil, err
	}
	var page store.InternalListExecutionsResponse
	if size <= 0 {
		return &page, nil
	}
	snapshot, err := newSnapshot(s.writer.db, q.namespaceID.String())
	if err != nil {
		return nil, failed("list executions", err)
	}
	defer func() { err = failed("list executions", errors.Join(err, snapshot.close())) }()
	search, err := newSearch(snapshot, p.filter, after)
	if err != nil {
		return nil, err
	}
	err = search.run(ctx, func(found row, e *entry) (enough bool, err error) {
		r, ok := found.(*record)
		if !ok {
			if r, err = snapshot.recordOf(e); err != nil {
				return false, err
			}
		}
		info, err := r.info(p.types)
		if err != nil {
			return false, err
		}
		if page.Executions = append(page.Executions, info); len(page.Executions) < size {
			return false, nil
		}
		page.NextPageToken = encodeToken(e.position)
		return true, nil
	})
	return &page, err
}
