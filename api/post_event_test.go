package api_test

import (
	"bytes"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/postrider/postrider/api"
	"github.com/postrider/postrider/webhook"
)

func TestAPostedEventIsStoredAndAnsweredInFull(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	endpoint := r.endpoint("")
	a := r.post("/v1/events", `{"id":"inv-1","type":"invoice.paid","data":{"n":1}}`).is(http.StatusAccepted)
	want := `{"id":"inv-1","type":"invoice.paid","tenant":"default","state":"accepted","duplicate":false,` +
		`"workflow_id":"inv-1","endpoint_ids":["` + endpoint + `"],"created_at":"2026-11-25T09:30:00.123Z"}`
	if got := strings.TrimSpace(string(a.text)); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if got := a.header.Get("Content-Type"); got != "application/json" {
		t.Errorf("Content-Type %q", got)
	}
	event, err := r.store.Event(t.Context(), "default", "inv-1")
	if err != nil || event.Type != "invoice.paid" {
		t.Errorf("stored %+v, %v", event, err)
	}
}

func TestAnEventForNobodyIsUnrouted(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.post("/v1/events", `{"type":"a","data":1}`).is(http.StatusAccepted).equal("state", "unrouted").equal("endpoint_ids", []string{})
}

func TestAnEventWithoutAnIDGetsOne(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	a := r.post("/v1/events", `{"type":"a","data":1}`).is(http.StatusAccepted)
	if id := a.str("id"); !strings.HasPrefix(id, "evt_") || a.str("workflow_id") != id {
		t.Errorf("id %q, workflow_id %q", id, a.str("workflow_id"))
	}
	b := r.post("/v1/events", `{"type":"a","data":1}`).is(http.StatusAccepted)
	if a.str("id") == b.str("id") {
		t.Error("two events with one id")
	}
}

func TestTheIdempotencyKeyIsTheID(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	with := func(key, body string) *answer {
		return r.do(call{method: "POST", path: "/v1/events", body: body, header: map[string]string{"Idempotency-Key": key}})
	}
	with("k-1", `{"type":"a","data":1}`).is(http.StatusAccepted).equal("id", "k-1").equal("duplicate", false)
	with("k-1", `{"type":"a","data":1}`).is(http.StatusAccepted).equal("duplicate", true)
	with("k-1", `{"type":"a","data":1,"id":"k-1"}`).is(http.StatusAccepted).equal("duplicate", true)
	with("k-1", `{"type":"a","data":2}`).is(http.StatusConflict)
	for _, a := range []*answer{with("k-2", `{"type":"a","data":1,"id":"k-1"}`), with("no spaces", `{"type":"a","data":1}`)} {
		if got := a.is(http.StatusUnprocessableEntity).fields(); !slices.Equal(got, []string{"Idempotency-Key"}) {
			t.Errorf("fields %v", got)
		}
	}
}

func TestTheSameEventTwiceIsADuplicateAndAnotherOneAConflict(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	endpoint := r.endpoint("")
	r.post("/v1/events", `{"id":"e","type":"a","data":{"a": 1}}`).is(http.StatusAccepted)
	r.attempt("default", "e", endpoint, webhook.AttemptResult{Outcome: webhook.OutcomeDelivered, Status: 200})
	r.clock.Move(time.Hour)
	r.post("/v1/events", `{"data":{"a": 1},"type":"a","id":"e"}`).is(http.StatusAccepted).
		equal("duplicate", true).equal("state", "delivered").equal("endpoint_ids", []string{endpoint}).equal("created_at", "2026-11-25T09:30:00.123Z")
	for _, body := range []string{
		`{"id":"e","type":"a","data":{"a":1}}`, // other bytes
		`{"id":"e","type":"b","data":{"a": 1}}`,
	} {
		r.post("/v1/events", body).is(http.StatusConflict).equal("code", "event_exists").equal("type", "urn:postrider:problem:event_exists")
	}
	r.post("/v1/events", `{"id":"e","type":"b","data":2,"tenant":"acme"}`).is(http.StatusAccepted).equal("workflow_id", "acme/e")
}

func TestTheExactBytesOfDataAreKept(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	for name, data := range map[string]string{
		"an object with odd spaces":     "{ \"a\" :\t1 ,\r\n\"b\":[ 1,2 ,3 ] }",
		"unicode escapes":               `{"name":"\u00e9\u00c9\ud83d\ude00 é 😀","slash":"\/"}`,
		"a lone surrogate":              `"\ud800"`,
		"big numbers":                   `{"n":123456789012345678901234567890.12345678901234567890e+400,"z":-0}`,
		"duplicate keys":                `{"a":1,"a":2,"a":{"a":3}}`,
		"brackets in strings":           `{"a":"}]\"{[","b\"}":"\\"}`,
		"a string":                      `"hello"`,
		"a string with HTML":            `"<a href=\"x\">&amp;</a>"`,
		"an empty string":               `""`,
		"a number":                      `1E5`,
		"true":                          `true`,
		"null":                          `null`,
		"an empty object":               `{}`,
		"an empty array":                `[]`,
		"an array with spaces":          "[\n  1 ,\n  2\n]",
		"a null character":              `"\u0000"`,
		"line separators":               "\"\u2028\u2029\"",
		"fields like those of an event": `{"id":"x","type":"y","data":{"data":{}},"tenant":"z"}`,
		"deep":                          strings.Repeat("[", 500) + strings.Repeat("]", 500),
	} {
		for shape, body := range map[string]string{
			"last":       `{"type":"a","data":` + data + `}`,
			"first":      `{"data":` + data + `,"type":"a"}`,
			"spaced":     "  {\n\"type\" : \"a\" ,\n\"data\" :\t" + data + " \r\n}\n ",
			"with an id": `{"data"  :` + data + `  ,"id":"` + strings.ReplaceAll(name, " ", "_") + `", "type":"a"}`,
		} {
			a := r.post("/v1/events", body).is(http.StatusAccepted)
			if got := string(r.intake.last().Data); got != data {
				t.Errorf("%s, %s: got %q, want %q", name, shape, got, data)
			}
			event, err := r.store.Event(t.Context(), "default", a.str("id"))
			if err != nil {
				t.Fatal(err)
			}
			if got, err := r.store.EventData(t.Context(), event.UID); err != nil || string(got) != data {
				t.Errorf("%s, %s: stored %q, %v, want %q", name, shape, got, err, data)
			}
		}
	}
}

func TestKeysOfAnEventMayBeEscaped(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.post("/v1/events", `{"\u0069d":"\u0065","t\u0079pe":"a\u002eb","data":0}`).is(http.StatusAccepted).equal("id", "e").equal("type", "a.b")
}

func TestABadEventIsRefusedWithEveryFaultAndNothingIsStored(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	long := strings.Repeat("x", 129)
	for name, c := range map[string]struct {
		body   string
		status int
		code   string
		fields string
	}{
		"nothing":                     {` `, 400, "malformed_json", ""},
		"not JSON":                    {`hello`, 400, "malformed_json", ""},
		"cut off":                     {`{"type":"a","data":{"x":1}`, 400, "malformed_json", ""},
		"trailing garbage":            {`{"type":"a","data":1}{}`, 400, "malformed_json", ""},
		"a trailing comma":            {`{"type":"a","data":1,}`, 400, "malformed_json", ""},
		"a comment":                   {`{"type":"a","data":1}//`, 400, "malformed_json", ""},
		"single quotes":               {`{'type':'a'}`, 400, "malformed_json", ""},
		"NaN":                         {`{"type":"a","data":NaN}`, 400, "malformed_json", ""},
		"a leading zero":              {`{"type":"a","data":01}`, 400, "malformed_json", ""},
		"a byte order mark":           {"\uFEFF{\"type\":\"a\",\"data\":1}", 400, "malformed_json", ""},
		"a raw control character":     {"{\"type\":\"a\",\"data\":\"\x01\"}", 400, "malformed_json", ""},
		"too deep":                    {`{"type":"a","data":` + strings.Repeat("[", 20000) + strings.Repeat("]", 20000) + `}`, 400, "malformed_json", ""},
		"an array":                    {`[]`, 422, "invalid_fields", "body"},
		"a string":                    {`"type"`, 422, "invalid_fields", "body"},
		"null":                        {`null`, 422, "invalid_fields", "body"},
		"an empty object":             {`{}`, 422, "invalid_fields", "type data"},
		"no data":                     {`{"type":"a"}`, 422, "invalid_fields", "data"},
		"no type":                     {`{"data":1}`, 422, "invalid_fields", "type"},
		"an unknown field":            {`{"type":"a","data":1,"payload":2}`, 422, "invalid_fields", "payload"},
		"a field in other case":       {`{"Type":"a","data":1}`, 422, "invalid_fields", "Type type"},
		"type a number":               {`{"type":1,"data":1}`, 422, "invalid_fields", "type"},
		"type null":                   {`{"type":null,"data":1}`, 422, "invalid_fields", "type"},
		"id null":                     {`{"id":null,"type":"a","data":1}`, 422, "invalid_fields", "id"},
		"id an object":                {`{"id":{},"type":"a","data":1}`, 422, "invalid_fields", "id"},
		"id empty":                    {`{"id":"","type":"a","data":1}`, 422, "invalid_fields", "id"},
		"id with a slash":             {`{"id":"a/b","type":"a","data":1}`, 422, "invalid_fields", "id"},
		"id with a dot":               {`{"id":"a.b","type":"a","data":1}`, 422, "invalid_fields", "id"},
		"id with a line end":          {`{"id":"a\n","type":"a","data":1}`, 422, "invalid_fields", "id"},
		"id too long":                 {`{"id":"` + long + `","type":"a","data":1}`, 422, "invalid_fields", "id"},
		"id not ASCII":                {`{"id":"é","type":"a","data":1}`, 422, "invalid_fields", "id"},
		"type with a space":           {`{"type":"a b","data":1}`, 422, "invalid_fields", "type"},
		"type too long":               {`{"type":"` + long + `","data":1}`, 422, "invalid_fields", "type"},
		"type empty":                  {`{"type":"","data":1}`, 422, "invalid_fields", "type"},
		"tenant in capitals":          {`{"type":"a","data":1,"tenant":"ACME"}`, 422, "invalid_fields", "tenant"},
		"tenant a list":               {`{"type":"a","data":1,"tenant":["x"]}`, 422, "invalid_fields", "tenant"},
		"type twice":                  {`{"type":"a","type":"b","data":1}`, 422, "invalid_fields", "type"},
		"data twice":                  {`{"type":"a","data":1,"data":1}`, 422, "invalid_fields", "data"},
		"data twice, once escaped":    {`{"type":"a","data":1,"d\u0061ta":1}`, 422, "invalid_fields", "data"},
		"invalid UTF-8 in data":       {"{\"type\":\"a\",\"data\":{\"x\":\"\xff\"}}", 422, "invalid_fields", "data"},
		"invalid UTF-8 in data's key": {"{\"type\":\"a\",\"data\":{\"\xc3(\":1}}", 422, "invalid_fields", "data"},
		"an overlong encoding":        {"{\"type\":\"a\",\"data\":\"\xc0\xaf\"}", 422, "invalid_fields", "data"},
		"a surrogate in UTF-8":        {"{\"type\":\"a\",\"data\":\"\xed\xa0\x80\"}", 422, "invalid_fields", "data"},
		"invalid UTF-8 in type":       {"{\"type\":\"\xff\",\"data\":1}", 422, "invalid_fields", "type"},
		"invalid UTF-8 in a key":      {"{\"type\":\"a\",\"data\":1,\"\xff\":1}", 422, "invalid_fields", "\uFFFD"},
		"everything at once":          {`{"id":"a b","type":1,"tenant":"A","x":1,"y":2}`, 422, "invalid_fields", "id type tenant x y data"},
	} {
		a := r.post("/v1/events", c.body).is(c.status).equal("code", c.code).equal("status", c.status)
		if got := strings.Join(a.fields(), " "); got != c.fields {
			t.Errorf("%s: fields %q, want %q: %s", name, got, c.fields, a.text)
		}
		if got := a.header.Get("Content-Type"); got != "application/problem+json" {
			t.Errorf("%s: Content-Type %q", name, got)
		}
	}
	if got := r.get("/v1/events").len("data"); got != 0 {
		t.Errorf("%d events were stored", got)
	}
}

func TestAQueryIsRefusedForItIsNotPartOfTheEvent(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	const event = `{"type":"a","data":1}`
	for path, body := range map[string]string{"/v1/events": event, "/v1/events/batch": "[" + event + "]"} {
		a := r.post(path+"?tenant=acme&dry_run=1", body).is(http.StatusUnprocessableEntity).equal("code", "invalid_fields")
		if got := a.fields(); !slices.Equal(got, []string{"dry_run", "tenant"}) {
			t.Errorf("%s: fields %q", path, got)
		}
	}
	if got := r.get("/v1/events").len("data"); got != 0 {
		t.Errorf("%d events were stored", got)
	}
}

func TestAnEventThatMayBeStoredIsToBePostedAgainWithItsID(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.intake.refuse = &webhook.Error{Kind: webhook.Unavailable, Code: "store_unavailable", Detail: "away", RetryAfter: time.Second}
	if a := r.post("/v1/events", `{"type":"a","data":1}`).is(503); !bytes.Contains(a.text, []byte("the id evt_")) {
		t.Errorf("answered %s", a.text)
	}
	if a := r.post("/v1/events", `{"id":"mine","type":"a","data":1}`).is(503); !bytes.Contains(a.text, []byte("the id mine,")) {
		t.Errorf("answered %s", a.text)
	}
}

func TestWhatIsNotJSONByItsTypeIsRefused(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	const body = `{"type":"a","data":1}`
	for mediaType, status := range map[string]int{
		"application/json":                  202,
		"application/json; charset=utf-8":   202,
		"application/json;charset=UTF-8":    202,
		"APPLICATION/JSON":                  202,
		"application/json; charset=latin1":  415,
		"application/x-www-form-urlencoded": 415,
		"text/plain":                        415,
		"application/x-ndjson":              415,
		"nonsense;;":                        415,
	} {
		a := r.do(call{method: "POST", path: "/v1/events", body: body, mediaType: mediaType}).is(status)
		if status == 415 {
			a.equal("code", "unsupported_media_type")
		}
	}
	r.do(call{method: "POST", path: "/v1/events", body: body, header: map[string]string{"Content-Encoding": "gzip"}}).is(415)
	r.do(call{method: "POST", path: "/v1/events", body: body, header: map[string]string{"Content-Encoding": "identity"}}).is(202)
}

func TestABodyOverTheLimitIsRefusedWhetherItsLengthIsKnownOrNot(t *testing.T) {
	t.Parallel()
	r := newRig(t, func(d *api.Deps) { d.MaxBodyBytes = 1000 })
	of := func(size int) string {
		const rest = `{"type":"a","data":""}`
		return `{"type":"a","data":"` + strings.Repeat("x", size-len(rest)) + `"}`
	}
	r.post("/v1/events", of(1000)).is(http.StatusAccepted)
	r.post("/v1/events", of(1001)).is(http.StatusRequestEntityTooLarge).equal("code", "too_large")
	for size, status := range map[int]int{1000: 202, 1001: 413, 5000: 413} {
		if got := r.stream("POST", "/v1/events", of(size)); got != status {
			t.Errorf("a stream of %d bytes: %d, want %d", size, got, status)
		}
	}
	r.post("/v1/endpoints", of(1001)).is(http.StatusRequestEntityTooLarge).equal("code", "too_large")
}

func TestADefaultBodyMayBeAMebibyte(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	const rest = `{"type":"a","data":""}`
	body := func(size int) string { return `{"type":"a","data":"` + strings.Repeat("x", size-len(rest)) + `"}` }
	r.post("/v1/events", body(1<<20)).is(http.StatusAccepted)
	if got := len(r.intake.last().Data); got != 1<<20-len(rest)+2 {
		t.Errorf("%d bytes of data", got)
	}
	r.post("/v1/events", body(1<<20+1)).is(http.StatusRequestEntityTooLarge)
}

func TestARefusingIntakeIsPassedOn(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	for _, c := range []struct {
		err    *webhook.Error
		status int
		after  string
	}{
		{&webhook.Error{Kind: webhook.RateLimited, Code: "backlog_full", Detail: "too much", RetryAfter: 1500 * time.Millisecond}, 429, "2"},
		{&webhook.Error{Kind: webhook.Unavailable, Code: "disk_full", Detail: "no room", RetryAfter: 30 * time.Second}, 503, "30"},
	} {
		r.intake.refuse = c.err
		for _, a := range []*answer{r.post("/v1/events", `{"type":"a","data":1}`), r.post("/v1/events/batch", `[{"type":"a","data":1}]`)} {
			a.is(c.status).equal("code", c.err.Code).equal("detail", c.err.Detail)
			if got := a.header.Get("Retry-After"); got != c.after {
				t.Errorf("Retry-After %q, want %q", got, c.after)
			}
		}
	}
}

func TestTheTraceOfTheRequestIsTheEvents(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	const parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
	r.do(call{method: "POST", path: "/v1/events", body: `{"type":"a","data":1}`, header: map[string]string{"traceparent": parent}}).is(202)
	if got := r.intake.last().TraceParent; got != parent {
		t.Errorf("TraceParent %q, want %q", got, parent)
	}
}

func TestDataDoesNotShareMemoryWithOtherRequests(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.post("/v1/events", `{"type":"a","data":"first"}`).is(202)
	first := r.intake.last()
	r.post("/v1/events", `{"type":"a","data":"other"}`).is(202)
	if !bytes.Equal(first.Data, []byte(`"first"`)) {
		t.Errorf("data changed to %s", first.Data)
	}
}
