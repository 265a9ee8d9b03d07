package sender_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/postrider/postrider/sender"
	"github.com/postrider/postrider/webhook"
)

func TestTheStatusDecides(t *testing.T) {
	t.Parallel()
	tests := []struct {
		code    int
		outcome webhook.Outcome
		text    string
	}{
		{200, webhook.OutcomeDelivered, ""},
		{201, webhook.OutcomeDelivered, ""},
		{204, webhook.OutcomeDelivered, ""},
		{299, webhook.OutcomeDelivered, ""},
		{304, webhook.OutcomeRejected, "answered 304 Not Modified; redirects are not followed"},
		{400, webhook.OutcomeRejected, "answered 400 Bad Request"},
		{410, webhook.OutcomeRejected, "answered 410 Gone"},
		{429, webhook.OutcomeRejected, "answered 429 Too Many Requests"},
		{500, webhook.OutcomeRejected, "answered 500 Internal Server Error"},
		{599, webhook.OutcomeRejected, "answered 599"},
		{999, webhook.OutcomeRejected, "answered 999"},
	}
	for _, tt := range tests {
		t.Run(fmt.Sprint(tt.code), func(t *testing.T) {
			t.Parallel()
			r := receive(t, status(tt.code))
			got := newSender(t, sender.Config{}).Send(t.Context(), requestTo(t, r.URL))
			class := webhook.ErrorHTTPStatus
			if tt.outcome == webhook.OutcomeDelivered {
				class = webhook.ErrorNone
			}
			if got.Outcome != tt.outcome || got.Status != tt.code || got.Error != tt.text || got.ErrorClass != class {
				t.Errorf("got %+v", got)
			}
		})
	}
}

func TestAResponseIsKeptUpToItsLimits(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		answer http.HandlerFunc
		want   []byte
	}{
		{"none", status(http.StatusOK), nil},
		{"a short one", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "ok") }, []byte("ok")},
		{"one of exactly the limit", answering(webhook.MaxResponseBytes), bytes.Repeat([]byte("a"), webhook.MaxResponseBytes)},
		{"one byte more is cut", answering(webhook.MaxResponseBytes + 1), bytes.Repeat([]byte("a"), webhook.MaxResponseBytes)},
		{"one without an end is cut", func(w http.ResponseWriter, _ *http.Request) {
			for {
				if _, err := w.Write(bytes.Repeat([]byte("a"), 4096)); err != nil {
					return
				}
			}
		}, bytes.Repeat([]byte("a"), webhook.MaxResponseBytes)},
		{"one that is gzip is kept as it came", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Encoding", "gzip")
			_, _ = io.WriteString(w, "\x1f\x8bnot really")
		}, []byte("\x1f\x8bnot really")},
		{"one that breaks off is kept as far as it came", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "100")
			_, _ = io.WriteString(w, "half")
		}, []byte("half")},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := receive(t, tt.answer)
			s := newSender(t, sender.Config{})
			for range 2 { // buffers are used again
				got := s.Send(t.Context(), requestTo(t, r.URL))
				if got.Outcome != webhook.OutcomeDelivered || !bytes.Equal(got.ResponseBody, tt.want) {
					t.Errorf("outcome %s, %d bytes, want delivered, %d bytes", got.Outcome, len(got.ResponseBody), len(tt.want))
				}
			}
		})
	}
}

func TestABodyThatNeverEndsTakesNoLongerThanTheTimeout(t *testing.T) {
	t.Parallel()
	r := receive(t, func(w http.ResponseWriter, req *http.Request) {
		_, _ = io.WriteString(w, "I am thinking")
		_ = http.NewResponseController(w).Flush()
		<-req.Context().Done()
	})
	request := requestTo(t, r.URL)
	request.Timeout = 50 * time.Millisecond
	got := newSender(t, sender.Config{}).Send(t.Context(), request)
	if got.Outcome != webhook.OutcomeDelivered || string(got.ResponseBody) != "I am thinking" {
		t.Errorf("got %+v", got)
	}
	if got.Duration < request.Timeout || got.Duration > 3*time.Second {
		t.Errorf("took %s", got.Duration)
	}
}

func TestResponseHeadersAreKeptInLowerCaseAndJoined(t *testing.T) {
	t.Parallel()
	r := receive(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header()["X-Part"] = []string{"one", "two"}
		w.Header()["X-Latin"] = []string{"caf\xe9"}
		w.Header()["Date"] = nil
		w.WriteHeader(http.StatusNoContent)
	})
	got := newSender(t, sender.Config{}).Send(t.Context(), requestTo(t, r.URL))
	if diff := cmp.Diff(map[string]string{"x-part": "one, two", "x-latin": "caf\uFFFD"}, got.ResponseHeaders); diff != "" {
		t.Error(diff)
	}
}

func TestResponseHeadersAreBounded(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name        string
		count, size int
		wantHeaders int
	}{
		{"a hundred small ones", 100, 1, 32},
		{"ten of a KiB", 10, 1 << 10, 7},
		{"one that is too large alone", 1, 9 << 10, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := receive(t, func(w http.ResponseWriter, _ *http.Request) {
				w.Header()["Date"] = nil
				for i := range tt.count {
					w.Header().Set(fmt.Sprintf("X-%03d", i), strings.Repeat("a", tt.size))
				}
				w.WriteHeader(http.StatusNoContent)
			})
			got := newSender(t, sender.Config{}).Send(t.Context(), requestTo(t, r.URL))
			if len(got.ResponseHeaders) != tt.wantHeaders {
				t.Errorf("kept %d, want %d", len(got.ResponseHeaders), tt.wantHeaders)
			}
			if _, first := got.ResponseHeaders["x-000"]; first != (tt.wantHeaders > 0) {
				t.Error("it is not the first ones that are kept")
			}
		})
	}
}

func TestRetryAfterIsReadOf429And503Only(t *testing.T) {
	t.Parallel()
	for code, want := range map[int]time.Duration{200: 0, 301: 0, 400: 0, 429: 7 * time.Second, 500: 0, 502: 0, 503: 7 * time.Second} {
		r := receive(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", "7")
			w.WriteHeader(code)
		})
		if got := newSender(t, sender.Config{}).Send(t.Context(), requestTo(t, r.URL)); got.RetryAfter != want {
			t.Errorf("%d: got %s, want %s", code, got.RetryAfter, want)
		}
	}
}

func TestRetryAfterIsSecondsOrADate(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	tests := []struct {
		name, value string
		want        time.Duration
	}{
		{"nothing", "", 0},
		{"seconds", "120", 2 * time.Minute},
		{"zero seconds", "0", 0},
		{"leading zeros", "007", 7 * time.Second},
		{"more than a day is a day", "86401", webhook.MaxRetryAfter},
		{"more than a number can hold is a day", "99999999999999999999999", webhook.MaxRetryAfter},
		{"a negative number is nothing", "-5", 0},
		{"a number with a sign is nothing", "+5", 0},
		{"a fraction is nothing", "1.5", 0},
		{"a unit is nothing", "5s", 0},
		{"a date", "Sun, 01 Mar 2026 12:00:30 GMT", 30 * time.Second},
		{"an RFC 850 date", "Sunday, 01-Mar-26 12:00:30 GMT", 30 * time.Second},
		{"an asctime date", "Sun Mar  1 12:00:30 2026", 30 * time.Second},
		{"a date that has passed is nothing", "Sun, 01 Mar 2026 11:59:59 GMT", 0},
		{"a date far off is a day", "Sat, 01 Mar 2036 12:00:00 GMT", webhook.MaxRetryAfter},
		{"a date past what a duration holds is a day", "Sat, 01 Mar 9999 12:00:00 GMT", webhook.MaxRetryAfter},
		{"words are nothing", "soon", 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := sender.ParseRetryAfter(tt.value, now); got != tt.want {
				t.Errorf("%q: got %s, want %s", tt.value, got, tt.want)
			}
		})
	}
}
