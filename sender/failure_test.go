package sender_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/postrider/postrider/sender"
	"github.com/postrider/postrider/webhook"
)

// answerRaw is a server that reads a request's head, does with the connection what it is told, and
// closes it. It is the receiver that net/http cannot be.
func answerRaw(t *testing.T, do func(net.Conn)) string {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			_ = conn.SetDeadline(time.Now().Add(10 * time.Second))
			do(conn)
			_ = conn.Close()
		}
	}()
	t.Cleanup(func() {
		_ = listener.Close()
		<-done
	})
	return "http://" + listener.Addr().String()
}

func afterHead(write string) func(net.Conn) {
	return func(conn net.Conn) {
		if _, err := http.ReadRequest(bufio.NewReader(conn)); err == nil {
			_, _ = io.WriteString(conn, write)
		}
	}
}

// closedPort is an address on which nothing listens any more.
func closedPort(t *testing.T) string {
	t.Helper()
	server := httptest.NewServer(http.NotFoundHandler())
	server.Close()
	return server.URL
}

func TestEveryFailureHasItsClass(t *testing.T) {
	t.Parallel()
	reset := func(conn net.Conn) {
		if tcp, ok := conn.(*net.TCPConn); ok {
			_, _ = http.ReadRequest(bufio.NewReader(conn))
			_ = tcp.SetLinger(0)
		}
	}
	toTLS := func(url string) string { return strings.Replace(url, "http://", "https://", 1) }
	tests := []struct {
		name  string
		url   func(t *testing.T) string
		class webhook.ErrorClass
		text  string
	}{
		{"nothing listens", closedPort, webhook.ErrorConnectionRefused, "refused"},
		{
			"the host name does not exist", func(*testing.T) string { return "http://does-not-exist.invalid/" },
			webhook.ErrorDNS, "host name",
		},
		{
			"the connection is reset", func(t *testing.T) string { return answerRaw(t, reset) },
			webhook.ErrorConnectionReset, "before an answer came",
		},
		{
			"the connection is closed without a word", func(t *testing.T) string { return answerRaw(t, afterHead("")) },
			webhook.ErrorConnectionReset, "before an answer came",
		},
		{
			"the connection is closed in the middle of the head", func(t *testing.T) string { return answerRaw(t, afterHead("HTTP/1.1 200 OK\r\nX-A: b\r\n")) },
			webhook.ErrorConnectionReset, "before an answer came",
		},
		{
			"the answer is not HTTP", func(t *testing.T) string { return answerRaw(t, afterHead("220 mail.example.com ESMTP\r\n")) },
			webhook.ErrorProtocol, "not valid HTTP",
		},
		{
			"the answer's length is nonsense", func(t *testing.T) string {
				return answerRaw(t, afterHead("HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n"))
			},
			webhook.ErrorProtocol, "not valid HTTP",
		},
		{
			"the answer's head has no end", func(t *testing.T) string {
				return answerRaw(t, afterHead("HTTP/1.1 200 OK\r\nX-A: "+strings.Repeat("a", 100<<10)+"\r\n\r\n"))
			},
			webhook.ErrorProtocol, "not valid HTTP",
		},
		{
			"the port does not speak TLS", func(t *testing.T) string { return toTLS(receive(t, status(http.StatusOK)).URL) },
			webhook.ErrorTLS, "does not speak TLS",
		},
		{
			"the certificate's authority is unknown", func(t *testing.T) string {
				return receive(t, status(http.StatusOK), quietly, (*httptest.Server).StartTLS).URL
			},
			webhook.ErrorTLS, "unknown authority",
		},
		{
			"only TLS 1.1 is spoken", func(t *testing.T) string {
				return receive(t, status(http.StatusOK), quietly, func(s *httptest.Server) {
					s.TLS = &tls.Config{MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11}
					s.StartTLS()
				}).URL
			},
			webhook.ErrorTLS, "handshake",
		},
		{"the URL has another scheme", func(*testing.T) string { return "ftp://127.0.0.1/" }, webhook.ErrorProtocol, "URL"},
		{"the URL is none", func(*testing.T) string { return "http://127.0.0.1:port/" }, webhook.ErrorProtocol, "URL"},
		{"the URL has no host", func(*testing.T) string { return "http:///hooks" }, webhook.ErrorProtocol, "URL"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			url := tt.url(t)
			got := newSender(t, sender.Config{}).Send(t.Context(), requestTo(t, url))
			if got.Outcome != webhook.OutcomeUnreachable || got.Status != 0 || got.ErrorClass != tt.class || !strings.Contains(got.Error, tt.text) {
				t.Fatalf("got %s, %s, %q", got.Outcome, got.ErrorClass, got.Error)
			}
			if strings.Contains(got.Error, "127.0.0.1") || len(got.Error) > 80 {
				t.Errorf("the text tells users too much: %q", got.Error)
			}
		})
	}
}

// quietly keeps the server's complaints about handshakes out of the test's output.
func quietly(s *httptest.Server) { s.Config.ErrorLog = discardLog() }

func TestACertificateForAnotherHostIsRefused(t *testing.T) {
	t.Parallel()
	r := receive(t, status(http.StatusOK), quietly, (*httptest.Server).StartTLS) // its certificate is for 127.0.0.1 and example.com
	url := strings.Replace(r.URL, "127.0.0.1", "localhost", 1)
	got := newSender(t, sender.Config{RootCAs: trusting(r)}).Send(t.Context(), requestTo(t, url))
	if got.ErrorClass != webhook.ErrorTLS || got.Error != "the certificate is not valid for this host" {
		t.Errorf("got %s, %q", got.ErrorClass, got.Error)
	}
}

func TestASilentReceiverTimesOut(t *testing.T) {
	t.Parallel()
	waitForClient := func(conn net.Conn) { _, _ = io.Copy(io.Discard, conn) }
	for name, url := range map[string]string{
		"before the answer":       answerRaw(t, waitForClient),
		"in the TLS handshake":    strings.Replace(answerRaw(t, waitForClient), "http:", "https:", 1),
		"in the middle of a head": answerRaw(t, func(c net.Conn) { afterHead("HTTP/1.1 200 OK\r\nX-")(c); waitForClient(c) }),
	} {
		t.Run(name, func(t *testing.T) {
			request := requestTo(t, url)
			request.Timeout = 50 * time.Millisecond
			got := newSender(t, sender.Config{}).Send(t.Context(), request)
			if got.Outcome != webhook.OutcomeUnreachable || got.ErrorClass != webhook.ErrorTimeout || got.Error != "no answer within 50ms" {
				t.Errorf("got %s, %s, %q", got.Outcome, got.ErrorClass, got.Error)
			}
			if got.Duration < request.Timeout {
				t.Errorf("took %s", got.Duration)
			}
		})
	}
}

func TestACancelledAttemptHasNoKnownOutcome(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	r := receive(t, func(_ http.ResponseWriter, req *http.Request) {
		cancel()
		<-req.Context().Done()
	})
	got := newSender(t, sender.Config{}).Send(ctx, requestTo(t, r.URL))
	if got.Outcome != webhook.OutcomeUnknown || got.ErrorClass != webhook.ErrorOutcomeUnknown {
		t.Errorf("got %+v", got)
	}
}

func TestRefusedAddressesAreNeverDialled(t *testing.T) {
	t.Parallel()
	r := receive(t, status(http.StatusOK))
	elsewhere := sender.Guard{Allow: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}}
	tests := []struct {
		name  string
		guard sender.Guard
		url   string
		text  string
	}{
		{"by address", sender.Guard{}, r.URL, "resolves to a loopback address (127.0.0.1)"},
		{"by name, after DNS", elsewhere, strings.Replace(r.URL, "127.0.0.1", "localhost", 1), "resolves to a loopback address ("},
		{"in its mapped form", sender.Guard{}, strings.Replace(r.URL, "127.0.0.1", "[::ffff:127.0.0.1]", 1), "resolves to a"},
		{"the metadata address in development", sender.Guard{AllowPrivate: true}, "http://169.254.169.254/latest", "a cloud metadata address (169.254.169.254)"},
		{"nowhere at all", sender.Guard{}, "http://0.0.0.0:1/", "an unspecified address (0.0.0.0)"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := sender.New(sender.Config{Guard: tt.guard})
			defer s.Close()
			got := s.Send(t.Context(), requestTo(t, tt.url))
			if got.Outcome != webhook.OutcomeBlocked || got.ErrorClass != webhook.ErrorBlockedAddress || !strings.Contains(got.Error, tt.text) {
				t.Errorf("got %s, %s, %q", got.Outcome, got.ErrorClass, got.Error)
			}
		})
	}
	if n := len(r.all()); n != 0 {
		t.Errorf("%d requests got through", n)
	}
}

func TestAnAllowedBlockLetsAReceiverOnLoopbackBeReached(t *testing.T) {
	t.Parallel()
	r := receive(t, status(http.StatusOK))
	s := sender.New(sender.Config{Guard: sender.Guard{Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}}})
	defer s.Close()
	if got := s.Send(t.Context(), requestTo(t, r.URL)); got.Outcome != webhook.OutcomeDelivered {
		t.Errorf("got %+v", got)
	}
}

func TestAProxyInTheEnvironmentIsNotUsed(t *testing.T) {
	proxy := receive(t, status(http.StatusOK))
	r := receive(t, status(http.StatusNoContent))
	for _, name := range []string{"HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "ALL_PROXY"} {
		t.Setenv(name, proxy.URL)
	}
	if got := newSender(t, sender.Config{}).Send(t.Context(), requestTo(t, r.URL)); got.Status != http.StatusNoContent {
		t.Errorf("got %+v", got)
	}
	if n := len(proxy.all()); n != 0 {
		t.Errorf("the proxy got %d requests", n)
	}
}
