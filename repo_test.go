// Package postrider_test holds the rules that a machine can keep about this repository as a whole.
package postrider_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/postrider/postrider/"

// arrows are the dependency rule, package by package: what a package and those below it may import
// of the module, or of anything at all. A trailing … matches everything below.
func arrows() []arrow {
	above := []string{"@cmd/…", "@api", "@worker", "@internal/dispatch", "@internal/engine", "@console"}
	return []arrow{
		{of: "webhook", only: []string{"std", "github.com/oklog/ulid/v2"}},
		{of: "signing/…", only: []string{"std"}},
		{of: "workflows", only: []string{
			"cmp", "errors", "fmt", "maps", "slices", "sort", "strings", "time",
			"go.temporal.io/sdk/…", "go.temporal.io/api/…", "@webhook", "@activities",
		}},
		{of: "workflows", never: []string{"go.temporal.io/sdk/client", "go.temporal.io/sdk/worker"}},
		{of: "activities", never: append(above, "@store/…", "@sender", "@workflows", "database/sql", "net/http", "net", "github.com/gin-gonic/…", "github.com/jackc/…", "modernc.org/…")},
		{of: "api/…", never: []string{"@cmd/…", "@internal/dispatch", "@internal/engine", "@worker", "@workflows", "@activities", "@store/sqlite", "@store/postgres", "go.temporal.io/…"}},
		{of: "store/…", never: append(above, "@sender", "@workflows", "@activities", "go.temporal.io/…", "github.com/gin-gonic/…")},
		{of: "sender/…", never: append(above, "@store/…", "@workflows", "@activities", "go.temporal.io/…")},
		{of: "internal/config", never: append(above, "@store/…", "@sender", "go.temporal.io/…")},
		{of: "internal/datadir", only: []string{"std", "github.com/google/uuid"}},
		{of: "internal/telemetry", never: append(above, "@store/…", "@sender", "@workflows", "@activities", "go.temporal.io/…")},
		{of: "internal/engine/…", never: []string{"@cmd/…", "@api", "@store/…", "@internal/dispatch"}},
		{of: "internal/dispatch", never: []string{"@cmd/…", "@api", "@store/sqlite", "@store/postgres", "@internal/engine", "go.temporal.io/server/…"}},
		{of: "…", never: []string{"@cmd/…"}, but: []string{"cmd/…"}},
		{of: "…", never: []string{"github.com/gin-gonic/…", "github.com/danielgtaylor/huma/…"}, but: []string{"api/…"}},
		{of: "…", never: []string{"go.temporal.io/server/…", "github.com/temporalio/ui-server/…"}, but: []string{"internal/engine/…", "bench/multiply", "bench/stock"}},
		{of: "…", never: []string{"go.temporal.io/sdk/client"}, but: []string{"internal/engine/…", "internal/dispatch", "worker", "cmd/…", "bench/…", "internal/testkit/…"}},
		{of: "…", never: []string{"@internal/testkit/…", "@store/storetest", "testing", "github.com/stretchr/testify/…"}, but: []string{"internal/testkit/…", "store/storetest", "test/…", "cmd/postrider"}},
		// The demo delivers to the scripted receiver.
		{of: "cmd/postrider", never: []string{"@internal/testkit/temporaltest", "@store/storetest", "testing", "github.com/stretchr/testify/…"}},
		{of: "internal/testkit/receiver", never: []string{"testing"}},
	}
}

// arrow is one rule for the non-test imports of a package.
type arrow struct {
	of    string   // the packages that it is about
	only  []string // nothing else may be imported
	never []string // these may not be imported
	but   []string // packages that it is not about
}

func (a arrow) allows(imported string) bool {
	if a.only != nil {
		return matchesAny(a.only, imported)
	}
	return !matchesAny(a.never, imported)
}

func (a arrow) concerns(pkg string) bool { return matches(a.of, pkg) && !matchesAny(a.but, pkg) }

func TestImportsFollowTheArrows(t *testing.T) {
	t.Parallel()
	rules := arrows()
	for _, p := range packages(t) {
		name := strings.TrimPrefix(p.ImportPath, module)
		for _, rule := range rules {
			if !rule.concerns(name) {
				continue
			}
			for _, imported := range p.Imports {
				if !rule.allows(imported) {
					t.Errorf("%s imports %s", name, imported)
				}
			}
		}
	}
}

func TestTheRulesAreAboutPackagesThatExist(t *testing.T) {
	t.Parallel()
	all := packages(t)
	for _, must := range []string{"webhook", "store"} {
		if !slices.ContainsFunc(all, func(p pkg) bool { return p.ImportPath == module+must }) {
			t.Errorf("go list does not know %s: no rule is being checked", must)
		}
	}
}

func TestEveryPackageHasOneDocComment(t *testing.T) {
	t.Parallel()
	docs := map[string][]string{}
	for _, file := range goFiles(t) {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.PackageClauseOnly|parser.ParseComments)
		if err != nil {
			t.Error(err)
			continue
		}
		dir := path.Dir(file)
		docs[dir] = append(docs[dir], docOf(t, file, parsed)...)
	}
	for dir, files := range docs {
		if len(files) != 1 {
			t.Errorf("%s has %d doc comments: %v", dir, len(files), files)
		}
	}
}

// docOf is the file if it has the package's doc comment.
func docOf(t *testing.T, file string, parsed *ast.File) []string {
	t.Helper()
	if parsed.Doc == nil {
		return nil
	}
	text := parsed.Doc.Text()
	if want := "Package " + parsed.Name.Name + " "; parsed.Name.Name != "main" && !strings.HasPrefix(text, want) {
		t.Errorf("%s: doc comment does not begin with %q", file, want)
	}
	return []string{file}
}

func TestNoFileIsTooLong(t *testing.T) {
	t.Parallel()
	const limit = 600
	for _, file := range goFiles(t) {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if n := bytes.Count(text, []byte("\n")); n > limit && !generated(text) {
			t.Errorf("%s has %d lines; more than %d is two files", file, n, limit)
		}
	}
}

// generated follows https://go.dev/s/generatedcode.
func generated(text []byte) bool {
	for line := range strings.SplitSeq(string(text), "\n") {
		if strings.HasPrefix(line, "// Code generated ") && strings.HasSuffix(line, " DO NOT EDIT.") {
			return true
		}
	}
	return false
}

// pkg is what go list says of a package, as far as it is needed here.
type pkg struct {
	ImportPath string
	Imports    []string
}

func packages(t *testing.T) []pkg {
	t.Helper()
	var stderr bytes.Buffer
	// -e: a package that does not build yet is checked all the same.
	cmd := exec.CommandContext(t.Context(), "go", "list", "-e", "-json=ImportPath,Imports", "./...")
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v\n%s", err, &stderr)
	}
	var all []pkg
	for decoder := json.NewDecoder(bytes.NewReader(out)); ; {
		var p pkg
		if err := decoder.Decode(&p); errors.Is(err, io.EOF) {
			return all
		} else if err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
}

func goFiles(t *testing.T) []string {
	t.Helper()
	var files []string
	err := filepath.WalkDir(".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		base := entry.Name()
		if entry.IsDir() && name != "." && (strings.HasPrefix(base, ".") || base == "testdata" || base == "node_modules") {
			return filepath.SkipDir
		}
		if !entry.IsDir() && strings.HasSuffix(base, ".go") {
			files = append(files, filepath.ToSlash(name))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func matchesAny(patterns []string, name string) bool {
	return slices.ContainsFunc(patterns, func(p string) bool { return matches(p, name) })
}

// matches reports whether the package is the pattern: itself, "std" for the standard library, "…" at
// the end for everything below as well; @ stands for this module.
func matches(pattern, name string) bool {
	if pattern == "std" {
		first, _, _ := strings.Cut(name, "/")
		return !strings.Contains(first, ".")
	}
	pattern = strings.Replace(pattern, "@", module, 1)
	if prefix, ok := strings.CutSuffix(pattern, "…"); ok {
		return strings.HasPrefix(name+"/", prefix)
	}
	return name == pattern
}

func TestPatterns(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		pattern, name string
		want          bool
	}{
		{"std", "net/http", true},
		{"std", "github.com/x/y", false},
		{"@store", module + "store", true},
		{"@store", module + "store/sqlite", false},
		{"@store/…", module + "store", true},
		{"@store/…", module + "store/sqlite", true},
		{"@store/…", module + "storehouse", false},
		{"go.temporal.io/sdk/…", "go.temporal.io/sdk/client", true},
		{"…", "anything", true},
	} {
		if got := matches(tc.pattern, tc.name); got != tc.want {
			t.Errorf("%s on %s: got %v", tc.pattern, tc.name, got)
		}
	}
}
