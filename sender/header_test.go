package sender_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/postrider/postrider/sender"
	"github.com/postrider/postrider/webhook"
)

func TestCheckHeader(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, header, value string
		want                string // in the error; empty: none
	}{
		{"a header of one's own", "X-Tenant", "acme", ""},
		{"an authorization", "authorization", "Bearer abc", ""},
		{"another content type", "Content-Type", "application/cloudevents+json", ""},
		{"an empty value", "X-Empty", "", ""},
		{"a tab inside the value", "X-Tab", "a\tb", ""},
		{"a value in UTF-8", "X-Name", "Zoë", ""},
		{"the longest value", "X-Long", strings.Repeat("a", 4096), ""},
		{"every character of a token", "X!#$%&'*+-.^_`|~9", "x", ""},

		{"no name", "", "x", "must have a name"},
		{"a name that is too long", strings.Repeat("a", 129), "x", "longer than 128 bytes"},
		{"a space in the name", "X Tenant", "x", "must have a name of"},
		{"a colon in the name", "X:Tenant", "x", "must have a name of"},
		{"a pseudo-header", ":authority", "x", "must have a name of"},
		{"a line end in the name", "X\r\nY", "x", "must have a name of"},
		{"a name in UTF-8", "X-Zoë", "x", "must have a name of"},
		{"a line end in the value", "X-A", "a\r\nWebhook-Id: forged", "control characters"},
		{"a zero byte in the value", "X-A", "a\x00", "control characters"},
		{"a delete character in the value", "X-A", "a\x7f", "control characters"},
		{"bytes that are no UTF-8", "X-A", "\xff", "UTF-8"},
		{"a space at the end of the value", "X-A", "a ", "spaces around"},
		{"a value that is too long", "X-A", strings.Repeat("a", 4097), "longer than 4096 bytes"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			err := sender.CheckHeader(tt.header, tt.value)
			if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
}

// reservedHeaders are names that an endpoint can never set.
func reservedHeaders() []string {
	return []string{
		"webhook-id", "Webhook-Timestamp", "WEBHOOK-SIGNATURE", "webhook-anything", "Host", "Content-Length", "Connection",
		"Transfer-Encoding", "TE", "Trailer", "Upgrade", "Keep-Alive", "Proxy-Authorization", "Proxy-Connection", "Expect",
		"Accept-Encoding", "Content-Encoding", "User-Agent", "traceparent", "tracestate", "HTTP2-Settings", "Date",
		"Idempotency-Key", "X-Idempotency-Key",
	}
}

func TestReservedHeadersAreRefusedInAnyCase(t *testing.T) {
	t.Parallel()
	for _, name := range reservedHeaders() {
		for _, form := range []string{name, strings.ToLower(name), strings.ToUpper(name)} {
			if err := sender.CheckHeader(form, "x"); err == nil || !strings.Contains(err.Error(), "set by Postrider") {
				t.Errorf("%s: got %v", form, err)
			}
		}
	}
}

func TestCheckHeadersNamesEachFault(t *testing.T) {
	t.Parallel()
	got := sender.CheckHeaders(map[string]string{"X-Fine": "a", "Host": "b", "X-Bad": "c\n", "x-fine": "d"})
	want := []webhook.FieldError{
		{Field: "headers.Host", Detail: "is set by Postrider and cannot be replaced"},
		{Field: "headers.X-Bad", Detail: "must not have control characters in its value"},
		{Field: "headers.x-fine", Detail: "is there twice, in different case"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if got := sender.CheckHeaders(nil); got != nil {
		t.Errorf("no headers have faults: %v", got)
	}
	many := map[string]string{}
	for i := range sender.MaxHeaders + 1 {
		many[fmt.Sprintf("X-%d", i)] = "x"
	}
	if got := sender.CheckHeaders(many); len(got) != 1 || got[0].Field != "headers" {
		t.Errorf("too many headers: got %v", got)
	}
}
