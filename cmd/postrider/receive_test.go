//go:build e2e

package main

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/postrider/postrider/signing"
)

func TestWhatIsReceivedIsVerifiedAndShown(t *testing.T) {
	t.Parallel()
	secret := signing.NewSecret()
	key, err := signing.ParseSecret(secret)
	if err != nil {
		t.Fatal(err)
	}
	const body = `{"n": 1}`
	now := time.Now()
	for name, tc := range map[string]struct {
		flags     receiveFlags
		signature string
		status    int
		shows     []string
	}{
		"signed":               {receiveFlags{secrets: []string{secret}, status: 202}, signing.Sign("evt_1", now, []byte(body), key), 202, []string{"evt_1", "POST /hooks", "8 bytes", "signature verified", "202", body}},
		"signed by another":    {receiveFlags{secrets: []string{secret}, status: 200}, "v1,bm90IG91cnM=", 401, []string{"401"}},
		"nobody verifies":      {receiveFlags{status: 503}, "", 503, []string{"signature not verified", "503"}},
		"bodies are not shown": {receiveFlags{status: 200, quiet: true}, "", 200, []string{"8 bytes"}},
	} {
		var out strings.Builder
		r, err := tc.flags.receiver(&out)
		if err != nil {
			t.Fatal(err)
		}
		request := httptest.NewRequest(http.MethodPost, "/hooks", strings.NewReader(body))
		request.Header.Set(signing.HeaderID, "evt_1")
		request.Header.Set(signing.HeaderTimestamp, signing.FormatTimestamp(now))
		request.Header.Set(signing.HeaderSignature, tc.signature)
		answer := httptest.NewRecorder()
		r.ServeHTTP(answer, request)
		if answer.Code != tc.status {
			t.Errorf("%s: answered %d, want %d", name, answer.Code, tc.status)
		}
		for _, text := range tc.shows {
			if !strings.Contains(out.String(), text) {
				t.Errorf("%s: %q is not in %q", name, text, out.String())
			}
		}
		if tc.flags.quiet && strings.Contains(out.String(), body) {
			t.Errorf("%s: %q", name, out.String())
		}
	}
}

func TestReceiveRefusesWhatIsNoSecretAndNoStatus(t *testing.T) {
	t.Parallel()
	for flag, f := range map[string]receiveFlags{"--secret": {status: 200, secrets: []string{"short"}}, "--status": {status: 99}} {
		if _, err := f.receiver(new(strings.Builder)); err == nil || !strings.HasPrefix(err.Error(), flag) {
			t.Errorf("got %v, want the name of %s", err, flag)
		}
	}
}
