package pebblestore

import (
	"bytes"

	"go.temporal.io/server/common/persistence"

	"github.com/postrider/postrider/internal/engine/pebblestore/keys"
)

// A page token of a list is the last key that was on the page, without the list's prefix. It is never empty: no list has
// a key that ends with its prefix.

func pageToken(prefix, last []byte) []byte { return bytes.Clone(last[len(prefix):]) }

// pageStart is where the page after the token starts, or the list when there is no token. Whatever a token
// has in it, it stays within the list.
func pageStart(prefix, token []byte) ([]byte, error) {
	if len(token) == 0 {
		return prefix, nil
	}
	start := keys.After(append(bytes.Clone(prefix), token...))
	if end := keys.End(prefix); end != nil && bytes.Compare(start, end) >= 0 {
		return nil, badToken()
	}
	return start, nil
}

func badToken() error {
	return &persistence.InvalidPersistenceRequestError{Msg: "invalid next page token"}
}
