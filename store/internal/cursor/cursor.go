// Package cursor writes and reads the opaque cursors of keyset-paginated lists.
package cursor

import (
	"bytes"
	"encoding/base64"
	"encoding/json"

	"github.com/postrider/postrider/webhook"
)

// version is raised when the meaning of a field changes; cursors of other versions are refused.
const version = 1

// maxLength bounds what Parse looks at. A cursor of ours has one name of at most 128 characters.
const maxLength = 1024

// Position is where in a list a row stands: the values of the columns that the list is ordered by.
type Position struct {
	Time int64  `json:"t,omitempty"` // microseconds
	Key  int64  `json:"k,omitempty"`
	Sub  int64  `json:"s,omitempty"`
	Name string `json:"n,omitempty"`
}

// Cursor asks for the rows beyond a position: after it, or, if Back is set, before it.
type Cursor struct {
	Position
	Back bool
}

type encoded struct {
	Version int    `json:"v"`
	List    string `json:"l"`
	Back    bool   `json:"b,omitempty"`
	Position
}

// String is the text of c for the list of the given name.
func (c Cursor) String(list string) string {
	text, err := json.Marshal(encoded{Version: version, List: list, Back: c.Back, Position: c.Position})
	if err != nil { // numbers and a string
		panic(err)
	}
	return base64.RawURLEncoding.EncodeToString(text)
}

// Parse reads what String wrote for the same list. Everything else is Invalid with the field
// "cursor".
func Parse(list, text string) (Cursor, error) {
	if len(text) > maxLength {
		return Cursor{}, invalid()
	}
	raw, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil {
		return Cursor{}, invalid()
	}
	var e encoded
	d := json.NewDecoder(bytes.NewReader(raw))
	d.DisallowUnknownFields()
	if err := d.Decode(&e); err != nil || e.Version != version || e.List != list {
		return Cursor{}, invalid()
	}
	return Cursor{Position: e.Position, Back: e.Back}, nil
}

func invalid() error {
	return webhook.InvalidFields([]webhook.FieldError{{Field: "cursor", Detail: "is not a cursor of this list"}})
}
