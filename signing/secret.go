package signing

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
)

// SecretPrefix stands before the base64 of every symmetric secret.
const SecretPrefix = "whsec_"

// Sizes of a secret in bytes. NewSecret makes newSecretBytes of them.
const (
	MinSecretBytes = 24
	MaxSecretBytes = 64
	newSecretBytes = 32
)

// ErrInvalidSecret is wrapped by every error of ParseSecret. The errors never contain the secret.
var ErrInvalidSecret = errors.New("invalid secret")

// redacted is what a Key shows of itself.
const redacted = "[redacted]"

// Key is a parsed secret. The zero Key is no key: it signs with an empty one; get a Key from
// ParseSecret. A Key shows itself as "[redacted]" in every format and log, and is safe for
// concurrent use.
type Key struct {
	bytes []byte
}

// NewSecret is a fresh secret: "whsec_" and the base64 of 32 bytes from the system's secure source.
func NewSecret() string {
	b := make([]byte, newSecretBytes)
	rand.Read(b) // never fails: crypto/rand ends the process rather than return weak bytes
	return SecretPrefix + base64.StdEncoding.EncodeToString(b)
}

// ParseSecret reads "whsec_" followed by the padded standard base64 of 24 to 64 bytes. Its errors
// say what is wrong and wrap ErrInvalidSecret.
func ParseSecret(secret string) (Key, error) {
	encoded, ok := strings.CutPrefix(secret, SecretPrefix)
	if !ok {
		return Key{}, fmt.Errorf("%w: must start with %s", ErrInvalidSecret, SecretPrefix)
	}
	// The decoder skips line ends, but a secret that contains one was copied badly.
	if strings.ContainsAny(encoded, "\r\n") {
		return Key{}, fmt.Errorf("%w: contains a line end", ErrInvalidSecret)
	}
	b, err := base64.StdEncoding.Strict().DecodeString(encoded)
	if err != nil { // the decoder's own text could quote a part of the secret
		return Key{}, fmt.Errorf("%w: what follows %s is not padded standard base64", ErrInvalidSecret, SecretPrefix)
	}
	if len(b) < MinSecretBytes || len(b) > MaxSecretBytes {
		return Key{}, fmt.Errorf("%w: holds %d bytes, must be %d to %d", ErrInvalidSecret, len(b), MinSecretBytes, MaxSecretBytes)
	}
	return Key{bytes: b}, nil
}

// ParseSecrets parses several, such as the new and the old one during a rotation. The error is ParseSecret's of the first
// that is none.
func ParseSecrets(secrets ...string) ([]Key, error) {
	var keys []Key
	for _, secret := range secrets {
		key, err := ParseSecret(secret)
		if err != nil {
			return nil, err
		}
		keys = append(keys, key)
	}
	return keys, nil
}

// String hides the key.
func (Key) String() string { return redacted }

// GoString hides the key from %#v.
func (Key) GoString() string { return redacted }

// Format hides the key from every other verb, such as %d or %x.
func (Key) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redacted) }

// LogValue hides the key from slog.
func (Key) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalText hides the key from JSON and every other text encoding.
func (Key) MarshalText() ([]byte, error) { return []byte(redacted), nil }
