package signing_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/postrider/postrider/signing"
)

const (
	oldSecret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
	newSecret = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
	eventID   = "evt_1"
	sentBody  = `{"a":1}`
)

func sentAt() time.Time { return time.Unix(1700000000, 0) }

// signed are the headers of a request as a sender with the given secrets makes them.
func signed(t testing.TB, secrets ...string) http.Header {
	t.Helper()
	keys := make([]signing.Key, len(secrets))
	for i, secret := range secrets {
		keys[i] = mustParse(t, secret)
	}
	headers := http.Header{}
	headers.Set(signing.HeaderID, eventID)
	headers.Set(signing.HeaderTimestamp, signing.FormatTimestamp(sentAt()))
	headers.Set(signing.HeaderSignature, signing.Sign(eventID, sentAt(), []byte(sentBody), keys...))
	return headers
}

func TestVerifyJudgesTheRequest(t *testing.T) {
	t.Parallel()
	set := func(name, value string) func(http.Header) {
		return func(h http.Header) { h.Set(name, value) }
	}
	rewrite := func(edit func(string) string) func(http.Header) {
		return func(h http.Header) { h.Set(signing.HeaderSignature, edit(h.Get(signing.HeaderSignature))) }
	}
	tests := []struct {
		name   string
		change func(http.Header)
		body   string
		want   error
	}{
		{"untouched, it verifies", func(http.Header) {}, sentBody, nil},
		{"another body does not", func(http.Header) {}, sentBody + " ", signing.ErrNoMatchingSignature},
		{"an empty body does not", func(http.Header) {}, "", signing.ErrNoMatchingSignature},
		{"another ID does not", set(signing.HeaderID, "evt_2"), sentBody, signing.ErrNoMatchingSignature},
		{"another timestamp does not", set(signing.HeaderTimestamp, "1700000001"), sentBody, signing.ErrNoMatchingSignature},
		{"the same timestamp written otherwise does not", set(signing.HeaderTimestamp, "01700000000"), sentBody, signing.ErrNoMatchingSignature},
		{"no ID is named", func(h http.Header) { h.Del(signing.HeaderID) }, sentBody, signing.ErrMissingHeader},
		{"no timestamp is named", func(h http.Header) { h.Del(signing.HeaderTimestamp) }, sentBody, signing.ErrMissingHeader},
		{"no signature is named", func(h http.Header) { h.Del(signing.HeaderSignature) }, sentBody, signing.ErrMissingHeader},
		{"an empty signature is none", set(signing.HeaderSignature, ""), sentBody, signing.ErrMissingHeader},
		{"a timestamp in words is refused", set(signing.HeaderTimestamp, "yesterday"), sentBody, signing.ErrInvalidTimestamp},
		{"a timestamp with a sign is refused", set(signing.HeaderTimestamp, "+1700000000"), sentBody, signing.ErrInvalidTimestamp},
		{"a negative timestamp is refused", set(signing.HeaderTimestamp, "-1"), sentBody, signing.ErrInvalidTimestamp},
		{"a timestamp with a fraction is refused", set(signing.HeaderTimestamp, "1700000000.5"), sentBody, signing.ErrInvalidTimestamp},
		{"a timestamp beyond 64 bits is refused", set(signing.HeaderTimestamp, "99999999999999999999"), sentBody, signing.ErrInvalidTimestamp},
		{"the largest timestamp is too new", set(signing.HeaderTimestamp, "9223372036854775807"), sentBody, signing.ErrTimestampTooNew},
		{"the epoch is too old", set(signing.HeaderTimestamp, "0"), sentBody, signing.ErrTimestampTooOld},
		{"unknown versions before ours are skipped", rewrite(func(s string) string { return "v1a,abc= v2,xyz v0 " + s }), sentBody, nil},
		{"unknown versions after ours are skipped", rewrite(func(s string) string { return s + " v1a,abc= junk" }), sentBody, nil},
		{"several spaces separate as one does", rewrite(func(s string) string { return "  v1,aaaa   " + s + " " }), sentBody, nil},
		{"the right bytes under another version do not", rewrite(func(s string) string { return strings.Replace(s, "v1,", "v1a,", 1) }), sentBody, signing.ErrNoMatchingSignature},
		{"the right bytes without a version do not", rewrite(func(s string) string { return strings.TrimPrefix(s, "v1,") }), sentBody, signing.ErrNoMatchingSignature},
		{"a cut signature does not", rewrite(func(s string) string { return s[:len(s)-4] }), sentBody, signing.ErrNoMatchingSignature},
		{"a signature with something after it does not", rewrite(func(s string) string { return s + "=" }), sentBody, signing.ErrNoMatchingSignature},
		{"a signature in upper case does not", rewrite(func(s string) string { return "v1," + strings.ToUpper(s[3:]) }), sentBody, signing.ErrNoMatchingSignature},
		{"a version without a signature does not", set(signing.HeaderSignature, "v1,"), sentBody, signing.ErrNoMatchingSignature},
		{"commas alone do not", set(signing.HeaderSignature, ",,,"), sentBody, signing.ErrNoMatchingSignature},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			headers := signed(t, oldSecret)
			tt.change(headers)
			if err := signing.Verify(oldSecret, headers, []byte(tt.body), clockAt(sentAt())); !errors.Is(err, tt.want) {
				t.Errorf("got %v, want %v", err, tt.want)
			}
		})
	}
}

func TestAMissingHeaderIsNamed(t *testing.T) {
	t.Parallel()
	for _, name := range []string{signing.HeaderID, signing.HeaderTimestamp, signing.HeaderSignature} {
		headers := signed(t, oldSecret)
		headers.Del(name)
		err := signing.Verify(oldSecret, headers, []byte(sentBody), clockAt(sentAt()))
		if err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("without %s got %v", name, err)
		}
	}
}

func TestVerifyAcceptsWhatIsWithinTheTolerance(t *testing.T) {
	t.Parallel()
	minute := signing.WithTolerance(time.Minute)
	tests := []struct {
		name    string
		after   time.Duration // the receiver's clock, from when it was sent
		options []signing.Option
		want    error
	}{
		{"five minutes late is in time", 5 * time.Minute, nil, nil},
		{"five minutes and a bit is in time, for the header has no fractions", 5*time.Minute + 900*time.Millisecond, nil, nil},
		{"five minutes and a second is too old", 5*time.Minute + time.Second, nil, signing.ErrTimestampTooOld},
		{"five minutes early is in time", -5 * time.Minute, nil, nil},
		{"five minutes and a second early is too new", -5*time.Minute - time.Second, nil, signing.ErrTimestampTooNew},
		{"a minute's tolerance takes a minute", time.Minute, []signing.Option{minute}, nil},
		{"a minute's tolerance refuses a second more", 61 * time.Second, []signing.Option{minute}, signing.ErrTimestampTooOld},
		{"no tolerance takes the same second", 0, []signing.Option{signing.WithTolerance(0)}, nil},
		{"no tolerance refuses the next", time.Second, []signing.Option{signing.WithTolerance(0)}, signing.ErrTimestampTooOld},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			options := append([]signing.Option{clockAt(sentAt().Add(tt.after))}, tt.options...)
			if err := signing.Verify(oldSecret, signed(t, oldSecret), []byte(sentBody), options...); !errors.Is(err, tt.want) {
				t.Errorf("got %v, want %v", err, tt.want)
			}
		})
	}
}

func TestARotationVerifiesWithEitherSecret(t *testing.T) {
	t.Parallel()
	both := []string{newSecret, oldSecret}
	tests := []struct {
		name             string
		signers, holders []string
		want             error
	}{
		{"the sender signs with both, the receiver has the old one", both, []string{oldSecret}, nil},
		{"the sender signs with both, the receiver has the new one", both, []string{newSecret}, nil},
		{"the sender signs with the old one, the receiver has both", []string{oldSecret}, both, nil},
		{"the sender signs with the new one, the receiver has both", []string{newSecret}, both, nil},
		{"the sender has gone on to the new one, the receiver has not", []string{newSecret}, []string{oldSecret}, signing.ErrNoMatchingSignature},
		{"the receiver has no secret", both, nil, signing.ErrNoMatchingSignature},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var keys []signing.Key
			for _, secret := range tt.holders {
				keys = append(keys, mustParse(t, secret))
			}
			verifier := signing.NewVerifier(keys, clockAt(sentAt()))
			if err := verifier.Verify(signed(t, tt.signers...), []byte(sentBody)); !errors.Is(err, tt.want) {
				t.Errorf("got %v, want %v", err, tt.want)
			}
		})
	}
}

func TestVerifyRefusesABadSecret(t *testing.T) {
	t.Parallel()
	if err := signing.Verify("secret", signed(t, oldSecret), []byte(sentBody)); !errors.Is(err, signing.ErrInvalidSecret) {
		t.Errorf("got %v, want ErrInvalidSecret", err)
	}
}

// FuzzVerify holds that only what Sign made verifies, whatever the headers look like.
func FuzzVerify(f *testing.F) {
	genuine := signed(f, oldSecret).Get(signing.HeaderSignature)
	f.Add(eventID, "1700000000", genuine, []byte(sentBody))
	f.Add(eventID, "1700000000", "v1a,x "+genuine+" v1,", []byte(sentBody))
	f.Add("", "-1", ",", []byte{})
	f.Add("a.1700000000", "1700000000", "v1,\x00\xff", []byte("."))
	key := mustParse(f, oldSecret)
	verifier := signing.NewVerifier([]signing.Key{key}, clockAt(sentAt()))
	f.Fuzz(func(t *testing.T, id, timestamp, signature string, body []byte) {
		headers := http.Header{}
		headers.Set(signing.HeaderID, id)
		headers.Set(signing.HeaderTimestamp, timestamp)
		headers.Set(signing.HeaderSignature, signature)
		err := verifier.Verify(headers, body)
		if timestamp != "1700000000" {
			return
		}
		right := signing.Sign(id, sentAt(), body, key)
		named := false
		for part := range strings.FieldsSeq(signature) {
			named = named || part == right
		}
		if (err == nil) != (named && id != "") {
			t.Errorf("Verify says %v of %q, the right signature is %q", err, signature, right)
		}
	})
}

func FuzzParseSecret(f *testing.F) {
	f.Add(oldSecret)
	f.Add("whsec_")
	f.Add("whsec_====")
	f.Fuzz(func(t *testing.T, secret string) {
		if _, err := signing.ParseSecret(secret); err != nil && !errors.Is(err, signing.ErrInvalidSecret) {
			t.Errorf("got %v, want an ErrInvalidSecret", err)
		}
	})
}
