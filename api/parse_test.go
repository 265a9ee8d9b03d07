package api_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/postrider/postrider/api"
	"github.com/postrider/postrider/sender"
	"github.com/postrider/postrider/store"
	"github.com/postrider/postrider/webhook"
)

// FuzzParseEvent holds the hand-written reader against encoding/json.
func FuzzParseEvent(f *testing.F) {
	for _, seed := range []string{
		`{"id":"e","type":"a","data":{"n":1},"tenant":"acme"}`, ` { "data" : [ 1 , "}" ] , "type" : "a.b" } `, `{"type":"a","data":"\ud83d\ude00\\"}`,
		`{"t\u0079pe":"a","data":null}`, `{"type":"a","type":"b","data":1}`, `[]`, `{}`, `1`, `{"type":1,"data":1,"x":{}}`, `{"data":-0.0e-1,"type":"a"}`,
		"{\"type\":\"a\",\"data\":\"\xff\"}", `{"":"","data":[[],{},[{"a":[]}]]}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		if !json.Valid(text) {
			return
		}
		before := bytes.Clone(text)
		event, faults := api.ParseEvent(text)
		if !bytes.Equal(text, before) {
			t.Fatal("the text was changed")
		}
		var want struct {
			ID, Type, Tenant string
			Data             json.RawMessage
		}
		d := json.NewDecoder(bytes.NewReader(text))
		d.DisallowUnknownFields()
		err := d.Decode(&want)
		if len(faults) > 0 {
			return
		}
		if err != nil {
			t.Fatalf("%q was read, but encoding/json says %v", text, err)
		}
		if event.ID != want.ID || event.Type != want.Type || event.Tenant != want.Tenant || !bytes.Equal(event.Data, want.Data) && string(event.Data) != "null" {
			t.Fatalf("%q: got %+v, want %+v", text, event, want)
		}
		if !webhook.ValidEventType(event.Type) || event.ID != "" && !webhook.ValidEventID(event.ID) || !utf8.Valid(text) || !json.Valid(event.Data) {
			t.Fatalf("%q was read: %+v", text, event)
		}
	})
}

// FuzzDecode looks for objects that make the strict reader panic, or read what encoding/json would not.
func FuzzDecode(f *testing.F) {
	for _, seed := range []string{`{"name":"x","list":["a"],"map":{"k":"v"},"inner":{"n":1}}`, `{"name":null}`, `{"inner":[]}`, `{"list":[1,null]}`, `{"map":{"k":1,"k":"x"}}`} {
		f.Add([]byte(seed))
	}
	type inner struct {
		N *int              `json:"n"`
		D *webhook.Duration `json:"d"`
	}
	type outer struct {
		Name  *string            `json:"name" nullable:"true"`
		List  *[]string          `json:"list"`
		Map   *map[string]string `json:"map"`
		Inner *inner             `json:"inner"`
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		if !json.Valid(text) {
			return
		}
		var got, want outer
		if faults := api.Decode(text, &got); len(faults) > 0 {
			return
		}
		if err := json.Unmarshal(text, &want); err != nil {
			t.Fatalf("%q was read, but encoding/json says %v", text, err)
		}
		if want.Name == nil && got.Name != nil { // null
			want.Name = got.Name
		}
		if !reflect.DeepEqual(got, want) {
			t.Fatalf("%q: got %+v, want %+v", text, got, want)
		}
	})
}

func TestBoundsOfTimeSpeakOfTheTimesThatAreShown(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 25, 9, 30, 0, 123456789, time.UTC)
	ms, next := at.Truncate(time.Millisecond), at.Truncate(time.Millisecond).Add(time.Millisecond)
	var none time.Time
	for name, c := range map[string]struct {
		gte, gt, lte, lt time.Time
		want             store.TimeRange
	}{
		"none":                          {want: store.TimeRange{}},
		"gte is exact":                  {gte: at, want: store.TimeRange{From: at}},
		"gt begins a millisecond later": {gt: ms, want: store.TimeRange{From: next}},
		"lte ends a millisecond later":  {lte: ms, want: store.TimeRange{To: next}},
		"lt is exact":                   {lt: at, want: store.TimeRange{To: at}},
		"the later start counts":        {gte: at.Add(time.Hour), gt: ms, want: store.TimeRange{From: at.Add(time.Hour)}},
		"the earlier end counts":        {lte: ms, lt: at.Add(time.Hour), want: store.TimeRange{To: next}},
		"the earlier end counts, too":   {lte: at.Add(time.Hour), lt: ms, want: store.TimeRange{To: ms}},
	} {
		if got := api.TimeRange(c.gte, c.gt, c.lte, c.lt); got != c.want {
			t.Errorf("%s: %+v, want %+v", name, got, c.want)
		}
	}
	if got := api.TimeRange(none, none, none, none); got != (store.TimeRange{}) {
		t.Errorf("%+v", got)
	}
}

const kilobyteEvent = `{"id":"evt_01jd0y3m8zq5v6w7x8y9z0a1b2","type":"invoice.paid","data":{"text":"` + "%s" + `"}}`

func BenchmarkParseEvent(b *testing.B) {
	text := fmt.Appendf(nil, kilobyteEvent, strings.Repeat("lorem ipsum ", 80))
	b.ReportAllocs()
	for b.Loop() {
		if _, faults := api.ParseEvent(text); faults != nil {
			b.Fatal(faults)
		}
	}
}

// nothing accepts everything and keeps nothing.
type nothing struct{ api.Store }

func (nothing) APIKeyByHash(_ context.Context, hash [32]byte) (webhook.APIKey, error) {
	return webhook.APIKey{Hash: hash}, nil
}

func (nothing) APIKeyUsed(context.Context, string, time.Time) error { return nil }

type nowhere struct{ api.Intake }

func (nowhere) Accept(context.Context, []webhook.Event) ([]store.Accepted, error) {
	return []store.Accepted{{Event: webhook.Event{State: webhook.EventAccepted}, EndpointIDs: []string{"ep_1"}}}, nil
}

// BenchmarkPostEvent is the API's own share of a posted event of 1 KiB.
func BenchmarkPostEvent(b *testing.B) {
	handler := api.New(api.Deps{Store: nothing{}, Intake: nowhere{}, CheckURL: sender.Guard{}.CheckURL, CheckHeaders: sender.CheckHeaders})
	text := fmt.Sprintf(kilobyteEvent, strings.Repeat("lorem ipsum ", 80))
	b.ReportAllocs()
	for b.Loop() {
		r := httptest.NewRequestWithContext(b.Context(), http.MethodPost, "/v1/events", strings.NewReader(text))
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("Authorization", "Bearer key")
		w := httptest.NewRecorder()
		if handler.ServeHTTP(w, r); w.Code != http.StatusAccepted {
			b.Fatal(w.Body)
		}
	}
}
