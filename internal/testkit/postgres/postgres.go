// Package postgrestest gives tests a PostgreSQL server: the one at POSTRIDER_TEST_POSTGRES_URL, or a
// private one made of the machine's own binaries, on a free port of 127.0.0.1, with fsync on.
package postgrestest

import (
	"context"
	"database/sql"
	"fmt"
	"net/url"
	"os"
	"sync/atomic"
	"testing"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver "pgx"
)

// URLVariable names the server to use instead of a private one: a URL of a role that may create
// databases.
const URLVariable = "POSTRIDER_TEST_POSTGRES_URL"

// RequireVariable set to 1 makes tests fail where they would be skipped for lack of a server.
const RequireVariable = "POSTRIDER_TEST_REQUIRE_ALL"

// Server is a PostgreSQL server for tests.
type Server struct {
	url     *url.URL
	cluster *cluster // nil: not ours
	made    atomic.Int64
}

// Start gives a server, which is stopped at the test's end if it is a private one. Where there is
// none and none can be made, the test is skipped, or fails if RequireVariable is set.
func Start(t testing.TB) *Server {
	t.Helper()
	if text := os.Getenv(URLVariable); text != "" {
		u, err := url.Parse(text)
		if err != nil {
			t.Fatalf("%s is not a URL", URLVariable)
		}
		return &Server{url: u}
	}
	bin, missing := findBinaries()
	if missing != "" {
		if os.Getenv(RequireVariable) == "1" {
			t.Fatalf("%s; set %s or install PostgreSQL (Debian: apt-get install postgresql)", missing, URLVariable)
		}
		t.Skipf("skipped: %s; set %s or install PostgreSQL (Debian: apt-get install postgresql)", missing, URLVariable)
	}
	c, err := startCluster(t.Context(), bin)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.remove(); err != nil {
			t.Error(err)
		}
	})
	return &Server{url: c.url(), cluster: c}
}

// Database makes an empty database and returns its URL. It does not outlive the test.
func (s *Server) Database(t testing.TB) string {
	t.Helper()
	name := fmt.Sprintf("postrider_test_%d_%d", os.Getpid(), s.made.Add(1))
	s.execute(t, context.Background(), "CREATE DATABASE "+name)
	if s.cluster == nil { // a private server goes with all that is in it
		t.Cleanup(func() { s.execute(t, context.Background(), "DROP DATABASE "+name+" WITH (FORCE)") })
	}
	u := *s.url
	u.Path = "/" + name
	return u.String()
}

// execute runs a statement on the server's own database.
func (s *Server) execute(t testing.TB, ctx context.Context, statement string) {
	t.Helper()
	pool, err := sql.Open("pgx", s.url.String())
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	if _, err := pool.ExecContext(ctx, statement); err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
}

// Stop stops a private server at once, as if its machine had gone; Restart starts it again. The
// test is skipped on a server that is not ours.
func (s *Server) Stop(t testing.TB) {
	t.Helper()
	s.own(t)
	if err := s.cluster.stop("immediate"); err != nil {
		t.Fatal(err)
	}
}

// Restart starts a private server that was stopped.
func (s *Server) Restart(t testing.TB) {
	t.Helper()
	s.own(t)
	if err := s.cluster.start(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func (s *Server) own(t testing.TB) {
	t.Helper()
	if s.cluster == nil {
		t.Skipf("skipped: the server at %s is not the test's own", URLVariable)
	}
}
