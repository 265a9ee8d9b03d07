package pebblestore_test

import (
	"context"
	"sync/atomic"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/stretchr/testify/suite"
	"go.temporal.io/server/common/log"
	"go.temporal.io/server/common/persistence/serialization"
	"go.temporal.io/server/common/persistence/tests"

	"github.com/postrider/postrider/internal/engine/pebblestore"
)

// These are the suites that Temporal's own stores must pass.

// open is a database in memory.
func open(t testing.TB) *pebblestore.DB {
	t.Helper()
	db, err := pebblestore.Open("db", pebblestore.Options{FS: vfs.NewMem()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return db
}

func factory(db *pebblestore.DB) *pebblestore.Factory {
	return pebblestore.NewFactory(db, "active", serialization.NewSerializer())
}

// made is a store, or whatever else a constructor makes.
func made[T any](t testing.TB, construct func() (T, error)) T {
	t.Helper()
	v, err := construct()
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestSuiteShard(t *testing.T) {
	t.Parallel()
	f := factory(open(t))
	suite.Run(t, tests.NewShardSuite(t, made(t, f.NewShardStore), serialization.NewSerializer(), log.NewNoopLogger()))
}

func TestSuiteExecutionMutableState(t *testing.T) {
	t.Parallel()
	db := open(t)
	f := factory(db)
	s := tests.NewExecutionMutableStateSuite(t, made(t, f.NewShardStore), made(t, f.NewExecutionStore),
		serialization.NewSerializer(), log.NewNoopLogger())
	s.MutableStateTableCounts = func(_ context.Context, shard int32, namespaceID, workflowID, runID string) (map[string]int, error) {
		return db.Items(shard, namespaceID, workflowID, runID)
	}
	suite.Run(t, s)
}

func TestSuiteExecutionMutableStateTask(t *testing.T) {
	t.Parallel()
	f := factory(open(t))
	suite.Run(t, tests.NewExecutionMutableStateTaskSuite(t, made(t, f.NewShardStore), made(t, f.NewExecutionStore),
		serialization.NewSerializer(), log.NewNoopLogger()))
}

func TestSuiteHistoryEvents(t *testing.T) {
	t.Parallel()
	suite.Run(t, tests.NewHistoryEventsSuite(t, made(t, factory(open(t)).NewExecutionStore), log.NewNoopLogger()))
}

func TestSuiteTaskQueue(t *testing.T) {
	t.Parallel()
	suite.Run(t, tests.NewTaskQueueSuite(t, made(t, factory(open(t)).NewTaskStore), log.NewNoopLogger()))
}

func TestSuiteFairTaskQueue(t *testing.T) {
	t.Parallel()
	suite.Run(t, tests.NewTaskQueueSuite(t, made(t, factory(open(t)).NewFairTaskStore), log.NewNoopLogger()))
}

func TestSuiteTaskQueueTask(t *testing.T) {
	t.Parallel()
	suite.Run(t, tests.NewTaskQueueTaskSuite(t, made(t, factory(open(t)).NewTaskStore), log.NewNoopLogger()))
}

func TestSuiteTaskQueueFairTask(t *testing.T) {
	t.Parallel()
	suite.Run(t, tests.NewTaskQueueFairTaskSuite(t, made(t, factory(open(t)).NewFairTaskStore), log.NewNoopLogger()))
}

func TestSuiteTaskQueueUserData(t *testing.T) {
	t.Parallel()
	suite.Run(t, tests.NewTaskQueueUserDataSuite(t, made(t, factory(open(t)).NewTaskStore), log.NewNoopLogger()))
}

func TestSuiteQueueV2(t *testing.T) {
	t.Parallel()
	tests.RunQueueV2TestSuite(t, made(t, factory(open(t)).NewQueueV2))
}

func TestSuiteHistoryTaskQueueManager(t *testing.T) {
	t.Parallel()
	tests.RunHistoryTaskQueueManagerTestSuite(t, made(t, factory(open(t)).NewQueueV2))
}

func TestSuiteNexusEndpoint(t *testing.T) {
	t.Parallel()
	var tableVersion atomic.Int64
	tests.RunNexusEndpointTestSuite(t, made(t, factory(open(t)).NewNexusEndpointStore), &tableVersion)
}
