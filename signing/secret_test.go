package signing_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/postrider/postrider/signing"
)

func TestNewSecretsParseAndDiffer(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for range 100 {
		secret := signing.NewSecret()
		if seen[secret] {
			t.Fatalf("%s was made twice", secret)
		}
		seen[secret] = true
		mustParse(t, secret)
		raw, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(secret, signing.SecretPrefix))
		if err != nil || len(raw) != 32 {
			t.Fatalf("holds %d bytes (%v), want 32", len(raw), err)
		}
	}
}

func TestParseSecret(t *testing.T) {
	t.Parallel()
	of := func(n int) string {
		return signing.SecretPrefix + base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{0xfb}, n))
	}
	tests := []struct {
		name, secret string
		want         string // in the error; empty: no error
	}{
		{"24 bytes are enough", of(24), ""},
		{"64 bytes are not too many", of(64), ""},
		{"23 bytes are too few", of(23), "holds 23 bytes, must be 24 to 64"},
		{"65 bytes are too many", of(65), "holds 65 bytes, must be 24 to 64"},
		{"an empty secret has no prefix", "", "must start with whsec_"},
		{"the prefix alone holds nothing", "whsec_", "holds 0 bytes"},
		{"base64 alone has no prefix", strings.TrimPrefix(of(32), "whsec_"), "must start with whsec_"},
		{"the prefix counts in lower case only", strings.Replace(of(32), "whsec_", "WHSEC_", 1), "must start with whsec_"},
		{"an asymmetric secret is not one of ours", "whsk_" + strings.TrimPrefix(of(32), "whsec_"), "must start with whsec_"},
		{"URL-safe base64 is not standard base64", strings.ReplaceAll(of(24), "+", "-"), "not padded standard base64"},
		{"padding may not be left out", strings.TrimRight(of(25), "="), "not padded standard base64"},
		{"a space at the end is a bad copy", of(32) + " ", "not padded standard base64"},
		{"a line end is a bad copy", of(32) + "\n", "contains a line end"},
		{"bits after the last byte are not base64 that anyone wrote", of(25)[:len(of(25))-3] + "x==", "not padded standard base64"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, err := signing.ParseSecret(tt.secret)
			if tt.want == "" {
				if err != nil {
					t.Fatalf("got %v, want no error", err)
				}
				return
			}
			if !errors.Is(err, signing.ErrInvalidSecret) || !strings.Contains(err.Error(), tt.want) {
				t.Fatalf("got %v, want an ErrInvalidSecret with %q", err, tt.want)
			}
			if hidden := strings.TrimPrefix(tt.secret, "whsec_"); len(hidden) > 8 && strings.Contains(err.Error(), hidden[:8]) {
				t.Errorf("the error shows the secret: %v", err)
			}
		})
	}
}

func TestAKeyNeverShows(t *testing.T) {
	t.Parallel()
	raw := []byte("0123456789abcdef0123456789abcdef")
	key := mustParse(t, signing.SecretPrefix+base64.StdEncoding.EncodeToString(raw))
	holder := struct{ Key signing.Key }{key}

	var log bytes.Buffer
	logger := slog.New(slog.NewJSONHandler(&log, nil))
	logger.Info("key", "key", key, "holder", holder)
	encoded, err := json.Marshal(holder)
	if err != nil {
		t.Fatal(err)
	}
	shown := map[string]string{"slog": log.String(), "JSON": string(encoded), "String": key.String(), "GoString": key.GoString()}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%c", "%U"} {
		shown["key "+verb] = fmt.Sprintf(verb, key)
		shown["pointer "+verb] = fmt.Sprintf(verb, &key)
		shown["holder "+verb] = fmt.Sprintf(verb, holder)
		shown["slice "+verb] = fmt.Sprintf(verb, []signing.Key{key})
	}
	for how, text := range shown {
		if !strings.Contains(text, "[redacted]") {
			t.Errorf("%s shows %q", how, text)
		}
		for _, trace := range []string{"0123", "303132", "48 49", base64.StdEncoding.EncodeToString(raw)[:8]} {
			if strings.Contains(text, trace) {
				t.Errorf("%s shows the key: %q", how, text)
			}
		}
	}
}

func TestSecretsAreParsedInTheirOrderOrNotAtAll(t *testing.T) {
	t.Parallel()
	first, second := signing.NewSecret(), signing.NewSecret()
	keys, err := signing.ParseSecrets(first, second)
	if err != nil || len(keys) != 2 {
		t.Fatalf("got %d keys, %v", len(keys), err)
	}
	for i, secret := range []string{first, second} {
		key, err := signing.ParseSecret(secret)
		if at := time.Unix(1, 0); err != nil || signing.Sign("e", at, nil, keys[i]) != signing.Sign("e", at, nil, key) {
			t.Errorf("key %d is another, %v", i, err)
		}
	}
	if keys, err := signing.ParseSecrets(first, "short"); !errors.Is(err, signing.ErrInvalidSecret) || keys != nil {
		t.Errorf("got %d keys, %v, want the error of the second", len(keys), err)
	}
}
