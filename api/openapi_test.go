package api_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/danielgtaylor/huma/v2"
)

var update = flag.Bool("update", false, "write testdata anew")

func TestTheOpenAPIDocumentIsTheGoldenOne(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	a := r.do(call{method: "GET", path: "/openapi.json", as: "-"}).is(http.StatusOK)
	if got := a.header.Get("Content-Type"); got != "application/openapi+json" {
		t.Errorf("Content-Type %q", got)
	}
	var got bytes.Buffer
	if err := json.Indent(&got, a.text, "", "  "); err != nil {
		t.Fatal(err)
	}
	golden := filepath.Join("testdata", "openapi.json")
	if *update {
		if err := os.WriteFile(golden, got.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got.Bytes(), want) {
		t.Error("the document has changed; look at what -update makes of it")
	}
}

func TestTheDocumentIsServedAsYAML(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	a := r.do(call{method: "GET", path: "/openapi.yaml", as: "-"}).is(http.StatusOK)
	if !strings.Contains(string(a.text), "\n  /v1/events:\n") {
		t.Errorf("%.300s", a.text)
	}
}

func TestTheDocumentHasTheRoutesOfTheTable(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	undocumented := []string{"/metrics", "/openapi.json", "/openapi.yaml", "/docs", "/docs/{file}"}
	want := map[string]string{}
	for _, line := range r.routes {
		if !slices.Contains(undocumented, line.Path) {
			want[line.Method+" "+line.Path] = line.Name
		}
	}
	got := map[string]string{}
	for key, op := range r.operations() {
		got[key] = op.OperationID
	}
	for key, name := range want {
		if got[key] != name {
			t.Errorf("%s is %q in the document, %q in the table", key, got[key], name)
		}
	}
	if len(got) != len(want) {
		t.Errorf("%d routes in the document, %d in the table", len(got), len(want))
	}
}

func TestEveryOperationIsDescribed(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	for key, op := range r.operations() {
		if op.Summary == "" || len(op.Tags) != 1 {
			t.Errorf("%s has summary %q and tags %v", key, op.Summary, op.Tags)
		}
		open := strings.HasSuffix(key, "z")
		if open != (len(op.Security) == 0) {
			t.Errorf("%s has security %v", key, op.Security)
		}
		for _, p := range op.Parameters {
			if p.Description == "" || p.Schema == nil {
				t.Errorf("%s does not describe its parameter %s", key, p.Name)
			}
		}
		for status, response := range op.Responses {
			if response.Description == "" || status != "204" && len(response.Content) == 0 {
				t.Errorf("%s does not describe its answer %s", key, status)
			}
			for _, media := range response.Content {
				if media.Schema == nil || media.Schema.Ref == "" {
					t.Errorf("%s has no schema for its answer %s", key, status)
				}
			}
		}
	}
}

func TestEveryReferenceOfTheDocumentHasItsSchemaAndEverySchemaIsUsed(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	text := string(r.do(call{method: "GET", path: "/openapi.json"}).is(http.StatusOK).text)
	schemas := r.doc.Components.Schemas.Map()
	for name := range schemas {
		if !strings.Contains(text, `"#/components/schemas/`+name+`"`) {
			t.Errorf("nothing uses the schema %s", name)
		}
	}
	for _, part := range strings.Split(text, `"#/components/schemas/`)[1:] {
		name, _, _ := strings.Cut(part, `"`)
		if schemas[name] == nil {
			t.Errorf("there is no schema %s", name)
		}
	}
}

// operations are the documented ones by method and path.
func (r *rig) operations() map[string]*huma.Operation {
	all := map[string]*huma.Operation{}
	for path, item := range r.doc.Paths {
		for method, op := range map[string]*huma.Operation{
			"GET": item.Get, "POST": item.Post, "PUT": item.Put, "PATCH": item.Patch, "DELETE": item.Delete,
		} {
			if op != nil {
				all[method+" "+path] = op
			}
		}
	}
	return all
}
