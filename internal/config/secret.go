package config

import (
	"log/slog"
	"net/url"
)

const redacted = "[redacted]"

// Credential is a key that never shows in a log, in JSON or in formatted text; convert it to string
// where the key itself is meant.
type Credential string

// String hides the key.
func (c Credential) String() string {
	if c == "" {
		return ""
	}
	return redacted
}

// GoString hides the key from %#v.
func (c Credential) GoString() string { return c.String() }

// MarshalText hides the key from JSON.
func (c Credential) MarshalText() ([]byte, error) { return []byte(c.String()), nil }

// LogValue hides the key from slog.
func (c Credential) LogValue() slog.Value { return slog.StringValue(c.String()) }

// DatabaseURL is a postgres:// URL that shows without its password; convert it to string to connect.
type DatabaseURL string

// String is the URL with passwords hidden.
func (d DatabaseURL) String() string {
	if d == "" {
		return ""
	}
	u, err := url.Parse(string(d))
	if err != nil || u.Scheme == "" || u.Opaque != "" { // whatever it is, it may hold a password
		return redacted
	}
	query := u.Query()
	for _, name := range []string{"password", "sslpassword"} {
		if query.Has(name) {
			query.Set(name, "xxxxx")
			u.RawQuery = query.Encode()
		}
	}
	return u.Redacted()
}

// GoString hides passwords from %#v.
func (d DatabaseURL) GoString() string { return d.String() }

// MarshalText hides passwords from JSON.
func (d DatabaseURL) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// LogValue hides passwords from slog.
func (d DatabaseURL) LogValue() slog.Value { return slog.StringValue(d.String()) }
