package pebblevisibility

import (
	"bytes"

	"go.temporal.io/api/serviceerror"
)

// tokenVersion is the first byte of a page token. The encoded position of the last run of the page follows: it means the
// same in any index.
const tokenVersion = 1

func encodeToken(position []byte) []byte { return append([]byte{tokenVersion}, position...) }

// decodeToken is the position to go on after, nil for the first page.
func decodeToken(token []byte) ([]byte, error) {
	if len(token) == 0 {
		return nil, nil
	}
	rest, ok := bytes.CutPrefix(token, []byte{tokenVersion})
	if !ok {
		return nil, serviceerror.NewInvalidArgument("invalid page token: of an unknown version")
	}
	if err := checkPosition(rest); err != nil {
		return nil, serviceerror.NewInvalidArgument("invalid page token: malformed")
	}
	return rest, nil
}
