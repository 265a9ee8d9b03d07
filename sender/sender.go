// Package sender makes one attempt: a signed POST to an endpoint's URL, bounded in time and size,
// to no address that its guard refuses. A receiver's refusal is data, so sending never returns an
// error; what happened is in the webhook.AttemptResult.
package sender

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/postrider/postrider/signing"
	"github.com/postrider/postrider/webhook"
)

const (
	// defaultTimeout is that of webhook.DefaultPolicy.
	defaultTimeout = 15 * time.Second
	// connectTimeout ends a dial that outlives its attempt (net/http lets it go on, for the next
	// request). It is no shorter than the longest time-out a policy may have.
	connectTimeout = time.Minute
	// idlePerHost is above the 32 requests that may be in flight to an endpoint, because several
	// endpoints can share a host.
	idlePerHost = 64
	idleTotal   = 1024
	idleTimeout = 90 * time.Second
)

// Config is what a Sender needs to know. The zero Config works and refuses special addresses.
type Config struct {
	// Version is named in the user-agent. Default: "dev".
	Version string
	// Guard says which addresses may be sent to.
	Guard Guard
	// RootCAs are the authorities that receivers' certificates are verified against. Default: the
	// system's.
	RootCAs *x509.CertPool
	// MaxIdleConnsPerHost is how many unused connections are kept to a host. Default: 64.
	MaxIdleConnsPerHost int
	// Now is the clock. Default: time.Now.
	Now func() time.Time
}

// Request is one attempt to be made.
type Request struct {
	URL     string
	EventID string
	Body    []byte // sent as it is; not changed and not kept
	// Headers are the endpoint's own. Those that CheckHeader refuses are left out.
	Headers map[string]string
	// Keys sign, each with a signature of its own.
	Keys []signing.Key
	// TraceParent is the W3C trace context to hand on, or empty.
	TraceParent string
	// Timeout is for the whole attempt, name resolution and response body included. Default: 15 s.
	Timeout time.Duration
	// Number of the attempt, 1 for the first. It is not sent; it is for telemetry around Send.
	Number int
}

// Sender sends. It keeps connections open between requests and is safe for concurrent use.
type Sender struct {
	transport *http.Transport
	userAgent string
	now       func() time.Time
	buffers   sync.Pool // of *[webhook.MaxResponseBytes]byte
}

// New is a Sender; Close it when it is no longer used.
func New(config Config) *Sender {
	if config.Version == "" {
		config.Version = "dev"
	}
	if config.MaxIdleConnsPerHost <= 0 {
		config.MaxIdleConnsPerHost = idlePerHost
	}
	if config.Now == nil {
		config.Now = time.Now
	}
	dialer := &net.Dialer{Timeout: connectTimeout, ControlContext: config.Guard.control}
	return &Sender{
		transport: &http.Transport{
			Proxy:                  nil, // a proxy from the environment would dial past the guard
			DialContext:            dialer.DialContext,
			TLSClientConfig:        &tls.Config{RootCAs: config.RootCAs, ClientSessionCache: tls.NewLRUClientSessionCache(0)},
			TLSHandshakeTimeout:    connectTimeout,
			ForceAttemptHTTP2:      true, // otherwise off, because of the dialer
			HTTP2:                  &http.HTTP2Config{SendPingTimeout: 15 * time.Second, PingTimeout: 15 * time.Second},
			DisableCompression:     true,
			MaxIdleConns:           idleTotal,
			MaxIdleConnsPerHost:    config.MaxIdleConnsPerHost,
			IdleConnTimeout:        idleTimeout,
			MaxResponseHeaderBytes: maxHeaderBlock,
		},
		userAgent: "Postrider/" + config.Version,
		now:       config.Now,
		buffers:   sync.Pool{New: func() any { return new([webhook.MaxResponseBytes]byte) }},
	}
}

// Close lets go of the connections that are not in use.
func (s *Sender) Close() { s.transport.CloseIdleConnections() }

// Send makes one attempt and says how it ended. It does so exactly once: redirects are not
// followed, and a request is written again only if nothing of it had left on a stale connection.
// If ctx is cancelled meanwhile, the outcome is unknown, for the receiver may have got it.
func (s *Sender) Send(ctx context.Context, r Request) webhook.AttemptResult {
	start := s.now()
	result := s.send(ctx, r, start)
	result.StartedAt = start
	result.Duration = max(0, s.now().Sub(start))
	return result
}

func (s *Sender) send(ctx context.Context, r Request, start time.Time) webhook.AttemptResult {
	timeout := r.Timeout
	if timeout <= 0 {
		timeout = defaultTimeout
	}
	timed, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()

	request, sent, err := s.request(timed, r, start)
	if err != nil {
		return webhook.AttemptResult{
			Outcome: webhook.OutcomeUnreachable, ErrorClass: webhook.ErrorProtocol, Error: "the URL is not valid",
		}
	}
	// The transport itself: http.Client would add redirects, cookies and a second timer.
	response, err := s.transport.RoundTrip(request) //nolint:bodyclose // answer closes it
	if err != nil {
		result := failure(ctx, err, timeout)
		result.RequestHeaders = sent
		return result
	}
	result := s.answer(response, start)
	result.RequestHeaders = sent
	return result
}
