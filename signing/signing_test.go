package signing_test

import (
	"encoding/json"
	"net/http"
	"os"
	"testing"
	"time"

	"github.com/postrider/postrider/signing"
)

type vector struct {
	Name      string `json:"name"`
	Secret    string `json:"secret"`
	ID        string `json:"id"`
	Timestamp int64  `json:"timestamp"`
	Body      string `json:"body"`
	Signature string `json:"signature"`
}

func TestTheVectorOfTheSpecification(t *testing.T) {
	t.Parallel()
	key := mustParse(t, "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
	got := signing.Sign("msg_p5jXN8AQM9LWM0D4loKWxJek", time.Unix(1614265330, 0), []byte(`{"test": 2432232314}`), key)
	if want := "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestVectorsOfAnotherImplementation(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("testdata/vectors.json")
	if err != nil {
		t.Fatal(err)
	}
	var vectors []vector
	if err := json.Unmarshal(text, &vectors); err != nil {
		t.Fatal(err)
	}
	if len(vectors) == 0 {
		t.Fatal("no vectors")
	}
	for _, v := range vectors {
		t.Run(v.Name, func(t *testing.T) {
			t.Parallel()
			key := mustParse(t, v.Secret)
			at := time.Unix(v.Timestamp, 0)
			if got := signing.Sign(v.ID, at, []byte(v.Body), key); got != v.Signature {
				t.Errorf("signed %s, want %s", got, v.Signature)
			}
			headers := http.Header{}
			headers.Set(signing.HeaderID, v.ID)
			headers.Set(signing.HeaderTimestamp, signing.FormatTimestamp(at))
			headers.Set(signing.HeaderSignature, v.Signature)
			if err := signing.Verify(v.Secret, headers, []byte(v.Body), clockAt(at)); err != nil {
				t.Errorf("their signature does not verify: %v", err)
			}
		})
	}
}

func TestEachKeySignsOnceInOrder(t *testing.T) {
	t.Parallel()
	at, body := time.Unix(1700000000, 999), []byte("{}")
	first, second := mustParse(t, signing.NewSecret()), mustParse(t, signing.NewSecret())
	want := signing.Sign("evt_1", at, body, first) + " " + signing.Sign("evt_1", at, body, second)
	if got := signing.Sign("evt_1", at, body, first, second); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if got := signing.Sign("evt_1", at, body); got != "" {
		t.Errorf("without keys got %q, want nothing", got)
	}
}

func TestTheTimestampIsCutToSeconds(t *testing.T) {
	t.Parallel()
	if got := signing.FormatTimestamp(time.Unix(1700000000, 999_999_999)); got != "1700000000" {
		t.Errorf("got %s", got)
	}
}

func BenchmarkSign(b *testing.B) {
	key, err := signing.ParseSecret(signing.NewSecret())
	if err != nil {
		b.Fatal(err)
	}
	body, at := make([]byte, 1024), time.Unix(1700000000, 0)
	b.ReportAllocs()
	for b.Loop() {
		signing.Sign("evt_01hqzv3b8w5cjx9k2n4m6p7r8s", at, body, key)
	}
}

func mustParse(t testing.TB, secret string) signing.Key {
	t.Helper()
	key, err := signing.ParseSecret(secret)
	if err != nil {
		t.Fatalf("parse secret: %v", err)
	}
	return key
}

func clockAt(at time.Time) signing.Option {
	return signing.WithClock(func() time.Time { return at })
}
