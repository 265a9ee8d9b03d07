package receiver_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/postrider/postrider/bench/internal/payload"
	"github.com/postrider/postrider/bench/internal/receiver"
	"github.com/postrider/postrider/signing"
)

const size = 200

// deliver posts data as a webhook signed with the secret.
func deliver(t *testing.T, url, id, secret string, data []byte) {
	t.Helper()
	key, err := signing.ParseSecret(secret)
	if err != nil {
		t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, strings.NewReader(string(data)))
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	req.Header.Set(signing.HeaderID, id)
	req.Header.Set(signing.HeaderTimestamp, signing.FormatTimestamp(now))
	req.Header.Set(signing.HeaderSignature, signing.Sign(id, now, data, key))
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	if err := resp.Body.Close(); err != nil || resp.StatusCode != http.StatusNoContent {
		t.Errorf("%s: %v", resp.Status, err)
	}
}

func TestEveryRequestIsNotedWithItsTimesAndWhetherItIsIntact(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(receiver.New(size))
	defer server.Close()
	client := receiver.NewClient(server.URL)
	secret := signing.NewSecret()
	if err := client.SetSecret(t.Context(), secret); err != nil {
		t.Fatal(err)
	}

	sent := payload.Now()
	data := payload.Append(nil, sent, size)
	deliver(t, client.URL(receiver.AlivePath), "evt_1", secret, data)
	deliver(t, client.URL(receiver.AlivePath), "evt_1", secret, data)
	deliver(t, client.URL(receiver.AlivePath), "evt_2", signing.NewSecret(), data)
	deliver(t, client.URL(receiver.AlivePath), "evt_3", secret, data[:size-1])

	if n, err := client.Count(t.Context()); n != 3 || err != nil {
		t.Errorf("%d different events, %v; want 3", n, err)
	}
	receipts, err := client.Receipts(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, r := range receipts {
		if r.Intact && (r.SentNS != sent || r.ReceivedNS < sent || r.ReceivedNS > payload.Now()) {
			t.Errorf("sent at %d, but the receipt is %+v", sent, r)
		}
		got = append(got, r.EventID+map[bool]string{true: " intact", false: " broken"}[r.Intact])
	}
	if want := "evt_1 intact, evt_1 intact, evt_2 broken, evt_3 broken"; strings.Join(got, ", ") != want {
		t.Errorf("got %v, want %s", got, want)
	}
}

func TestAWrongSecretIsRefused(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(receiver.New(size))
	defer server.Close()
	if err := receiver.NewClient(server.URL).SetSecret(t.Context(), "hunter2"); err == nil {
		t.Error("taken")
	}
}
