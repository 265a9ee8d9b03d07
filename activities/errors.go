package activities

import (
	"fmt"
	"time"

	"go.temporal.io/sdk/temporal"

	"github.com/postrider/postrider/webhook"
)

// Types of the application errors that Temporal shows. In stored histories: never rename.
const (
	AttemptFailedType = "AttemptFailed" // an attempt was refused or found nobody
	UnavailableType   = "Unavailable"   // our own store did not answer

	OutcomeUnknownType = "OutcomeUnknown" // an attempt was made and nobody knows what came of it
)

// AttemptFailure is the detail of an AttemptFailed error.
type AttemptFailure struct {
	V          int                `json:"v"`
	Attempt    int                `json:"attempt"`
	Status     int                `json:"status,omitempty"`
	ErrorClass webhook.ErrorClass `json:"error_class,omitempty"`
}

// attemptFailed reports the delivery's last attempt. delay 0 leaves it to the retry policy. It is
// benign to Temporal: a receiver that refuses is no fault of this worker's.
func attemptFailed(d webhook.Delivery, delay time.Duration) error {
	return temporal.NewApplicationErrorWithOptions(attemptMessage(d), AttemptFailedType, temporal.ApplicationErrorOptions{
		NextRetryDelay: delay,
		Category:       temporal.ApplicationErrorCategoryBenign,
		Details:        []any{attemptDetail(d)},
	})
}

// lastAttemptFailed reports an attempt after which there is no other.
func lastAttemptFailed(d webhook.Delivery) error {
	return temporal.NewApplicationErrorWithOptions(attemptMessage(d), AttemptFailedType, temporal.ApplicationErrorOptions{
		NonRetryable: true,
		Category:     temporal.ApplicationErrorCategoryBenign,
		Details:      []any{attemptDetail(d)},
	})
}

// unrecorded reports an attempt that was made and not committed: it counts, as if the worker had died.
func unrecorded(d webhook.Delivery, cause error) error {
	return temporal.NewApplicationErrorWithOptions(
		fmt.Sprintf("attempt %d: its outcome could not be recorded", d.Attempts+1), OutcomeUnknownType,
		temporal.ApplicationErrorOptions{Cause: cause})
}

// spent ends the activity of a delivery whose last attempts were begun and never recorded.
func spent(d webhook.Delivery) error {
	return temporal.NewApplicationErrorWithOptions(
		fmt.Sprintf("attempt %d: the worker stopped while it was under way", d.Budget), OutcomeUnknownType,
		temporal.ApplicationErrorOptions{NonRetryable: true})
}

// failure is our own trouble in a local activity; the workflow parks and is woken later.
func failure(doing string, err error) error {
	return temporal.NewApplicationErrorWithOptions(doing, UnavailableType, temporal.ApplicationErrorOptions{
		NonRetryable: true,
		Cause:        err,
	})
}

func attemptDetail(d webhook.Delivery) AttemptFailure {
	return AttemptFailure{V: ResultVersion, Attempt: d.Attempts, Status: d.LastStatus, ErrorClass: d.LastErrorClass}
}

func attemptMessage(d webhook.Delivery) string {
	switch {
	case d.LastStatus != 0:
		return fmt.Sprintf("attempt %d: HTTP %d", d.Attempts, d.LastStatus)
	case d.LastError != "":
		return fmt.Sprintf("attempt %d: %s", d.Attempts, d.LastError)
	default:
		return fmt.Sprintf("attempt %d: %s", d.Attempts, d.LastErrorClass)
	}
}
