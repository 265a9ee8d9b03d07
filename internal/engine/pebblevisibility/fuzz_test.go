package pebblevisibility_test

import (
	"bytes"
	"errors"
	"testing"

	"go.temporal.io/api/serviceerror"
	"go.temporal.io/server/common/persistence/visibility/manager"

	"github.com/postrider/postrider/internal/engine/pebblevisibility"
)

func FuzzAnyPageTokenGivesAPageOrIsRefused(f *testing.F) {
	s := onPebble(f, openDB(f))
	aRun("evt_1", 1, nil).start(f, s)
	list := func(token []byte) (int, error) {
		page, err := s.ListWorkflowExecutions(bounded(), &manager.ListWorkflowExecutionsRequestV2{
			NamespaceID: someNamespace, PageSize: 1, NextPageToken: token,
		})
		if err != nil {
			return 0, err
		}
		return len(page.Executions), nil
	}
	first, err := s.ListWorkflowExecutions(bounded(), &manager.ListWorkflowExecutionsRequestV2{NamespaceID: someNamespace, PageSize: 1})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(first.NextPageToken)
	f.Add([]byte(nil))
	f.Add([]byte{1})
	f.Add([]byte(`{"CloseTime":"2026-05-01T12:00:00Z","StartTime":"2026-05-01T12:00:00Z","RunID":"x"}`)) // SQLite's
	f.Add(append(bytes.Repeat([]byte{0xff}, 17), 2))
	f.Fuzz(func(t *testing.T, token []byte) {
		_, err := list(token)
		if bad := new(serviceerror.InvalidArgument); err != nil && !errors.As(err, &bad) {
			t.Errorf("got %T %v", err, err)
		}
		if (err == nil) != (pebblevisibility.DecodeToken(token) == nil) {
			t.Errorf("got %v", err)
		}
	})
}

func FuzzAnyQueryIsAnsweredOrRefused(f *testing.F) {
	s := onPebble(f, openDB(f))
	aRun("evt_1", 1, nil).start(f, s)
	for _, q := range []string{
		"", "WorkflowId STARTS_WITH 'evt_' OR NOT (Int01 BETWEEN 1 AND 2.5)", "Keyword01 IN ('a', 'it''s', \"b\")",
		"ExecutionStatus = 1 GROUP BY ExecutionStatus", "CloseTime < 0 AND Text01 = 'a b'", "KeywordList01 != 'a'",
	} {
		f.Add(q)
	}
	f.Fuzz(func(t *testing.T, q string) {
		list, count := ask(s, q)
		for _, err := range []error{list, count} {
			if bad := new(serviceerror.InvalidArgument); err != nil && !errors.As(err, &bad) {
				t.Errorf("%q: got %T %v", q, err, err)
			}
		}
	})
}

func FuzzAnyStoredBytesAreDecodedOrRefused(f *testing.F) {
	f.Add([]byte{1, 2, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 'k', 1, 1, 'v'})
	f.Add([]byte{1, 0, 0})
	f.Fuzz(func(t *testing.T, value []byte) {
		_ = pebblevisibility.DecodeEntry(value) // must not panic
		once, err := pebblevisibility.Recode(value)
		if err != nil {
			return
		}
		twice, err := pebblevisibility.Recode(once)
		if err != nil || !bytes.Equal(once, twice) {
			t.Errorf("%x is encoded as %x, and that as %x (error: %v)", value, once, twice, err)
		}
	})
}
