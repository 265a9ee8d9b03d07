package sender

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/postrider/postrider/webhook"
)

// Limits of an endpoint's own headers.
const (
	MaxHeaders          = 32
	MaxHeaderNameBytes  = 128
	MaxHeaderValueBytes = 4096
)

// CheckHeaders names, as "headers.<name>" and in the order of the names, each of an endpoint's own
// headers that may not be sent.
func CheckHeaders(headers map[string]string) []webhook.FieldError {
	var faults []webhook.FieldError
	if len(headers) > MaxHeaders {
		faults = append(faults, webhook.FieldError{
			Field: "headers", Detail: fmt.Sprintf("must not be more than %d", MaxHeaders),
		})
	}
	seen := make(map[string]bool, len(headers))
	for _, name := range slices.Sorted(maps.Keys(headers)) {
		err := CheckHeader(name, headers[name])
		if lower := strings.ToLower(name); err == nil && seen[lower] {
			err = errors.New("is there twice, in different case")
		} else {
			seen[lower] = true
		}
		if err != nil {
			faults = append(faults, webhook.FieldError{Field: "headers." + name, Detail: err.Error()})
		}
	}
	return faults
}

// CheckHeader is nil if an endpoint may have the header sent with every request. The error's text
// is safe for users and does not repeat the value. Postrider's own headers, those that belong to
// the connection or the body, and those that would change how the request is made are refused.
func CheckHeader(name, value string) error {
	switch {
	case name == "":
		return errors.New("must have a name")
	case len(name) > MaxHeaderNameBytes:
		return fmt.Errorf("must not have a name longer than %d bytes", MaxHeaderNameBytes)
	case !isToken(name):
		return errors.New("must have a name of letters, digits and -_.!#$%&'*+^`|~")
	case reserved(name):
		return errors.New("is set by Postrider and cannot be replaced")
	case len(value) > MaxHeaderValueBytes:
		return fmt.Errorf("must not have a value longer than %d bytes", MaxHeaderValueBytes)
	case !utf8.ValidString(value):
		return errors.New("must have a value in UTF-8")
	case strings.Trim(value, " \t") != value:
		return errors.New("must not have spaces around its value")
	}
	for i := range len(value) { // RFC 9110 §5.5
		if c := value[i]; c < ' ' && c != '\t' || c == 0x7f {
			return errors.New("must not have control characters in its value")
		}
	}
	return nil
}

// reserved reports whether the name, a token, is none of the endpoint's business.
func reserved(name string) bool {
	lower := strings.ToLower(name)
	if strings.HasPrefix(lower, "webhook-") || strings.HasPrefix(lower, "proxy-") {
		return true
	}
	switch lower {
	case "user-agent", "traceparent", "tracestate":
		return true
	case "host", "content-length", "content-encoding", "accept-encoding", "expect", "date":
		return true
	case "connection", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade", "http2-settings":
		return true
	case "idempotency-key", "x-idempotency-key": // net/http would repeat requests that have one by itself
		return true
	}
	return false
}

// sensitive reports whether the value of a header with this name is better not kept.
func sensitive(name string) bool {
	lower := strings.ToLower(name)
	for _, word := range []string{"auth", "cookie", "token", "secret", "passw", "credential", "key", "signature", "session"} {
		if strings.Contains(lower, word) {
			return true
		}
	}
	return false
}

// isToken reports whether the name is a token (RFC 9110 §5.6.2).
func isToken(name string) bool {
	for i := range len(name) {
		c := name[i]
		alphanumeric := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
		if !alphanumeric && strings.IndexByte("!#$%&'*+-.^_`|~", c) < 0 {
			return false
		}
	}
	return name != ""
}
