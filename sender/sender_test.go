package sender_test

import (
	"bytes"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/postrider/postrider/sender"
	"github.com/postrider/postrider/signing"
	"github.com/postrider/postrider/webhook"
)

const traceParent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

func TestTheReceiverGetsASignedPOST(t *testing.T) {
	t.Parallel()
	for name, start := range map[string]func(*httptest.Server){
		"over HTTP/1.1":             (*httptest.Server).Start,
		"over HTTP/1.1 with TLS":    (*httptest.Server).StartTLS,
		"over HTTP/2, when offered": overHTTP2,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := receive(t, status(http.StatusNoContent), start)
			config := sender.Config{Version: "1.2.3"}
			if r.Certificate() != nil {
				config.RootCAs = trusting(r)
			}
			request := requestTo(t, r.URL+"/hooks?a=b")
			request.TraceParent = traceParent
			request.Headers = map[string]string{"X-Tenant": "acme", "authorization": "Bearer abc"}
			got := newSender(t, config).Send(t.Context(), request)
			if got.Outcome != webhook.OutcomeDelivered || got.Status != http.StatusNoContent || got.ErrorClass != "" || got.Error != "" {
				t.Fatalf("got %+v", got)
			}

			seen := r.only(t)
			if want := strings.Contains(name, "HTTP/2"); (seen.ProtoMajor == 2) != want {
				t.Errorf("it came by %s", seen.Proto)
			}
			if seen.Method != http.MethodPost || seen.URL.RequestURI() != "/hooks?a=b" || string(seen.body) != testBody {
				t.Errorf("got %s %s %q", seen.Method, seen.URL, seen.body)
			}
			if seen.ContentLength != int64(len(testBody)) || seen.TransferEncoding != nil {
				t.Errorf("length %d, transfer encoding %v", seen.ContentLength, seen.TransferEncoding)
			}
			if err := signing.Verify(testSecret, seen.Header, seen.body); err != nil {
				t.Errorf("the signature does not verify: %v", err)
			}
			want := http.Header{
				"Content-Type": {"application/json"}, "Content-Length": {"24"}, "User-Agent": {"Postrider/1.2.3"}, "Traceparent": {traceParent},
				"X-Tenant": {"acme"}, "Authorization": {"Bearer abc"}, "Webhook-Id": {testID},
				"Webhook-Timestamp": seen.Header["Webhook-Timestamp"], "Webhook-Signature": seen.Header["Webhook-Signature"],
			}
			if diff := cmp.Diff(want, seen.Header); diff != "" { // so nothing else either, as accept-encoding
				t.Error(diff)
			}
		})
	}
}

func TestTheRequestHeadersAreKeptWithoutCredentials(t *testing.T) {
	t.Parallel()
	r := receive(t, status(http.StatusOK))
	at := time.Unix(1700000000, 123)
	s := newSender(t, sender.Config{Now: func() time.Time { return at }})
	request := requestTo(t, r.URL)
	request.Headers = map[string]string{"X-Tenant": "acme", "Authorization": "Bearer abc", "X-Api-Key": "k", "Cookie": "c", "X-Token": "t"}
	got := s.Send(t.Context(), request)
	want := map[string]string{
		"content-type": "application/json", "user-agent": "Postrider/dev", "x-tenant": "acme", "authorization": "[redacted]",
		"x-api-key": "[redacted]", "cookie": "[redacted]", "x-token": "[redacted]", "webhook-id": testID, "webhook-timestamp": "1700000000",
		"webhook-signature": signing.Sign(testID, at, []byte(testBody), request.Keys...),
	}
	if diff := cmp.Diff(want, got.RequestHeaders); diff != "" {
		t.Error(diff)
	}
	if !got.StartedAt.Equal(at) || got.Duration != 0 {
		t.Errorf("started at %v, took %v", got.StartedAt, got.Duration)
	}
	if sent := r.only(t).Header.Get("Authorization"); sent != "Bearer abc" {
		t.Errorf("the receiver got authorization %q", sent)
	}
}

func TestEndpointHeadersNeverReplaceOurs(t *testing.T) {
	t.Parallel()
	r := receive(t, status(http.StatusOK))
	request := requestTo(t, r.URL)
	request.TraceParent = traceParent
	request.Headers = map[string]string{"content-type": "text/plain", "X-Bad": "a\r\nX-Injected: b", "X Bad": "c"}
	for _, name := range reservedHeaders() {
		request.Headers[name] = "forged"
	}
	got := newSender(t, sender.Config{}).Send(t.Context(), request)
	if got.Outcome != webhook.OutcomeDelivered {
		t.Fatalf("got %+v", got)
	}
	seen := r.only(t)
	if err := signing.Verify(testSecret, seen.Header, seen.body); err != nil {
		t.Errorf("the signature does not verify: %v", err)
	}
	if "http://"+seen.Host != r.URL || seen.Header.Get("Content-Type") != "text/plain" {
		t.Errorf("host %q, content type %q", seen.Host, seen.Header.Get("Content-Type"))
	}
	for name, values := range seen.Header {
		for _, value := range values {
			if value == "forged" || name == "X-Injected" || name == "X-Bad" {
				t.Errorf("the receiver got %s: %s", name, value)
			}
		}
	}
	for name, value := range got.RequestHeaders {
		if value == "forged" {
			t.Errorf("%s: %s is said to have been sent", name, value)
		}
	}
}

func TestAnEmptyBodyAndSeveralKeys(t *testing.T) {
	t.Parallel()
	r := receive(t, status(http.StatusOK))
	request := requestTo(t, r.URL)
	second, err := signing.ParseSecret(signing.NewSecret())
	if err != nil {
		t.Fatal(err)
	}
	request.Body, request.Keys = nil, append(request.Keys, second)
	newSender(t, sender.Config{}).Send(t.Context(), request)
	seen := r.only(t)
	if seen.ContentLength != 0 || len(strings.Fields(seen.Header.Get(signing.HeaderSignature))) != 2 {
		t.Errorf("length %d, signatures %q", seen.ContentLength, seen.Header.Get(signing.HeaderSignature))
	}
	for _, key := range request.Keys {
		if err := signing.NewVerifier([]signing.Key{key}).Verify(seen.Header, nil); err != nil {
			t.Error(err)
		}
	}
}

func TestRedirectsAreNotFollowed(t *testing.T) {
	t.Parallel()
	elsewhere := receive(t, status(http.StatusOK))
	for _, code := range []int{301, 302, 303, 307, 308} {
		r := receive(t, func(w http.ResponseWriter, req *http.Request) { http.Redirect(w, req, elsewhere.URL, code) })
		got := newSender(t, sender.Config{}).Send(t.Context(), requestTo(t, r.URL))
		if got.Outcome != webhook.OutcomeRejected || got.Status != code || !strings.Contains(got.Error, "redirects are not followed") {
			t.Errorf("%d: got %+v", code, got)
		}
	}
	if n := len(elsewhere.all()); n != 0 {
		t.Errorf("%d redirects were followed", n)
	}
}

func TestConnectionsAreReused(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name        string
		answer      http.HandlerFunc
		start       func(*httptest.Server)
		connections int64
	}{
		{"after an answer without a body", status(http.StatusNoContent), (*httptest.Server).Start, 1},
		{"after a refusal", func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "no", http.StatusTeapot) }, (*httptest.Server).Start, 1},
		{"after a body of 60 KiB, read to its end", answering(60 << 10), (*httptest.Server).Start, 1},
		{"but not after one of 1 MiB", answering(1 << 20), (*httptest.Server).Start, 5},
		{"over TLS", answering(100), (*httptest.Server).StartTLS, 1},
		{"over HTTP/2, whatever the size", answering(1 << 20), overHTTP2, 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var connections atomic.Int64
			r := receive(t, tt.answer, func(s *httptest.Server) {
				s.Config.ConnState = func(_ net.Conn, state http.ConnState) {
					if state == http.StateNew {
						connections.Add(1)
					}
				}
				tt.start(s)
			})
			config := sender.Config{}
			if r.Certificate() != nil {
				config.RootCAs = trusting(r)
			}
			s := newSender(t, config)
			for range 5 {
				if got := s.Send(t.Context(), requestTo(t, r.URL)); got.Status == 0 {
					t.Fatalf("got %+v", got)
				}
			}
			if got := connections.Load(); got != tt.connections {
				t.Errorf("5 requests took %d connections, want %d", got, tt.connections)
			}
		})
	}
}

// answering sends that many bytes.
func answering(size int) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", strconv.Itoa(size))
		_, _ = w.Write(bytes.Repeat([]byte("a"), size))
	}
}

func BenchmarkSend(b *testing.B) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) }))
	defer server.Close()
	s := newSender(b, sender.Config{})
	request := requestTo(b, server.URL)
	request.Body = bytes.Repeat([]byte("a"), 1024)
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if got := s.Send(b.Context(), request); got.Outcome != webhook.OutcomeDelivered {
				b.Errorf("got %+v", got)
				return
			}
		}
	})
}
