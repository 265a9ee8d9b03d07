package sqldb

import (
	"database/sql"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/postrider/postrider/webhook"
)

// Micros is how a time is stored. The zero time is 0.
func Micros(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

// Stored is the time as it is read back: in UTC, cut to microseconds.
func Stored(t time.Time) time.Time { return fromMicros(Micros(t)) }

func fromMicros(us int64) time.Time {
	if us == 0 {
		return time.Time{}
	}
	return time.UnixMicro(us).UTC()
}

// Text is s as both databases can hold it: valid UTF-8 without NUL, which Postgres has no place for.
func Text(s string) string {
	return strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\x00", "\uFFFD")
}

// HeadersJSON is how headers are stored; none are NULL.
func HeadersJSON(h map[string]string) any {
	if len(h) == 0 {
		return nil
	}
	return encodeJSON(h)
}

// Body is how a response body is stored; an empty one is NULL.
func Body(b []byte) any {
	if len(b) == 0 {
		return nil
	}
	return b
}

func encodeJSON(v any) string {
	text, err := json.Marshal(v)
	if err != nil { // only strings, numbers and lists of them come here
		panic(err)
	}
	return string(text)
}

// timeInto scans a stored time.
type timeInto struct{ to *time.Time }

func (t timeInto) Scan(v any) error {
	us, ok := v.(int64)
	if !ok && v != nil {
		return fmt.Errorf("a time is stored as %T", v)
	}
	*t.to = fromMicros(us)
	return nil
}

// jsonInto scans JSON; NULL leaves the zero value.
type jsonInto struct{ to any }

func (j jsonInto) Scan(v any) error {
	switch v := v.(type) {
	case nil:
		return nil
	case string:
		return json.Unmarshal([]byte(v), j.to)
	case []byte:
		return json.Unmarshal(v, j.to)
	}
	return fmt.Errorf("JSON is stored as %T", v)
}

// hashInto scans 32 bytes.
type hashInto struct{ to *[32]byte }

func (h hashInto) Scan(v any) error {
	b, ok := v.([]byte)
	if !ok || len(b) != len(h.to) {
		return fmt.Errorf("a hash is stored as %d bytes of %T", len(b), v)
	}
	copy(h.to[:], b)
	return nil
}

// secretRow is a secret as it is stored.
type secretRow struct {
	ID        string `json:"id"`
	Value     string `json:"value"`
	CreatedAt int64  `json:"created_at"`
	ExpiresAt int64  `json:"expires_at,omitempty"`
}

func encodeSecrets(secrets []webhook.Secret) string {
	rows := make([]secretRow, 0, len(secrets))
	for _, s := range secrets {
		rows = append(rows, secretRow{s.ID, string(s.Value), Micros(s.CreatedAt), Micros(s.ExpiresAt)})
	}
	return encodeJSON(rows)
}

func decodeSecrets(rows []secretRow) []webhook.Secret {
	var secrets []webhook.Secret
	for _, r := range rows {
		secrets = append(secrets, webhook.Secret{
			ID: r.ID, Value: webhook.SecretValue(r.Value),
			CreatedAt: fromMicros(r.CreatedAt), ExpiresAt: fromMicros(r.ExpiresAt),
		})
	}
	return secrets
}

func appendInt(b []byte, n int) []byte { return strconv.AppendInt(b, int64(n), 10) }

var (
	_ sql.Scanner = timeInto{}
	_ sql.Scanner = jsonInto{}
	_ sql.Scanner = hashInto{}
)
