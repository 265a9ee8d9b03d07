package engine

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5"
)

// databaseLockKey is that of the advisory lock of a process with an embedded Temporal. In other nodes: never change.
const databaseLockKey int64 = 0x706f737472696465

var errDatabaseTaken = errors.New(
	"another node with an embedded Temporal uses this database; several nodes need an external one (--temporal-address)")

// databaseLock makes this process the only one with an embedded Temporal on a database, wherever that keeps its data:
// of two, each would know half of the workflows. It is a session's, so the server drops it with the connection,
// which a goroutine watches over.
type databaseLock struct {
	database *pgx.ConnConfig
	logger   *slog.Logger
	fatal    func(error)

	conn    *pgx.Conn
	session session // of conn, or of the one before
	stop    context.CancelFunc
	stopped chan struct{}
}

// session is one connection, as the database's server knows it.
type session struct {
	pid   int32
	since time.Time
}

// lockDatabase errs in one line if another process holds the lock. If it is lost to another later, fatal is told.
func lockDatabase(ctx context.Context, database *pgx.ConnConfig, logger *slog.Logger, fatal func(error)) (*databaseLock, error) {
	database = database.Copy()
	// So that the server notices within half a minute that this machine is gone.
	setDefault(database, "tcp_keepalives_idle", "10")
	setDefault(database, "tcp_keepalives_interval", "5")
	setDefault(database, "tcp_keepalives_count", "4")
	l := &databaseLock{database: database, logger: logger, fatal: fatal, stopped: make(chan struct{})}
	if err := l.take(ctx); err != nil {
		return nil, err
	}
	watching, stop := context.WithCancel(context.WithoutCancel(ctx))
	l.stop = stop
	go l.watch(watching)
	return l, nil
}

func (l *databaseLock) take(ctx context.Context) error {
	conn, err := dialDatabase(ctx, l.database)
	if err != nil {
		return err
	}
	defer func() {
		if l.conn != conn {
			_ = conn.Close(context.WithoutCancel(ctx))
		}
	}()
	mine, err := l.lock(ctx, conn)
	if err != nil {
		return err
	}
	if !mine {
		return errDatabaseTaken
	}
	const own = `SELECT pid, backend_start FROM pg_stat_activity WHERE pid = pg_backend_pid()`
	var now session
	if err := conn.QueryRow(ctx, own).Scan(&now.pid, &now.since); err != nil {
		return err
	}
	l.conn, l.session = conn, now
	return nil
}

// lock tries to get the lock, for as long as the server may take to see that the process before us has ended. An earlier
// session of ours, of which it may know nothing for longer, is ended.
func (l *databaseLock) lock(ctx context.Context, conn *pgx.Conn) (mine bool, err error) {
	const end = `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid = $1 AND backend_start = $2`
	if _, err := conn.Exec(ctx, end, l.session.pid, l.session.since); err != nil {
		return false, err
	}
	for range 20 {
		const try = `SELECT pg_try_advisory_lock($1)`
		if err := conn.QueryRow(ctx, try, databaseLockKey).Scan(&mine); err != nil || mine {
			return mine, err
		}
		if !pause(ctx, 100*time.Millisecond) {
			return false, ctx.Err()
		}
	}
	return false, nil
}

// watch takes the lock again whenever its connection is lost.
func (l *databaseLock) watch(ctx context.Context) {
	defer close(l.stopped)
	for {
		_, err := l.conn.WaitForNotification(ctx) // nobody notifies
		if ctx.Err() != nil {
			_ = l.conn.Close(context.WithoutCancel(ctx))
			return
		}
		l.logger.WarnContext(ctx, "lost the lock on the engine's database", "error", err)
		_ = l.conn.Close(ctx)
		for err := l.take(ctx); err != nil; err = l.take(ctx) {
			if errors.Is(err, errDatabaseTaken) {
				l.fatal(err)
				return
			}
			if !pause(ctx, time.Second) {
				return
			}
		}
		l.logger.InfoContext(ctx, "took the lock on the engine's database again")
	}
}

// release may be called once.
func (l *databaseLock) release() {
	l.stop()
	<-l.stopped
}

// pause reports whether ctx lasted.
func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
