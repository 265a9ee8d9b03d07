package api_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/postrider/postrider/api"
)

func TestABatchIsAcceptedWithAResultForEachEvent(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	endpoint := r.endpoint("")
	array := `[{"id":"a","type":"x","data":{ "n" : 1 }}, {"id":"b","type":"y","data":"2"},{"id":"c","type":"z","data":null,"tenant":"acme"}]`
	a := r.post("/v1/events/batch", array).is(http.StatusAccepted).equal("accepted", 3).equal("failed", 0)
	for i, want := range []string{"a", "b", "acme/c"} {
		at := fmt.Sprintf("data.%d.", i)
		a.equal(at+"index", i).equal(at+"status", 202).equal(at+"event.workflow_id", want).equal(at+"event.duplicate", false).equal(at+"error", nil)
	}
	a.equal("data.0.event.endpoint_ids", []string{endpoint}).equal("data.2.event.endpoint_ids", []string{})
	if got := string(r.intake.posted[0].Data); got != `{ "n" : 1 }` {
		t.Errorf("data %q", got)
	}
	r.post("/v1/events/batch", array).is(202).equal("accepted", 3).equal("data.1.event.duplicate", true)
}

func TestABatchMayBeNDJSON(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	lines := "{\"id\":\"a\",\"type\":\"x\",\"data\":{ \"n\" :\t1 }}\r\n\n  \n{\"id\":\"b\",\"type\":\"x\",\"data\":2}\nnot json\n{\"id\":\"d\",\"type\":\"x\",\"data\":\"\xff\"}\n{\"id\":\"e\",\"type\":\"x\",\"data\":5}"
	a := r.do(call{method: "POST", path: "/v1/events/batch", body: lines, mediaType: "application/x-ndjson"}).is(202)
	a.equal("accepted", 3).equal("failed", 2).equal("data.2.status", 400).equal("data.2.error.code", "malformed_json").equal("data.2.event", nil).
		equal("data.3.status", 422).equal("data.3.error.errors.0.field", "data").equal("data.4.event.id", "e")
	if got := string(r.intake.posted[0].Data); got != "{ \"n\" :\t1 }" {
		t.Errorf("data %q", got)
	}
	if n := r.get("/v1/events").len("data"); n != 3 {
		t.Errorf("%d events are stored", n)
	}
}

func TestFaultyEventsOfABatchDoNotKeepTheOthersOut(t *testing.T) {
	t.Parallel()
	r := newRig(t, func(d *api.Deps) { d.MaxBodyBytes = 2000 })
	r.post("/v1/events", `{"id":"taken","type":"x","data":1}`).is(202)
	items := []string{
		`{"id":"good","type":"x","data":1}`,
		`{"id":"no good","type":"x","data":1,"z":0}`,
		`7`,
		`{"id":"taken","type":"x","data":2}`,
		`{"id":"taken","type":"x","data":1}`,
		`{"type":"x","data":"` + strings.Repeat("x", 2000) + `"}`,
		`{"id":"last","type":"x","data":1}`,
	}
	a := r.post("/v1/events/batch", "["+strings.Join(items, ",")+"]").is(202).equal("accepted", 3).equal("failed", 4)
	for i, want := range []int{202, 422, 422, 409, 202, 413, 202} {
		a.equal(fmt.Sprintf("data.%d.status", i), want).equal(fmt.Sprintf("data.%d.index", i), i)
	}
	a.equal("data.1.error.errors.0.field", "id").equal("data.1.error.errors.1.field", "z").equal("data.3.error.code", "event_exists").
		equal("data.4.event.duplicate", true).equal("data.1.error.instance", "/v1/events/batch")
}

func TestATenantsKeyMayNotPostForOthersInABatch(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	a := r.do(call{method: "POST", path: "/v1/events/batch", as: r.tenant("acme"), body: `[{"type":"x","data":1},{"type":"x","data":1,"tenant":"other"}]`}).is(202)
	a.equal("data.0.event.tenant", "acme").equal("data.1.status", 403).equal("data.1.error.code", "forbidden")
}

func TestABatchOf1000IsTheLargest(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	batch := func(n int) string {
		return "[" + strings.Join(slices.Repeat([]string{`{"type":"x","data":1}`}, n), ",") + "]"
	}
	r.post("/v1/events/batch", batch(1000)).is(202).equal("accepted", 1000)
	r.post("/v1/events/batch", batch(1001)).is(422).equal("code", "too_many_events")
	r.post("/v1/events/batch", `[]`).is(202).equal("accepted", 0).equal("data", []string{})
	r.post("/v1/events/batch", `{}`).is(422)
	r.post("/v1/events/batch", `[{}`).is(400).equal("code", "malformed_json")
}

func TestABatchMayBe16TimesAsLongAsAnEvent(t *testing.T) {
	t.Parallel()
	r := newRig(t, func(d *api.Deps) { d.MaxBodyBytes = 1000 })
	r.post("/v1/events/batch", "["+strings.Repeat(" ", 16000-2)+"]").is(202)
	r.post("/v1/events/batch", "["+strings.Repeat(" ", 16000-1)+"]").is(413)
}
