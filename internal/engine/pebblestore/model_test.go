package pebblestore_test

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"go.temporal.io/server/common/config"
	"go.temporal.io/server/common/log"
	"go.temporal.io/server/common/metrics"
	"go.temporal.io/server/common/persistence"
	"go.temporal.io/server/common/persistence/serialization"
	"go.temporal.io/server/common/persistence/sql"
	"go.temporal.io/server/common/persistence/sql/sqlplugin/sqlite"
	"go.temporal.io/server/common/resolver"
	"google.golang.org/protobuf/testing/protocmp"
	"pgregory.net/rapid"
)

// stores are those of one persistence.
type stores struct {
	shards     persistence.ShardStore
	executions persistence.ExecutionStore
	tasks      persistence.TaskStore
	fairTasks  persistence.TaskStore
}

func storesOf(t testing.TB, f persistence.DataStoreFactory) stores {
	t.Helper()
	return stores{made(t, f.NewShardStore), made(t, f.NewExecutionStore), made(t, f.NewTaskStore), made(t, f.NewFairTaskStore)}
}

func sqliteFactory(t *testing.T) persistence.DataStoreFactory {
	t.Helper()
	f := sql.NewFactory(config.SQL{
		PluginName: sqlite.PluginName, DatabaseName: "model",
		ConnectAttributes: map[string]string{"mode": "memory", "cache": "private", "setup": "true"},
	}, resolver.NewNoopResolver(), "active", log.NewNoopLogger(), metrics.NoopMetricsHandler, serialization.NewSerializer())
	t.Cleanup(f.Close)
	return f
}

// model makes the same random calls on Temporal's SQLite store and on ours and expects the same answers.
type model struct {
	ctx           context.Context
	sqlite, ours  stores
	shard         int32
	rangeID       int64
	nextID        int64
	recordVersion map[string]int64 // as far as the model knows; calls are made with others too
	queueRangeID  int64
	touched       string // workflow ID
}

func TestTheStoresAnswerAsTemporalsSQLiteStoreDoes(t *testing.T) {
	t.Parallel()
	theirs, ours := storesOf(t, sqliteFactory(t)), storesOf(t, factory(open(t)))
	shard := int32(0)
	rapid.Check(t, func(t *rapid.T) {
		shard++
		m := &model{
			ctx: context.Background(), sqlite: theirs, ours: ours, shard: shard, rangeID: 7, nextID: 1,
			recordVersion: map[string]int64{}, queueRangeID: 3,
		}
		m.createShard(t)
		t.Repeat(map[string]func(*rapid.T){
			"update shard":       m.updateShard,
			"create":             m.create,
			"update":             m.update,
			"update ":            m.update,
			"conflict":           m.resolveConflict,
			"set":                m.set,
			"delete execution":   m.deleteExecution,
			"delete current":     m.deleteCurrent,
			"add tasks":          m.addTasks,
			"get tasks":          m.getTasks,
			"complete task":      m.completeTask,
			"complete tasks":     m.completeTasks,
			"append node":        m.appendNode,
			"read branch":        m.readBranch,
			"fork":               m.fork,
			"delete nodes":       m.deleteNode,
			"delete branch":      m.deleteBranch,
			"create task queue":  m.createQueue,
			"update task queue":  m.updateQueue,
			"delete task queue":  m.deleteQueue,
			"create queue tasks": m.createQueueTasks,
			"get queue tasks":    m.getQueueTasks,
			"complete queue":     m.completeQueueTasks,
			"":                   m.checkTouched,
		})
	})
}

// both makes a call on both and returns ours if they agree.
func both[Response any](t *rapid.T, m *model, what string, call func(stores) (Response, error)) (Response, error) {
	theirs, theirErr := call(m.sqlite)
	ours, ourErr := call(m.ours)
	if got, want := errorOf(ourErr), errorOf(theirErr); !cmp.Equal(got, want, comparison()...) {
		t.Fatalf("%s: error %v\nSQLite's is %v\n%s", what, ourErr, theirErr, cmp.Diff(want, got, comparison()...))
	}
	if theirErr == nil {
		if diff := cmp.Diff(theirs, ours, comparison()...); diff != "" {
			t.Fatalf("%s: not as SQLite's:\n%s", what, diff)
		}
	}
	return ours, ourErr
}

func comparison() []cmp.Option {
	return []cmp.Option{protocmp.Transform(), cmpopts.EquateEmpty(), cmpopts.EquateApproxTime(0)}
}

// errorOf is what Temporal looks at in an error.
func errorOf(err error) any {
	switch err := err.(type) { //nolint:errorlint // the store's own types, never wrapped
	case *persistence.CurrentWorkflowConditionFailedError:
		e := *err
		e.Msg = ""
		return e
	case *persistence.WorkflowConditionFailedError:
		return [3]any{"workflow condition", err.NextEventID, err.DBRecordVersion}
	case *persistence.ShardOwnershipLostError:
		return [2]any{"ownership", err.ShardID}
	}
	return fmt.Sprintf("%T", err)
}

// pages reads a list to its end and returns the pages.
func pages[Item any](read func(token []byte) ([]Item, []byte, error)) (all [][]Item, err error) {
	var token []byte
	for len(all) < 1000 {
		items, next, err := read(token)
		if err != nil {
			return all, err
		}
		all = append(all, items)
		if len(next) == 0 {
			return all, nil
		}
		token = next
	}
	return all, fmt.Errorf("there is no end of pages: %v", slices.Clip(all[:3]))
}

func (m *model) id() int64 {
	m.nextID++
	return m.nextID
}

// usually is v, or one time in six another.
func usually[T any](t *rapid.T, v T, others *rapid.Generator[T], label string) T {
	if rapid.IntRange(0, 5).Draw(t, label+" is another") == 0 {
		return others.Draw(t, label)
	}
	return v
}
