//go:build integration

package engine_test

import (
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"go.temporal.io/sdk/client"

	"github.com/postrider/postrider/internal/engine"
	postgrestest "github.com/postrider/postrider/internal/testkit/postgres"
	"github.com/postrider/postrider/internal/testkit/temporaltest"
)

// TestPostgres is what onEach runs on the other stores, and what there is to say of this one.
func TestPostgres(t *testing.T) {
	pg := postgrestest.Start(t)
	newDatabase = func(t *testing.T) string { return pg.Database(t) }
	for name, test := range map[string]func(*testing.T){
		"a pending activity can be paused, unpaused and reset": func(t *testing.T) { pauseUnpauseReset(t, engine.Postgres) },
		"a restart keeps workflows":                            func(t *testing.T) { restart(t, engine.Postgres) },
		"workflows are listed and counted":                     func(t *testing.T) { listAndCount(t, engine.Postgres) },
		"a database is where the engine's data goes":           goesToTheDatabase,
		"a directory with data goes on with it":                goesOnInTheDirectory,
		"contradictions are refused":                           contradictions,
		"another process on the database is refused":           secondProcess,
		"a lock that was lost is taken again":                  lostLock,
		"a lock that another took ends the process":            lockTaken,
		"a newer schema is refused":                            newerSchema,
		"older schemas are brought up to date":                 olderSchemas,
		"a set-up that fails leaves nothing":                   failedSetUp,
		"a role without rights is told what to do":             withoutRights,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t)
		})
	}
	t.Cleanup(func() { stopShared(engine.Postgres) }) // before its database goes
}

func startRefused(t *testing.T, cfg engine.Config) string {
	t.Helper()
	cfg.Listen, cfg.UIListen = "127.0.0.1:0", engine.Off
	s, err := engine.Start(t.Context(), cfg)
	if err == nil {
		s.Stop()
		t.Fatal("it was started")
	}
	if strings.Contains(err.Error(), "\n") {
		t.Errorf("more than a line: %v", err)
	}
	return err.Error()
}

func wantRefused(t *testing.T, cfg engine.Config, want string) {
	t.Helper()
	if got := startRefused(t, cfg); !strings.Contains(got, want) {
		t.Errorf("got %s, want %s", got, want)
	}
}

func connectTo(t *testing.T, url string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(t.Context()) })
	return conn
}

func executeOn(t *testing.T, url string, statements ...string) {
	t.Helper()
	conn := connectTo(t, url)
	for _, statement := range statements {
		if _, err := conn.Exec(t.Context(), statement); err != nil {
			t.Fatalf("%s: %v", statement, err)
		}
	}
}

func valueOn(t *testing.T, url, query string) (v string) {
	t.Helper()
	if err := connectTo(t, url).QueryRow(t.Context(), query).Scan(&v); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return v
}

const wait = 3 * time.Second

const engineTables = `SELECT count(*)::text FROM pg_tables WHERE schemaname LIKE 'postrider\_temporal%'`

func goesToTheDatabase(t *testing.T) {
	cfg := engine.Config{Dir: t.TempDir(), DatabaseURL: newDatabase(t), UIListen: engine.Off}
	s := temporaltest.StartWith(t, cfg)
	start(t, temporaltest.Dial(t, s), "one", "DeliverEvent")
	if got := valueOn(t, cfg.DatabaseURL, `SELECT count(*)::text FROM postrider_temporal.executions`); got == "0" {
		t.Error("the workflow is not in the database")
	}
	if got := valueOn(t, cfg.DatabaseURL, `SELECT count(*)::text FROM pg_tables WHERE schemaname = 'public'`); got != "0" {
		t.Errorf("%s tables are among those of the store", got)
	}
}

func goesOnInTheDirectory(t *testing.T) {
	cfg := engine.Config{Dir: t.TempDir(), Store: engine.Pebble, UIListen: engine.Off}
	temporaltest.StartWith(t, cfg).Stop()
	cfg.Store, cfg.DatabaseURL = "", newDatabase(t)
	temporaltest.StartWith(t, cfg)
	if got := valueOn(t, cfg.DatabaseURL, engineTables); got != "0" {
		t.Errorf("%s tables were made in the database", got)
	}
}

func contradictions(t *testing.T) {
	database, empty, dir := newDatabase(t), newDatabase(t), t.TempDir()
	temporaltest.StartWith(t, engine.Config{DatabaseURL: database, UIListen: engine.Off}).Stop()
	temporaltest.StartWith(t, engine.Config{Dir: dir, Store: engine.Pebble, UIListen: engine.Off}).Stop()
	for name, tc := range map[string]struct {
		cfg  engine.Config
		want string
	}{
		"it is in the database": {
			engine.Config{Dir: t.TempDir(), DatabaseURL: database, Store: engine.Pebble},
			"the engine's data in the database is in postgres, not in pebble: start with --engine-store postgres",
		},
		"it is in the directory": {
			engine.Config{Dir: dir, DatabaseURL: empty, Store: engine.Postgres},
			"is in pebble, not in postgres: start with --engine-store pebble",
		},
		"it is in both":        {engine.Config{Dir: dir, DatabaseURL: database}, "the engine has data both in " + dir + " (pebble) and in the database (postgres)"},
		"there is no database": {engine.Config{Dir: t.TempDir(), Store: engine.Postgres}, "--engine-store postgres needs --database-url"},
	} {
		t.Run(name, func(t *testing.T) { wantRefused(t, tc.cfg, tc.want) })
	}
	if got := valueOn(t, empty, engineTables); got != "0" {
		t.Errorf("%s tables were made", got)
	}
}

const taken = "another node with an embedded Temporal uses this database"

func secondProcess(t *testing.T) {
	database := newDatabase(t)
	first := temporaltest.StartWith(t, engine.Config{DatabaseURL: database, UIListen: engine.Off})
	wantRefused(t, engine.Config{Dir: t.TempDir(), DatabaseURL: database}, taken)
	wantRefused(t, engine.Config{Dir: t.TempDir(), DatabaseURL: database, Store: engine.Pebble}, taken)
	start(t, temporaltest.Dial(t, first), "unhurt", "DeliverEvent")
	first.Stop()
	temporaltest.StartWith(t, engine.Config{DatabaseURL: database, UIListen: engine.Off})
}

const (
	lockHolders = `FROM pg_locks WHERE locktype = 'advisory' AND granted
		AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`
	endLockHolder = `SELECT pg_terminate_backend(pid) ` + lockHolders
)

func lostLock(t *testing.T) {
	database := newDatabase(t)
	s := temporaltest.StartWith(t, engine.Config{DatabaseURL: database, UIListen: engine.Off})
	holder := func() string { return valueOn(t, database, `SELECT coalesce(max(pid)::text, '') `+lockHolders) }
	before := holder()
	executeOn(t, database, endLockHolder)
	await(t, "the lock to be taken again", func() bool { now := holder(); return now != "" && now != before })
	wantRefused(t, engine.Config{Dir: t.TempDir(), DatabaseURL: database}, taken)
	start(t, temporaltest.Dial(t, s), "unhurt", "DeliverEvent")
}

func lockTaken(t *testing.T) {
	database := newDatabase(t)
	s := temporaltest.StartWith(t, engine.Config{DatabaseURL: database, UIListen: engine.Off})
	other := connectTo(t, database)
	// It waits for the lock, so it is the next to have it.
	got := make(chan error, 1)
	go func() {
		_, err := other.Exec(t.Context(), fmt.Sprintf(`SELECT pg_advisory_lock(%d)`, engine.DatabaseLockKey))
		got <- err
	}()
	await(t, "the other to wait", func() bool {
		return valueOn(t, database, `SELECT count(*)::text FROM pg_locks WHERE locktype = 'advisory' AND NOT granted`) != "0"
	})
	executeOn(t, database, endLockHolder)
	if err := <-got; err != nil {
		t.Fatal(err)
	}
	if err := <-s.Failed(); err == nil || !strings.Contains(err.Error(), taken) {
		t.Errorf("got %v", err)
	}
}

func newerSchema(t *testing.T) {
	database := newDatabase(t)
	temporaltest.StartWith(t, engine.Config{DatabaseURL: database, UIListen: engine.Off}).Stop()
	executeOn(t, database, `UPDATE postrider_temporal_visibility.schema_version SET curr_version = '7.12'`)
	wantRefused(t, engine.Config{Dir: t.TempDir(), DatabaseURL: database},
		"schema postrider_temporal_visibility has version 7.12, made by a newer Postrider; this one knows ")
}

func olderSchemas(t *testing.T) {
	for _, versions := range [][2]string{{"1.0", "1.0"}, {"1.11", "1.2"}, {"1.18", "1.12"}, {"1.19", "1.13"}} {
		t.Run(versions[0]+" and "+versions[1], func(t *testing.T) {
			t.Parallel()
			database := newDatabase(t)
			if err := engine.MigratePostgresTo(t.Context(), database, versions[0], versions[1]); err != nil {
				t.Fatal(err)
			}
			s := temporaltest.StartWith(t, engine.Config{DatabaseURL: database, UIListen: engine.Off})
			start(t, temporaltest.Dial(t, s), "one", "DeliverEvent", tenant.ValueSet("acme"))
		})
	}
}

func failedSetUp(t *testing.T) {
	database := newDatabase(t)
	executeOn(t, database, `CREATE SCHEMA postrider_temporal_visibility`, `CREATE TABLE postrider_temporal_visibility.executions_visibility (x INT)`)
	wantRefused(t, engine.Config{Dir: t.TempDir(), DatabaseURL: database}, `bring schema postrider_temporal_visibility to version 1.0: ERROR: relation "executions_visibility" already exists`)
	if got := valueOn(t, database, engineTables); got != "1" {
		t.Errorf("%s tables are there", got)
	}
	executeOn(t, database, `DROP TABLE postrider_temporal_visibility.executions_visibility`)
	s := temporaltest.StartWith(t, engine.Config{DatabaseURL: database, UIListen: engine.Off})
	start(t, temporaltest.Dial(t, s), "one", "DeliverEvent")
}

func withoutRights(t *testing.T) {
	database := newDatabase(t)
	role := strings.ReplaceAll(t.Name()[:12], "/", "_") + "-role" // in need of quotes
	executeOn(t, database, `DROP ROLE IF EXISTS "`+role+`"`, `CREATE ROLE "`+role+`" LOGIN PASSWORD 'se:cr/et'`)
	u, err := url.Parse(database)
	if err != nil {
		t.Fatal(err)
	}
	u.User = url.UserPassword(role, "se:cr/et")
	cfg := engine.Config{Dir: t.TempDir(), DatabaseURL: u.String(), UIListen: engine.Off, Listen: "127.0.0.1:0"}
	said := startRefused(t, cfg)
	_, advice, _ := strings.Cut(said, "run: ")
	advice, _, ok := strings.Cut(advice, "; or ")
	if !ok || strings.Contains(said, "se:cr") {
		t.Fatalf("got %s", said)
	}
	executeOn(t, database, advice)
	start(t, temporaltest.Dial(t, temporaltest.StartWith(t, cfg)), "one", "DeliverEvent")
}

func TestPostgresThatIsAwayForAWhileHurtsNobody(t *testing.T) {
	t.Parallel()
	pg := postgrestest.Start(t)
	s := temporaltest.StartWith(t, engine.Config{DatabaseURL: pg.Database(t), UIListen: engine.Off})
	c := temporaltest.Dial(t, s)
	start(t, c, "before", "DeliverEvent")
	pg.Stop(t)
	ctx, cancel := contextWithTimeout(t, wait)
	defer cancel()
	if _, err := c.ExecuteWorkflow(ctx, client.StartWorkflowOptions{ID: "meanwhile", TaskQueue: "nobody-listens"}, "DeliverEvent"); err == nil {
		t.Error("a workflow was started without a database")
	}
	pg.Restart(t)
	await(t, "the engine to take workflows again", func() bool {
		ctx, cancel := contextWithTimeout(t, wait)
		defer cancel()
		_, err := c.ExecuteWorkflow(ctx, client.StartWorkflowOptions{ID: "after", TaskQueue: "nobody-listens"}, "DeliverEvent")
		return err == nil
	})
	for _, id := range []string{"before", "after"} {
		if _, err := c.DescribeWorkflowExecution(t.Context(), id, ""); err != nil {
			t.Error(err)
		}
	}
	select {
	case err := <-s.Failed():
		t.Error(err)
	default:
	}
}
