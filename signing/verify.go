package signing

import (
	"crypto/hmac"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// DefaultTolerance is how far a request's timestamp may be from the receiver's clock, either way.
const DefaultTolerance = 5 * time.Minute

// What verification fails with; use them with errors.Is. A receiver answers all of them with a 4xx.
var (
	ErrMissingHeader       = errors.New("missing header")
	ErrInvalidTimestamp    = errors.New("invalid timestamp")
	ErrTimestampTooOld     = errors.New("timestamp too old")
	ErrTimestampTooNew     = errors.New("timestamp too new")
	ErrNoMatchingSignature = errors.New("no matching signature")
)

// Verifier checks that a request was signed with one of its keys, lately and unchanged. It is safe
// for concurrent use.
type Verifier struct {
	keys      []Key
	tolerance time.Duration
	now       func() time.Time
}

// Option changes a Verifier from its default.
type Option func(*Verifier)

// WithTolerance replaces DefaultTolerance. It is compared in whole seconds.
func WithTolerance(tolerance time.Duration) Option {
	return func(v *Verifier) { v.tolerance = tolerance }
}

// WithClock replaces time.Now.
func WithClock(now func() time.Time) Option {
	return func(v *Verifier) { v.now = now }
}

// NewVerifier verifies against the given keys: one, or during a rotation the new and the old one.
// Without keys nothing verifies.
func NewVerifier(keys []Key, options ...Option) *Verifier {
	v := &Verifier{keys: slices.Clone(keys), tolerance: DefaultTolerance, now: time.Now}
	for _, option := range options {
		option(v)
	}
	return v
}

// Verify is NewVerifier and its Verify in one call, for a single secret in text form. Besides the
// errors of verification it returns that of ParseSecret.
func Verify(secret string, headers http.Header, body []byte, options ...Option) error {
	key, err := ParseSecret(secret)
	if err != nil {
		return err
	}
	return NewVerifier([]Key{key}, options...).Verify(headers, body)
}

// Verify returns nil if one signature of the request was made with one of the keys and the
// timestamp is within the tolerance. The body must be the bytes as they were received. Signatures
// of versions it does not know are skipped. The error wraps one of ErrMissingHeader,
// ErrInvalidTimestamp, ErrTimestampTooOld, ErrTimestampTooNew and ErrNoMatchingSignature.
//
// A request may arrive more than once; its webhook-id tells whether it is new.
func (v *Verifier) Verify(headers http.Header, body []byte) error {
	id, err := required(headers, HeaderID)
	if err != nil {
		return err
	}
	timestamp, err := required(headers, HeaderTimestamp)
	if err != nil {
		return err
	}
	signatures, err := required(headers, HeaderSignature)
	if err != nil {
		return err
	}
	if err := v.checkTimestamp(timestamp); err != nil {
		return err
	}
	for _, key := range v.keys {
		want := key.sign(id, timestamp, body)
		for signature := range strings.FieldsSeq(signatures) {
			got, ok := strings.CutPrefix(signature, version1)
			if ok && hmac.Equal([]byte(got), want) { // in constant time
				return nil
			}
		}
	}
	return ErrNoMatchingSignature
}

// checkTimestamp counts in whole seconds, as the header does.
func (v *Verifier) checkTimestamp(text string) error {
	// Digits only: ParseInt would take a sign too.
	seconds, err := strconv.ParseUint(text, 10, 63)
	if err != nil {
		return fmt.Errorf("%w: %s is not a number of seconds", ErrInvalidTimestamp, HeaderTimestamp)
	}
	tolerance := int64(v.tolerance / time.Second)
	switch age := v.now().Unix() - int64(seconds); {
	case age > tolerance:
		return fmt.Errorf("%w: sent %d seconds ago, more than %d", ErrTimestampTooOld, age, tolerance)
	case age < -tolerance:
		return fmt.Errorf("%w: %d seconds in the future, more than %d", ErrTimestampTooNew, -age, tolerance)
	}
	return nil
}

func required(headers http.Header, name string) (string, error) {
	value := headers.Get(name)
	if value == "" {
		return "", fmt.Errorf("%w: %s", ErrMissingHeader, name)
	}
	return value, nil
}
