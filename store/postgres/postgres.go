// Package postgres keeps Postrider's facts in a Postgres database, which several nodes may share.
//
// Accept and Apply are gathered, each by a goroutine of its own, into one transaction for all
// callers that wait, with one statement for each table. Whoever changes deliveries locks their
// events first, in the order of their keys; whoever changes a tenant's endpoints locks the tenant,
// which Accept holds in share mode. So the nodes do not need to know of each other.
package postgres

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/postrider/postrider/store"
	"github.com/postrider/postrider/store/internal/sqldb"
	"github.com/postrider/postrider/webhook"
)

// Options of Open. The zero value works.
type Options struct {
	MaxConnections int // default: 16
	// Committed is told of every group commit: how many calls it served and how long it took.
	Committed func(calls int, took time.Duration) // default: nobody is told

	tracer pgx.QueryTracer // tests look at statements
}

const (
	defaultMaxConnections = 16
	connectTimeout        = 10 * time.Second
	statementTimeout      = 30 * time.Second
	idleInTransaction     = time.Minute
)

// DB is a store.Store in a Postgres database.
type DB struct {
	*sqldb.Store

	id      string
	pool    *sql.DB
	accepts *committer[*acceptOp]
	changes *committer[*changeOp]

	background sync.WaitGroup
}

var _ store.Store = (*DB)(nil)

// Open connects to the database and migrates it.
func Open(ctx context.Context, url string, opts Options) (*DB, error) {
	if err := Migrate(ctx, url); err != nil {
		return nil, err
	}
	db, err := open(ctx, url, opts)
	if err != nil {
		return nil, fmt.Errorf("open database: %w", err)
	}
	return db, nil
}

func open(ctx context.Context, url string, opts Options) (*DB, error) {
	pool, err := connect(url, opts.tracer, map[string]string{
		"statement_timeout":                   milliseconds(statementTimeout),
		"idle_in_transaction_session_timeout": milliseconds(idleInTransaction),
	})
	if err != nil {
		return nil, err
	}
	n := opts.MaxConnections
	if n <= 0 {
		n = defaultMaxConnections
	}
	pool.SetMaxOpenConns(n)
	pool.SetMaxIdleConns(n)
	db := &DB{pool: pool}
	db.Store = sqldb.New(db, dialect())
	db.accepts = newCommitter(pool, opts.Committed, db.acceptAll, func(o *acceptOp) int { return o.weight })
	db.changes = newCommitter(pool, opts.Committed, db.changeAll, func(o *changeOp) int { return 2*len(o.changes) + len(o.done) })
	err = db.Write(ctx, func(tx sqldb.Querier) (err error) {
		db.id, err = sqldb.StoreID(ctx, tx)
		return err
	})
	if err != nil {
		return nil, errors.Join(err, pool.Close())
	}
	db.background.Go(db.accepts.run)
	db.background.Go(db.changes.run)
	return db, nil
}

// connect opens a pool whose connections have the given settings, where the URL does not say otherwise.
func connect(url string, tracer pgx.QueryTracer, settings map[string]string) (*sql.DB, error) {
	config, err := pgx.ParseConfig(url)
	if err != nil {
		return nil, webhook.Errorf(webhook.Invalid, "database_url", "the database URL is not valid: %s", redacted(err))
	}
	config.Tracer = tracer
	if config.ConnectTimeout == 0 {
		config.ConnectTimeout = connectTimeout
	}
	for name, value := range settings {
		if _, ok := config.RuntimeParams[name]; !ok {
			config.RuntimeParams[name] = value
		}
	}
	if _, ok := config.RuntimeParams["application_name"]; !ok {
		config.RuntimeParams["application_name"] = "postrider"
	}
	return stdlib.OpenDB(*config), nil
}

// redacted is what the error says without the URL, which may hold a password.
func redacted(err error) string {
	if inner := errors.Unwrap(err); inner != nil {
		return inner.Error()
	}
	return "it cannot be parsed"
}

func milliseconds(d time.Duration) string { return strconv.FormatInt(d.Milliseconds(), 10) }

// ID implements store.Store.
func (db *DB) ID() string { return db.id }

// LogBytes implements store.Dispatch: the server sees to its log.
func (db *DB) LogBytes() int64 { return 0 }

// Close implements store.Store. Calls that come later err.
func (db *DB) Close() error {
	db.accepts.queue.Stop()
	db.changes.queue.Stop()
	db.background.Wait()
	_ = db.pool.Close() // a server that can't be told has nothing to lose by it
	return nil
}

// Compact implements store.Retention: autovacuum does it.
func (db *DB) Compact(context.Context) error { return nil }

// Reader implements sqldb.Backend.
func (db *DB) Reader() sqldb.Querier { return db.pool }

// Lister implements sqldb.Backend.
func (db *DB) Lister() sqldb.Querier { return db.pool }

// Snapshot implements sqldb.Backend.
func (db *DB) Snapshot(ctx context.Context, read func(sqldb.Querier) error) error {
	tx, err := db.pool.BeginTx(ctx, &sql.TxOptions{Isolation: sql.LevelRepeatableRead, ReadOnly: true})
	if err != nil {
		return err
	}
	defer tx.Rollback() //nolint:errcheck // it has written nothing
	return read(tx)
}

// Write implements sqldb.Backend.
func (db *DB) Write(ctx context.Context, write func(sqldb.Querier) error) error {
	return transact(ctx, db.pool, func(tx *sql.Tx) error { return write(tx) })
}

// NextKeys implements sqldb.Backend.
func (db *DB) NextKeys(ctx context.Context, tx sqldb.Querier, n int) ([]int64, error) {
	rows, err := tx.QueryContext(ctx, `SELECT nextval('keys') FROM generate_series(1, $1)`, n)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	keys := make([]int64, 0, n)
	for rows.Next() {
		var key int64
		if err := rows.Scan(&key); err != nil {
			return nil, err
		}
		keys = append(keys, key)
	}
	return keys, rows.Err()
}

// outboxLock is the class of the advisory locks of OrderOutbox ("Post" in ASCII).
const outboxLock = 0x506f7374

// OrderOutbox implements sqldb.Backend. Keys are taken from the sequence before the rows that have
// them are committed; the lock makes that one step.
func (db *DB) OrderOutbox(ctx context.Context, tx sqldb.Querier, owners []int64) error {
	for _, owner := range owners {
		_, err := tx.ExecContext(ctx, `SELECT pg_advisory_xact_lock($1, $2)`, int32(outboxLock), int32(owner))
		if err != nil {
			return err
		}
	}
	return nil
}

func dialect() sqldb.Dialect {
	return sqldb.Dialect{
		Now:        "CAST(extract(epoch FROM clock_timestamp()) * 1000000 AS BIGINT)",
		ForUpdate:  " FOR UPDATE",
		SkipLocked: " SKIP LOCKED",
		In: func(column string, parameter int, keys []int64) (string, any) {
			return fmt.Sprintf("%s = ANY($%d)", column, parameter), keys
		},
	}
}
