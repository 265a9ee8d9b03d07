package receiver_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/postrider/postrider/internal/testkit/receiver"
	"github.com/postrider/postrider/signing"
)

func start(t *testing.T, cfg receiver.Config) *receiver.Receiver {
	t.Helper()
	r, err := receiver.Start(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	})
	return r
}

// post sends body as the event id, signed if a secret is given, and returns the answer, whose body is
// closed already.
func post(ctx context.Context, t *testing.T, url, id, body, secret string) (*http.Response, error) {
	t.Helper()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set(signing.HeaderID, id)
	if secret != "" {
		key, err := signing.ParseSecret(secret)
		if err != nil {
			t.Fatal(err)
		}
		now := time.Now()
		request.Header.Set(signing.HeaderTimestamp, signing.FormatTimestamp(now))
		request.Header.Set(signing.HeaderSignature, signing.Sign(id, now, []byte(body), key))
	}
	response, err := http.DefaultClient.Do(request) //nolint:forbidigo // the test's context bounds it
	if err == nil {
		_ = response.Body.Close()
	}
	return response, err
}

// status is that of the answer to a signed event.
func status(t *testing.T, url, id, secret string) int {
	t.Helper()
	response, err := post(t.Context(), t, url, id, `{ "n" : 1 }`, secret)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode
}

func TestRequestsAreKeptAsTheyCame(t *testing.T) {
	t.Parallel()
	r := start(t, receiver.Config{})
	before := time.Now()
	status(t, r.URL("/a"), "e1", "")
	got := r.RequestsOf("e1")
	if len(got) != 1 || len(r.RequestsOf("e2")) != 0 {
		t.Fatalf("got %+v", got)
	}
	if q := got[0]; q.Path != "/a" || q.Number != 1 || string(q.Body) != `{ "n" : 1 }` || q.Header.Get("Webhook-Id") != "e1" || q.ReceivedAt.Before(before) || q.Fault != nil {
		t.Errorf("got %+v", q)
	}
}

func TestBodiesCanBeForgotten(t *testing.T) {
	t.Parallel()
	secret := signing.NewSecret()
	r := start(t, receiver.Config{DropBodies: true})
	if err := r.Trust("/a", secret); err != nil {
		t.Fatal(err)
	}
	if got := status(t, r.URL("/a"), "e1", secret); got != 200 || r.Requests()[0].Body != nil {
		t.Errorf("got %d, %+v", got, r.Requests())
	}
}

func TestASequenceIsFollowedForEachDeliveryByItself(t *testing.T) {
	t.Parallel()
	r := start(t, receiver.Config{Script: receiver.Statuses(503, 429, 204)})
	for _, id := range []string{"e1", "e2"} {
		for _, path := range []string{"/a", "/b"} {
			var got []int
			for range 4 {
				got = append(got, status(t, r.URL(path), id, ""))
			}
			if got[0] != 503 || got[1] != 429 || got[2] != 204 || got[3] != 204 {
				t.Errorf("%s at %s: got %v", id, path, got)
			}
		}
	}
	want := receiver.Summary{Requests: 16, Answered: 16, Accepted: 8, Deliveries: 4, Duplicates: 4}
	if got := r.Summary(); got != want {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	if got := r.Accepted("/a", "e1"); got != 2 {
		t.Errorf("accepted %d times", got)
	}
}

func TestScriptsGoByPathAndByEvent(t *testing.T) {
	t.Parallel()
	r := start(t, receiver.Config{Script: receiver.ByPath(map[string]receiver.Script{
		"/a": receiver.Always(receiver.Answer{Status: 410}),
		"/b": receiver.ByID(map[string]receiver.Script{"e1": receiver.Statuses(500)}, receiver.Always(receiver.Answer{})),
	})})
	for _, tc := range []struct {
		path, id string
		want     int
	}{{"/a", "e1", 410}, {"/b", "e1", 500}, {"/b", "e2", 200}, {"/c", "e1", 404}} {
		if got := status(t, r.URL(tc.path), tc.id, ""); got != tc.want {
			t.Errorf("%s at %s: got %d, want %d", tc.id, tc.path, got, tc.want)
		}
	}
}

func TestABadSignatureIsRefusedAndCounted(t *testing.T) {
	t.Parallel()
	secret := signing.NewSecret()
	r := start(t, receiver.Config{})
	if err := r.Trust("/a", secret); err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		name, secret string
		want         int
	}{{"signed", secret, 200}, {"signed with another secret", signing.NewSecret(), 401}, {"not signed", "", 401}} {
		if got := status(t, r.URL("/a"), "e1", tc.secret); got != tc.want {
			t.Errorf("%s: got %d, want %d", tc.name, got, tc.want)
		}
	}
	if got := r.Summary(); got.BadSignatures != 2 || got.Accepted != 1 {
		t.Errorf("got %+v", got)
	}
	if fault := r.Requests()[1].Fault; !errors.Is(fault, signing.ErrNoMatchingSignature) {
		t.Errorf("got %v", fault)
	}
	if err := r.Trust("/a"); err != nil {
		t.Fatal(err)
	}
	if got := status(t, r.URL("/a"), "e1", ""); got != 200 {
		t.Errorf("with nothing trusted: got %d", got)
	}
	if err := r.Trust("/a", "no secret"); err == nil {
		t.Error("trusted what is no secret")
	}
}

func TestRetryAfterAndHeadersAreSent(t *testing.T) {
	t.Parallel()
	r := start(t, receiver.Config{Script: receiver.Always(receiver.Answer{Status: 429, RetryAfter: "2", Header: http.Header{"X-Note": {"busy"}}})})
	response, err := post(t.Context(), t, r.URL("/"), "e1", "{}", "")
	if err != nil {
		t.Fatal(err)
	}
	if h := response.Header; h.Get("Retry-After") != "2" || h.Get("X-Note") != "busy" {
		t.Errorf("got %v", h)
	}
}

func TestADroppedConnectionGivesNoAnswer(t *testing.T) {
	t.Parallel()
	r := start(t, receiver.Config{Script: receiver.Always(receiver.Answer{Drop: true})})
	if response, err := post(t.Context(), t, r.URL("/"), "e1", "{}", ""); err == nil {
		t.Errorf("answered %s", response.Status)
	}
	if got := r.Summary(); got != (receiver.Summary{Requests: 1}) {
		t.Errorf("got %+v", got)
	}
}

func TestCloseEndsWhatHangs(t *testing.T) {
	t.Parallel()
	r := start(t, receiver.Config{Script: receiver.Always(receiver.Answer{Hang: true})})
	sent := make(chan error, 1)
	go func() {
		_, err := post(t.Context(), t, r.URL("/"), "e1", "{}", "")
		sent <- err
	}()
	if err := r.Await(t.Context(), func(s receiver.Summary) bool { return s.Requests == 1 }); err != nil {
		t.Fatal(err)
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	if err := <-sent; err == nil {
		t.Error("it was answered")
	}
}

func TestAwaitEndsWithItsContextAndSaysWhatCame(t *testing.T) {
	t.Parallel()
	r := start(t, receiver.Config{})
	status(t, r.URL("/"), "e1", "")
	if err := r.AwaitDeliveries(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	err := r.AwaitDeliveries(ctx, 2)
	if !errors.Is(err, context.Canceled) || !strings.Contains(err.Error(), "Deliveries:1") {
		t.Errorf("got %v", err)
	}
}

func TestADelayedAnswerComesLater(t *testing.T) {
	t.Parallel()
	const delay = 30 * time.Millisecond
	r := start(t, receiver.Config{Script: receiver.Always(receiver.Answer{Delay: delay})})
	begun := time.Now()
	if got := status(t, r.URL("/"), "e1", ""); got != 200 || time.Since(begun) < delay {
		t.Errorf("got %d after %s", got, time.Since(begun))
	}
}
