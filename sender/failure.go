package sender

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"syscall"
	"time"

	"github.com/postrider/postrider/webhook"
)

// failure is the result of an attempt that got no response. ctx is the caller's, without the
// attempt's own time-out.
func failure(ctx context.Context, err error, timeout time.Duration) webhook.AttemptResult {
	result := webhook.AttemptResult{Outcome: webhook.OutcomeUnreachable}
	var blocked *BlockedError
	switch {
	case errors.As(err, &blocked):
		result.Outcome = webhook.OutcomeBlocked
		result.ErrorClass, result.Error = webhook.ErrorBlockedAddress, blocked.Error()
	case errors.Is(ctx.Err(), context.Canceled):
		result.Outcome = webhook.OutcomeUnknown
		result.ErrorClass, result.Error = webhook.ErrorOutcomeUnknown, "stopped before an answer came"
	default:
		result.ErrorClass, result.Error = classify(err, timeout)
	}
	return result
}

// classify names the error's class and says in a few words that are safe for users what happened:
// errors of net and net/http contain addresses of ours.
func classify(err error, timeout time.Duration) (webhook.ErrorClass, string) {
	if errors.Is(err, context.DeadlineExceeded) {
		return webhook.ErrorTimeout, fmt.Sprintf("no answer within %s", timeout)
	}
	if dns, ok := errors.AsType[*net.DNSError](err); ok {
		if dns.IsNotFound {
			return webhook.ErrorDNS, "the host name does not exist"
		}
		return webhook.ErrorDNS, "the host name could not be resolved"
	}
	if text := describeTLS(err); text != "" {
		return webhook.ErrorTLS, text
	}
	switch {
	case errors.Is(err, syscall.ECONNREFUSED):
		return webhook.ErrorConnectionRefused, "the connection was refused"
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return webhook.ErrorConnectionReset, "the connection was reset before an answer came"
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), closedByReceiver(err):
		return webhook.ErrorConnectionReset, "the connection was closed before an answer came"
	}
	if network, ok := errors.AsType[net.Error](err); ok && network.Timeout() {
		return webhook.ErrorTimeout, "the connection timed out"
	}
	if _, ok := errors.AsType[*net.OpError](err); ok {
		return webhook.ErrorConnection, describeNetwork(err)
	}
	// What is left was said by the HTTP client about bytes that it could not make sense of.
	return webhook.ErrorProtocol, "the answer was not valid HTTP"
}

// describeTLS is empty if the error is not one of TLS.
func describeTLS(err error) string {
	if _, ok := errors.AsType[x509.UnknownAuthorityError](err); ok {
		return "the certificate is signed by an unknown authority"
	}
	if _, ok := errors.AsType[x509.HostnameError](err); ok {
		return "the certificate is not valid for this host"
	}
	if invalid, ok := errors.AsType[x509.CertificateInvalidError](err); ok {
		if invalid.Reason == x509.Expired {
			return "the certificate has expired or is not yet valid"
		}
		return "the certificate is not valid"
	}
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return "the certificate could not be verified"
	}
	if _, ok := errors.AsType[tls.RecordHeaderError](err); ok {
		return "the receiver does not speak TLS on this port"
	}
	if _, ok := errors.AsType[tls.AlertError](err); ok || strings.Contains(err.Error(), "tls: ") {
		return "the TLS handshake was not completed"
	}
	return ""
}

// closedByReceiver knows by their text the errors of net/http that have no exported value.
func closedByReceiver(err error) bool {
	text := err.Error()
	return strings.Contains(text, "server closed idle connection") ||
		strings.Contains(text, "http2: client connection lost") ||
		strings.Contains(text, "http2: client conn is closed")
}

func describeNetwork(err error) string {
	switch {
	case errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETUNREACH):
		return "there is no route to the host"
	default:
		return "the connection could not be made"
	}
}
