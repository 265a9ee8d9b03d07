//go:build e2e

package main

import (
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/postrider/postrider/internal/datadir"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"postrider": main})
}

// TestCommands runs testdata/script/*.txtar, which read like a manual. Besides the usual commands
// there are those of scriptCommands.
func TestCommands(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script", RequireExplicitExec: true, RequireUniqueNames: true, Cmds: scriptCommands(),
		Setup: func(env *testscript.Env) error {
			for _, name := range []string{"POSTRIDER_API", "POSTRIDER_KEY", "POSTRIDER_ADMIN_KEY", "POSTRIDER_LISTEN", "TEMPORAL_ADDRESS", "NO_COLOR"} {
				env.Setenv(name, "")
			}
			return nil
		},
	})
}

func scriptCommands() map[string]func(ts *testscript.TestScript, neg bool, args []string) {
	return map[string]func(ts *testscript.TestScript, neg bool, args []string){
		// take-port NAME: a port of 127.0.0.1 that somebody listens on, in $NAME.
		"take-port": func(ts *testscript.TestScript, _ bool, args []string) {
			l := listen(ts)
			ts.Defer(func() { _ = l.Close() })
			ts.Setenv(args[0], port(l))
		},
		// free-port NAME: a port that nobody listens on.
		"free-port": func(ts *testscript.TestScript, _ bool, args []string) {
			l := listen(ts)
			ts.Setenv(args[0], port(l))
			ts.Check(l.Close())
		},
		// lock-data-dir DIR: a data directory that another process works in.
		"lock-data-dir": func(ts *testscript.TestScript, _ bool, args []string) {
			dir, err := datadir.Open(ts.MkAbs(args[0]))
			ts.Check(err)
			ts.Defer(func() { _ = dir.Close() })
		},
		// serve-answer NAME STATUS FILE: an API that gives everybody this answer; its address is in $NAME.
		"serve-answer": func(ts *testscript.TestScript, _ bool, args []string) {
			answer := []byte(ts.ReadFile(args[2]))
			status := map[string]int{"200": 200, "202": 202, "401": 401, "404": 404, "422": 422, "503": 503}[args[1]]
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(status)
				_, _ = w.Write(answer)
			}))
			ts.Defer(server.Close)
			ts.Setenv(args[0], server.URL)
		},
		// no-files DIR: nothing is in the directory, or it is not there.
		"no-files": func(ts *testscript.TestScript, _ bool, args []string) {
			entries, err := os.ReadDir(ts.MkAbs(args[0]))
			if err == nil && len(entries) > 0 {
				ts.Fatalf("%s has %d files, such as %s", args[0], len(entries), entries[0].Name())
			}
		},
		// one-line FILE: the file holds one line.
		"one-line": func(ts *testscript.TestScript, _ bool, args []string) {
			text := ts.ReadFile(args[0])
			lines := 0
			for _, c := range text {
				if c == '\n' {
					lines++
				}
			}
			if lines != 1 || text[len(text)-1] != '\n' {
				ts.Fatalf("not one line: %q", text)
			}
		},
	}
}

func listen(ts *testscript.TestScript) net.Listener {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	ts.Check(err)
	return l
}

func port(l net.Listener) string {
	_, port, _ := net.SplitHostPort(l.Addr().String())
	return port
}
