package webhook

import (
	"crypto/sha256"
	"strings"

	"github.com/oklog/ulid/v2"
)

// Prefixes of the IDs that Postrider makes.
const (
	EventIDPrefix    = "evt_"
	EndpointIDPrefix = "ep_"
	AttemptIDPrefix  = "att_"
	SecretIDPrefix   = "sec_"
	APIKeyIDPrefix   = "key_"
)

// NewID is a fresh ID: the prefix and a ULID in lower case, so that IDs sort by time.
func NewID(prefix string) string { return prefix + strings.ToLower(ulid.Make().String()) }

// ValidEventID reports whether id matches [A-Za-z0-9_-]{1,128}.
func ValidEventID(id string) bool {
	return matches(id, MaxEventIDLength, func(c byte) bool { return alphanumeric(c) || c == '_' || c == '-' })
}

// ValidTenant reports whether id matches [a-z0-9_-]{1,64}.
func ValidTenant(id string) bool {
	return matches(id, MaxTenantLength, func(c byte) bool {
		return c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '_' || c == '-'
	})
}

// ValidEventType reports whether name matches [A-Za-z0-9_.-]{1,128}.
func ValidEventType(name string) bool {
	return matches(name, MaxEventTypeLength, func(c byte) bool { return alphanumeric(c) || c == '_' || c == '-' || c == '.' })
}

// ValidEventTypePattern reports whether p is "*", an event type, or an event type prefix followed
// by ".*".
func ValidEventTypePattern(p string) bool {
	if p == "*" {
		return true
	}
	return ValidEventType(strings.TrimSuffix(p, ".*"))
}

// MatchEventType reports whether one of the patterns subscribes to the event type: "*" to all,
// "invoice.*" to everything below "invoice.", any other pattern to itself.
func MatchEventType(patterns []string, eventType string) bool {
	for _, p := range patterns {
		if p == "*" || p == eventType {
			return true
		}
		if prefix, ok := strings.CutSuffix(p, "*"); ok && strings.HasSuffix(prefix, ".") &&
			len(eventType) > len(prefix) && strings.HasPrefix(eventType, prefix) {
			return true
		}
	}
	return false
}

// Fingerprint tells whether two events with one ID are the same event.
type Fingerprint [sha256.Size]byte

// FingerprintOf is the SHA-256 over an event's type and data, each preceded by its length.
func FingerprintOf(eventType string, data []byte) Fingerprint {
	h := sha256.New()
	for _, part := range [][]byte{[]byte(eventType), data} {
		var size [8]byte
		for i, n := 0, uint64(len(part)); i < len(size); i++ {
			size[i] = byte(n >> (8 * i))
		}
		h.Write(size[:])
		h.Write(part)
	}
	return Fingerprint(h.Sum(nil))
}

func alphanumeric(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
}

func matches(s string, limit int, ok func(byte) bool) bool {
	if s == "" || len(s) > limit {
		return false
	}
	for i := range len(s) {
		if !ok(s[i]) {
			return false
		}
	}
	return true
}
