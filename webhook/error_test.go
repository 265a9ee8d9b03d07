package webhook_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"testing"

	"github.com/postrider/postrider/webhook"
)

func TestAnErrorIsOfItsKindThroughWrapping(t *testing.T) {
	t.Parallel()
	kinds := []webhook.Kind{
		webhook.NotFound, webhook.Conflict, webhook.Invalid, webhook.Unauthorized,
		webhook.Forbidden, webhook.TooLarge, webhook.RateLimited, webhook.Unavailable,
	}
	for _, kind := range kinds {
		err := fmt.Errorf("load event evt_1: %w", webhook.Errorf(kind, "", "no %s", "luck"))
		for _, other := range kinds {
			if got := errors.Is(err, other); got != (kind == other) {
				t.Errorf("%s is %s: %t", kind, other, got)
			}
		}
		e, ok := webhook.AsError(err)
		if !ok || e.Kind != kind || e.Detail != "no luck" {
			t.Errorf("%s: got %+v, %t", kind, e, ok)
		}
	}
	if _, ok := webhook.AsError(io.EOF); ok {
		t.Error("io.EOF is taken for one of ours")
	}
}

func TestAnErrorGivesItsCauseToLogs(t *testing.T) {
	t.Parallel()
	err := &webhook.Error{
		Kind: webhook.Invalid, Detail: "some fields are not valid", Cause: io.ErrUnexpectedEOF,
		Fields: []webhook.FieldError{{Field: "policy.timeout", Detail: "must be between 1s and 1m"}},
	}
	if want := "some fields are not valid: policy.timeout must be between 1s and 1m: unexpected EOF"; err.Error() != want {
		t.Errorf("got %q", err.Error())
	}
	if !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Error("the cause is not in the chain")
	}
	if got := (&webhook.Error{Kind: webhook.NotFound}).Error(); got != "not_found" {
		t.Errorf("without a detail: %q", got)
	}
}

func TestInvalidFieldsIsNilWithoutFaults(t *testing.T) {
	t.Parallel()
	if err := webhook.InvalidFields(nil); err != nil {
		t.Errorf("got %v", err)
	}
	err := webhook.InvalidFields([]webhook.FieldError{{Field: "url", Detail: "must start with https://"}})
	if e, ok := webhook.AsError(err); !ok || !errors.Is(err, webhook.Invalid) || len(e.Fields) != 1 {
		t.Errorf("got %v", err)
	}
}

func TestASecretValueNeverShows(t *testing.T) {
	t.Parallel()
	secret := webhook.Secret{ID: "sec_1", Value: "whsec_hidden"}
	var log bytes.Buffer
	for _, handler := range []slog.Handler{slog.NewTextHandler(&log, nil), slog.NewJSONHandler(&log, nil)} {
		slog.New(handler).Info("secret", "value", secret.Value, "secret", secret)
	}
	for _, text := range []string{
		log.String(), fmt.Sprint(secret.Value), fmt.Sprintf("%v %+v %s %q", secret, secret, secret, secret.Value), fmt.Sprintf("%#v", secret),
	} {
		if strings.Contains(text, "hidden") {
			t.Errorf("it shows in %q", text)
		}
	}
}
