// Package signing signs and verifies webhooks as Standard Webhooks 1.0.0 says
// (https://www.standardwebhooks.com), with symmetric signatures ("v1", HMAC-SHA256).
//
// Receivers make a [Verifier] from the endpoint's secret and hand it the headers and the exact bytes
// of each request's body, before anything parses them. Senders parse the secret into a [Key] once
// and call [Sign] for each request. The package depends on the standard library only, and its
// exported names are promised: they change only with a new major version.
package signing

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"strconv"
	"time"
)

// Names of the three headers, as they are written on the wire.
const (
	HeaderID        = "webhook-id"        // the event's ID, the same in every attempt
	HeaderTimestamp = "webhook-timestamp" // when this attempt was made, in seconds since the Unix epoch
	HeaderSignature = "webhook-signature" // one or more signatures, separated by spaces
)

// version1 stands before each symmetric signature.
const version1 = "v1,"

// Sign is the value of the webhook-signature header: one "v1,<base64>" for each key, in their
// order. During a rotation both keys sign. The time is cut to seconds, and [FormatTimestamp] of it
// is what the webhook-timestamp header has to carry. The ID must not contain a full stop, because
// full stops separate what is signed. Without keys the value is empty.
func Sign(id string, at time.Time, body []byte, keys ...Key) string {
	timestamp := FormatTimestamp(at)
	value := make([]byte, 0, len(keys)*(len(version1)+encodedSize+1))
	for i, key := range keys {
		if i > 0 {
			value = append(value, ' ')
		}
		value = append(value, version1...)
		value = append(value, key.sign(id, timestamp, body)...)
	}
	return string(value)
}

// FormatTimestamp is the value of the webhook-timestamp header.
func FormatTimestamp(at time.Time) string { return strconv.FormatInt(at.Unix(), 10) }

// encodedSize is the length of a signature in base64.
const encodedSize = (sha256.Size + 2) / 3 * 4

// sign is the base64 of the HMAC-SHA256 over "<id>.<timestamp>.<body>".
func (k Key) sign(id, timestamp string, body []byte) []byte {
	mac := hmac.New(sha256.New, k.bytes)
	prefix := make([]byte, 0, len(id)+len(timestamp)+2)
	prefix = append(append(append(append(prefix, id...), '.'), timestamp...), '.')
	mac.Write(prefix)
	mac.Write(body)
	var sum [sha256.Size]byte
	encoded := make([]byte, encodedSize)
	base64.StdEncoding.Encode(encoded, mac.Sum(sum[:0]))
	return encoded
}
