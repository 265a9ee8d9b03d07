//go:build integration

package postgres_test

import (
	"context"
	"database/sql"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/postrider/postrider/store"
	"github.com/postrider/postrider/store/postgres"
	"github.com/postrider/postrider/webhook"
)

// judgeQueries calls whatever reads, with every filter, and asks Postgres for the plans of the
// statements that it came upon. Tables are empty, so it would rather read them whole; it is told
// that this costs much, and does it only where no index would do.
func judgeQueries(t *testing.T, url string) {
	t.Helper()
	statements := &recorder{texts: map[string]bool{}}
	db, err := postgres.OpenTraced(t.Context(), url, statements)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	readAll(t, db)
	if len(statements.texts) < 50 {
		t.Fatalf("only %d statements were seen", len(statements.texts))
	}
	pool := connect(t, url)
	pool.SetMaxOpenConns(1)
	for _, setting := range []string{"enable_seqscan = off", "enable_sort = off", "plan_cache_mode = force_generic_plan"} {
		if _, err := pool.ExecContext(t.Context(), "SET "+setting); err != nil {
			t.Fatal(err)
		}
	}
	for _, text := range slices.Sorted(maps.Keys(statements.texts)) {
		if !strings.HasPrefix(text, "SELECT") && !strings.HasPrefix(text, "WITH") || strings.Contains(text, "pg_advisory") {
			continue
		}
		if plan := explain(t, pool, text); regexp.MustCompile(`Seq Scan on (\w+)`).MatchString(plan) {
			t.Errorf("reads a whole table:\n%s\n%s", text, plan)
		}
	}
}

// recorder remembers the text of every statement.
type recorder struct{ texts map[string]bool }

func (r *recorder) TraceQueryStart(ctx context.Context, _ *pgx.Conn, d pgx.TraceQueryStartData) context.Context {
	r.texts[d.SQL] = true
	return ctx
}

func (r *recorder) TraceQueryEnd(context.Context, *pgx.Conn, pgx.TraceQueryEndData) {}

func explain(t *testing.T, pool *sql.DB, text string) string {
	t.Helper()
	if _, err := pool.ExecContext(t.Context(), "PREPARE judged AS "+text); err != nil {
		t.Fatal(fmt.Errorf("%s: %w", text, err))
	}
	defer func() { _, _ = pool.ExecContext(t.Context(), "DEALLOCATE judged") }()
	arguments := ""
	if n := len(uniqueParameters(text)); n > 0 {
		arguments = "(" + strings.TrimSuffix(strings.Repeat("NULL,", n), ",") + ")"
	}
	rows, err := pool.QueryContext(t.Context(), "EXPLAIN EXECUTE judged"+arguments, pgx.QueryExecModeSimpleProtocol)
	if err != nil {
		t.Fatal(fmt.Errorf("%s: %w", text, err))
	}
	defer rows.Close()
	var lines []string
	for rows.Next() {
		var line string
		if err := rows.Scan(&line); err != nil {
			t.Fatal(err)
		}
		lines = append(lines, line)
	}
	return strings.Join(lines, "\n")
}

func uniqueParameters(text string) map[string]bool {
	found := map[string]bool{}
	for _, p := range regexp.MustCompile(`\$\d+`).FindAllString(text, -1) {
		found[p] = true
	}
	return found
}

// readAll calls the store's methods that read, on an empty store; errors do not matter.
func readAll(t *testing.T, db store.Store) {
	t.Helper()
	ctx := t.Context()
	now := time.Now()
	times := []store.TimeRange{{}, {From: now, To: now}}
	for _, tenant := range []string{"", "a"} {
		for _, key := range []int64{0, 1} {
			for _, r := range times {
				for _, s := range []webhook.EventState{"", webhook.EventDelivered, webhook.EventExhausted} {
					_, _ = db.ListEvents(ctx, store.EventQuery{Tenant: tenant, EndpointKey: key, State: s, CreatedAt: r, Type: "x"})
				}
				for _, uid := range []int64{0, 1} {
					for _, s := range []webhook.DeliveryState{"", webhook.DeliveryDelivered, webhook.DeliveryHeld} {
						_, _ = db.ListDeliveries(ctx, store.DeliveryQuery{Tenant: tenant, EndpointKey: key, EventUID: uid, State: s, CreatedAt: r})
					}
					_, _ = db.ListAttempts(ctx, store.AttemptQuery{Tenant: tenant, EndpointKey: key, EventUID: uid, StartedAt: r, Outcome: "x"})
				}
			}
		}
		_, _ = db.ListEndpoints(ctx, store.EndpointQuery{Tenant: tenant, State: "x"})
		_, _ = db.ListAPIKeys(ctx, tenant, store.PageQuery{})
	}
	_, _ = db.ListTenants(ctx, store.PageQuery{})
	_, _ = db.ListEventTypes(ctx, "a", store.PageQuery{})
	_, _ = db.LoadWork(ctx, 1, true)
	_, _ = db.LoadDelivery(ctx, 1, 1)
	_, _ = db.Event(ctx, "a", "b")
	_, _ = db.EventData(ctx, 1)
	_, _ = db.WaitingEndpoints(ctx, 1)
	_, _ = db.Waiting(ctx, 1, 1, 1, 1)
	_, _ = db.Outbox(ctx, 1, store.OutboxWish, 1, 1)
	_, _ = db.Outbox(ctx, 1, store.OutboxDelivered, 1, 1)
	_, _ = db.Overdue(ctx, now, 1)
	_, _ = db.Completed(ctx, []int64{1}, now)
	_, _ = db.Backlog(ctx, 1)
	_, _ = db.OutOfStep(ctx, 10)
	_, _ = db.Release(ctx, 1, []webhook.WaitingFor{webhook.WaitingForPaused}, 1, 1, now)
	_, _ = db.WishEndpoint(ctx, 1, webhook.WishCancel, "", 1, 1, now)
	_, _ = db.ExpireHeld(ctx, now, now, 1)
	_, _ = db.DeleteEvents(ctx, now, 1)
	_, _, _ = db.TakeOver(ctx, 1, time.Second, 1)
	_, _, _ = db.TenantEndpoints(ctx, "a")
	_, _ = db.EndpointsChanged(ctx, now)
	_, _ = db.EndpointStats(ctx, 1, now)
	_, _ = db.Endpoint(ctx, "a", "b")
	_, _ = db.EndpointByKey(ctx, 1)
	_, _ = db.APIKeyByHash(ctx, [32]byte{})
	_ = db.APIKeyUsed(ctx, "x", now)
	_ = db.Apply(ctx, []store.Change{{}})
	_, _ = db.Accept(ctx, []store.NewEvent{{Tenant: "a", ID: "x", EndpointsVersion: 9}})
}
