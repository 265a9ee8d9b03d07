package keys

import (
	"bytes"
	"encoding/hex"
)

// A string ends in 0x00 0x01. A zero byte in it is written 0x00 0xff, which sorts after the end of a string.
const (
	escape     = 0x00
	terminator = 0x01
	zeroByte   = 0xff
)

// AppendString appends s, whatever bytes it has.
func AppendString(key []byte, s string) []byte {
	return append(AppendStringPrefix(key, s), escape, terminator)
}

// AppendStringPrefix appends the beginning of a string: of all strings that begin with s.
func AppendStringPrefix(key []byte, s string) []byte {
	for i := range len(s) {
		if key = append(key, s[i]); s[i] == escape {
			key = append(key, zeroByte)
		}
	}
	return key
}

// CutString is the opposite of AppendString.
func CutString(key []byte) (s string, rest []byte, err error) {
	var b []byte
	for {
		i := bytes.IndexByte(key, escape)
		if i < 0 || i+1 == len(key) {
			return "", nil, ErrMalformed
		}
		switch key[i+1] {
		case terminator:
			if b == nil {
				return string(key[:i]), key[i+2:], nil
			}
			return string(append(b, key[:i]...)), key[i+2:], nil
		case zeroByte:
			b = append(b, key[:i+1]...)
			key = key[i+2:]
		default:
			return "", nil, ErrMalformed
		}
	}
}

// An ID begins with a byte that says how it is written.
const (
	asUUID   = 0x01 // sixteen bytes
	asString = 0x02
)

// AppendID appends a namespace's, run's or tree's ID: a UUID in its usual form in seventeen bytes, anything else as a
// string. The order among UUIDs is theirs as strings.
func AppendID(key []byte, id string) []byte {
	n := len(key)
	if uuid, ok := appendUUID(append(key, asUUID), id); ok {
		return uuid
	}
	return AppendString(append(key[:n], asString), id)
}

// CutID is the opposite of AppendID.
func CutID(key []byte) (id string, rest []byte, err error) {
	switch {
	case len(key) > 16 && key[0] == asUUID:
		return formatUUID(key[1:17]), key[17:], nil
	case len(key) > 0 && key[0] == asString:
		return CutString(key[1:])
	}
	return "", nil, ErrMalformed
}

const uuidLength = 36

func isDash(i int) bool { return i == 8 || i == 13 || i == 18 || i == 23 }

// appendUUID takes lower-case digits only, so that CutID gives back what AppendID got.
func appendUUID(key []byte, s string) ([]byte, bool) {
	if len(s) != uuidLength {
		return key, false
	}
	for i := 0; i < uuidLength; {
		if isDash(i) {
			if s[i] != '-' {
				return key, false
			}
			i++
			continue
		}
		high, low := hexDigit(s[i]), hexDigit(s[i+1])
		if high > 15 || low > 15 {
			return key, false
		}
		key = append(key, high<<4|low)
		i += 2
	}
	return key, true
}

func hexDigit(c byte) byte {
	switch {
	case c >= '0' && c <= '9':
		return c - '0'
	case c >= 'a' && c <= 'f':
		return c - 'a' + 10
	}
	return 0xff
}

func formatUUID(b []byte) string {
	s := make([]byte, 0, uuidLength)
	s = append(hex.AppendEncode(s, b[:4]), '-')
	s = append(hex.AppendEncode(s, b[4:6]), '-')
	s = append(hex.AppendEncode(s, b[6:8]), '-')
	s = append(hex.AppendEncode(s, b[8:10]), '-')
	return string(hex.AppendEncode(s, b[10:]))
}
