package api_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"testing"
)

// answer is what came back.
type answer struct {
	t      *testing.T
	call   call
	status int
	header http.Header
	text   []byte
}

func (a *answer) String() string { return a.call.method + " " + a.call.path }

// is fails the test unless the status is the wanted one.
func (a *answer) is(status int) *answer {
	a.t.Helper()
	if a.status != status {
		a.t.Fatalf("%s %s: status %d, want %d: %s", a, a.call.body, a.status, status, a.text)
	}
	return a
}

// at is the value at a path such as "data.0.id" in the answer; nil if there is none.
func (a *answer) at(path string) any {
	a.t.Helper()
	var value any
	d := json.NewDecoder(bytes.NewReader(a.text))
	if err := d.Decode(&value); err != nil {
		a.t.Fatalf("%s: %v in %q", a, err, a.text)
	}
	for name := range strings.SplitSeq(path, ".") {
		switch v := value.(type) {
		case map[string]any:
			value = v[name]
		case []any:
			i, err := strconv.Atoi(name)
			if err != nil || i >= len(v) {
				return nil
			}
			value = v[i]
		default:
			return nil
		}
	}
	return value
}

// str is the string at a path; empty if there is none.
func (a *answer) str(path string) string {
	a.t.Helper()
	s, _ := a.at(path).(string)
	return s
}

// len is the length of the list at a path.
func (a *answer) len(path string) int {
	a.t.Helper()
	l, _ := a.at(path).([]any)
	return len(l)
}

// equal fails the test unless the value at the path is the wanted one.
func (a *answer) equal(path string, want any) *answer {
	a.t.Helper()
	if n, ok := want.(int); ok {
		want = float64(n)
	}
	got, _ := json.Marshal(a.at(path))
	if w, _ := json.Marshal(want); !bytes.Equal(got, w) {
		a.t.Errorf("%s: %s is %s, want %s", a, path, got, w)
	}
	return a
}

// fields is the faulty fields of a problem, in order.
func (a *answer) fields() []string {
	a.t.Helper()
	var p struct {
		Errors []struct{ Field, Detail string }
	}
	if err := json.Unmarshal(a.text, &p); err != nil {
		a.t.Fatalf("%s: %v in %q", a, err, a.text)
	}
	fields := []string{}
	for _, e := range p.Errors {
		if e.Detail == "" {
			a.t.Errorf("%s: field %s has no detail", a, e.Field)
		}
		fields = append(fields, e.Field)
	}
	return fields
}
