package sender_test

import (
	"crypto/x509"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/postrider/postrider/sender"
	"github.com/postrider/postrider/signing"
)

const (
	testSecret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
	testID     = "evt_1"
	testBody   = `{"type": "invoice.paid"}`
)

// received is one request as the receiver saw it.
type received struct {
	*http.Request
	body []byte
}

// receiver is a real HTTP server on loopback that remembers its requests.
type receiver struct {
	*httptest.Server
	mu       sync.Mutex
	requests []received
}

// receive starts a receiver, of HTTP/1.1 without TLS unless start says otherwise.
func receive(t testing.TB, answer http.HandlerFunc, start ...func(*httptest.Server)) *receiver {
	t.Helper()
	r := &receiver{}
	r.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		body, err := io.ReadAll(req.Body)
		if err != nil {
			return
		}
		r.mu.Lock()
		r.requests = append(r.requests, received{Request: req, body: body})
		r.mu.Unlock()
		answer(w, req)
	}))
	if len(start) == 0 {
		r.Start()
	}
	for _, f := range start {
		f(r.Server)
	}
	t.Cleanup(r.Close)
	return r
}

// overHTTP2 serves HTTP/2 over TLS.
func overHTTP2(s *httptest.Server) {
	s.EnableHTTP2 = true
	s.StartTLS()
}

func discardLog() *log.Logger { return log.New(io.Discard, "", 0) }

func status(code int) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(code) }
}

func (r *receiver) all() []received {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]received(nil), r.requests...)
}

func (r *receiver) only(t *testing.T) received {
	t.Helper()
	all := r.all()
	if len(all) != 1 {
		t.Fatalf("the receiver got %d requests, want 1", len(all))
	}
	return all[0]
}

// trusting is a pool with the receiver's certificate.
func trusting(r *receiver) *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(r.Certificate())
	return pool
}

// newSender may send to loopback.
func newSender(t testing.TB, config sender.Config) *sender.Sender {
	t.Helper()
	config.Guard.AllowPrivate = true
	s := sender.New(config)
	t.Cleanup(s.Close)
	return s
}

func requestTo(t testing.TB, url string) sender.Request {
	t.Helper()
	key, err := signing.ParseSecret(testSecret)
	if err != nil {
		t.Fatal(err)
	}
	return sender.Request{
		URL: url, EventID: testID, Body: []byte(testBody), Keys: []signing.Key{key}, Timeout: 5 * time.Second, Number: 1,
	}
}
