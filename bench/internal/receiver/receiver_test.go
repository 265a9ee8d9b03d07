package receiver_test

import (
	"fmt"
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

// deliver posts data as a webhook signed with the secret, to which the answer is 204.
func deliver(t *testing.T, url, id, secret string, data []byte) {
	t.Helper()
	if resp := post(t, url, id, secret, data); resp.StatusCode != http.StatusNoContent {
		t.Errorf("%s: %s", id, resp.Status)
	}
}

// post is the answer to a webhook.
func post(t *testing.T, url, id, secret string, data []byte) *http.Response {
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
	if err := resp.Body.Close(); err != nil {
		t.Error(err)
	}
	return resp
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

	if n, err := client.Delivered(t.Context()); n != 3 || err != nil {
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

func TestOneEventInTenFailsAtFirst(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(receiver.New(size))
	defer server.Close()
	client := receiver.NewClient(server.URL)
	url, secret, data := client.URL(receiver.Path(receiver.FlakyPath, 1)), signing.NewSecret(), payload.Append(nil, payload.Now(), size)
	failed := 0
	for i := range 1000 {
		id := fmt.Sprint("evt_", i)
		if !receiver.FailsAtFirst(id) {
			continue
		}
		failed++
		if resp := post(t, url, id, secret, data); resp.StatusCode != http.StatusInternalServerError {
			t.Errorf("%s: %s", id, resp.Status)
		}
		deliver(t, url, id, secret, data)
	}
	if failed < 50 || failed > 200 {
		t.Errorf("%d of 1,000 fail", failed)
	}
	if counts, err := client.Counts(t.Context()); counts != (receiver.Counts{Delivered: failed, Refused: failed}) || err != nil {
		t.Errorf("of %d it counts %+v, %v", failed, counts, err)
	}
}

func TestAnEndpointThatIsDownSaysWhenItReturns(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(receiver.New(size))
	defer server.Close()
	client := receiver.NewClient(server.URL)
	url, secret, data := client.URL(receiver.DownPath), signing.NewSecret(), payload.Append(nil, payload.Now(), size)
	if err := client.Return(t.Context(), 100*time.Second); err != nil {
		t.Fatal(err)
	}
	refused, taken := "", ""
	for i := 0; refused == "" || taken == ""; i++ {
		if id := fmt.Sprint("evt_", i); receiver.TakenMeanwhile(id) {
			taken = id
		} else {
			refused = id
		}
	}
	deliver(t, url, taken, secret, data)
	resp := post(t, url, refused, secret, data)
	if after := resp.Header.Get("Retry-After"); resp.StatusCode != http.StatusServiceUnavailable || after != "100" {
		t.Errorf("%s, Retry-After %q", resp.Status, after)
	}
	if err := client.Return(t.Context(), 0); err != nil {
		t.Fatal(err)
	}
	deliver(t, url, refused, secret, data)
}

func TestAnEndpointThatIsSilentAnswersWhenItReturns(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(receiver.New(size))
	defer server.Close()
	client := receiver.NewClient(server.URL)
	answered := make(chan struct{})
	go func() {
		defer close(answered)
		deliver(t, client.URL(receiver.SilentPath), "evt_1", signing.NewSecret(), payload.Append(nil, payload.Now(), size))
	}()
	select {
	case <-answered:
		t.Fatal("it did not wait")
	case <-time.After(20 * time.Millisecond):
	}
	if err := client.Return(t.Context(), 0); err != nil {
		t.Fatal(err)
	}
	<-answered
}
