package webhook

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// Kind classifies an error; use it with errors.Is.
type Kind string

// Kinds of errors that callers tell apart.
const (
	NotFound     Kind = "not_found"
	Conflict     Kind = "conflict"
	Invalid      Kind = "invalid"
	Unauthorized Kind = "unauthorized"
	Forbidden    Kind = "forbidden"
	TooLarge     Kind = "too_large"
	RateLimited  Kind = "rate_limited"
	Unavailable  Kind = "unavailable"
)

// Error makes a Kind a target for errors.Is.
func (k Kind) Error() string { return string(k) }

// FieldError is one faulty field.
type FieldError struct {
	Field  string // as the caller wrote it, e.g. "policy.timeout" or "[3].type"
	Detail string // safe for users
}

// Error is an error whose Detail may be shown to users; Cause is for logs.
type Error struct {
	Kind       Kind
	Code       string // stable, for programs, e.g. "nothing_to_retry"; empty: the kind
	Detail     string
	Fields     []FieldError
	RetryAfter time.Duration // for RateLimited and Unavailable
	Cause      error
}

// Errorf is an *Error of the given kind with a detail that users may see.
func Errorf(kind Kind, code, format string, args ...any) *Error {
	return &Error{Kind: kind, Code: code, Detail: fmt.Sprintf(format, args...)}
}

// InvalidFields is the Invalid error that names every faulty field, or nil if there are none.
func InvalidFields(faults []FieldError) error {
	if len(faults) == 0 {
		return nil
	}
	return &Error{Kind: Invalid, Code: "invalid_fields", Detail: "some fields are not valid", Fields: faults}
}

// Error joins detail, fields and cause; it is for logs.
func (e *Error) Error() string {
	parts := []string{e.Detail}
	if e.Detail == "" {
		parts[0] = string(e.Kind)
	}
	for _, f := range e.Fields {
		parts = append(parts, f.Field+" "+f.Detail)
	}
	if e.Cause != nil {
		parts = append(parts, e.Cause.Error())
	}
	return strings.Join(parts, ": ")
}

// Is matches the error's kind.
func (e *Error) Is(target error) bool { return target == e.Kind }

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Cause }

// AsError finds the *Error in err's chain.
func AsError(err error) (*Error, bool) {
	var e *Error
	ok := errors.As(err, &e)
	return e, ok
}
