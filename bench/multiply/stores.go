package main

import (
	"context"
	"errors"
	"fmt"

	"go.temporal.io/api/enums/v1"
	"go.temporal.io/server/chasm"
	"go.temporal.io/server/common/config"
	"go.temporal.io/server/common/log"
	"go.temporal.io/server/common/metrics"
	"go.temporal.io/server/common/persistence"
	"go.temporal.io/server/common/persistence/serialization"
	visibility "go.temporal.io/server/common/persistence/visibility/store"
	"go.temporal.io/server/common/resolver"
	"go.temporal.io/server/common/searchattribute"
	"go.temporal.io/server/common/searchattribute/sadefs"

	"github.com/postrider/postrider/internal/engine/pebblestore"
	"github.com/postrider/postrider/internal/engine/pebblevisibility"
)

// What the engine calls its parts.
const (
	clusterName   = "active"
	namespaceName = "default"
	indexName     = "visibility"
	shard         = 1
)

// stores are those of Temporal that have something of a closed workflow.
type stores struct {
	db          *pebblestore.DB
	serializer  serialization.Serializer
	executions  persistence.ExecutionStore
	visibility  visibility.VisibilityStore
	namespaceID string
	rangeID     int64 // of the shard
}

// openStores opens the database of an engine that has run, and is not running.
func openStores(ctx context.Context, dir string) (_ *stores, err error) {
	// Nothing is synced until the database is closed.
	db, err := pebblestore.Open(dir, pebblestore.Options{NoSync: true})
	if err != nil {
		return nil, err
	}
	s := &stores{db: db, serializer: serialization.NewSerializer()}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.close())
		}
	}()
	f := pebblestore.NewFactory(db, clusterName, s.serializer)
	if s.executions, err = f.NewExecutionStore(); err != nil {
		return nil, err
	}
	names := newFields()
	s.visibility, err = pebblevisibility.NewFactory(db).NewVisibilityStore(
		config.CustomDatastoreConfig{IndexName: indexName}, names, searchattribute.NewMapperProvider(new(searchattribute.NoopMapper), nil, names, indexName), nil,
		chasm.NewRegistry(log.NewNoopLogger()), resolver.NewNoopResolver(), log.NewNoopLogger(), metrics.NoopMetricsHandler)
	if err != nil {
		return nil, err
	}
	if s.namespaceID, err = s.findNamespace(ctx, f); err != nil {
		return nil, err
	}
	s.rangeID, err = s.findShard(ctx, f)
	return s, err
}

// close makes everything durable.
func (s *stores) close() error { return s.db.Close() }

func (s *stores) findNamespace(ctx context.Context, f *pebblestore.Factory) (string, error) {
	namespaces, err := f.NewMetadataStore()
	if err != nil {
		return "", err
	}
	found, err := namespaces.GetNamespace(ctx, &persistence.GetNamespaceRequest{Name: namespaceName})
	if err != nil {
		return "", fmt.Errorf("find the namespace: %w", err)
	}
	detail, err := s.serializer.NamespaceDetailFromBlob(found.Namespace)
	return detail.GetInfo().GetId(), err
}

func (s *stores) findShard(ctx context.Context, f *pebblestore.Factory) (rangeID int64, err error) {
	shards, err := f.NewShardStore()
	if err != nil {
		return 0, err
	}
	found, err := persistence.NewShardManager(shards, s.serializer).GetOrCreateShard(ctx, &persistence.GetOrCreateShardRequest{ShardID: shard})
	if err != nil {
		return 0, fmt.Errorf("find the shard: %w", err)
	}
	return found.ShardInfo.GetRangeId(), nil
}

// fields are the search attributes that a record can have, by the names that they are stored under.
type fields struct{ types searchattribute.NameTypeMap }

func newFields() fields {
	return fields{searchattribute.NewNameTypeMap(sadefs.GetDBIndexSearchAttributes(nil).GetCustomSearchAttributes())}
}

// GetSearchAttributes is called for each record.
func (f fields) GetSearchAttributes(string, bool) (searchattribute.NameTypeMap, error) {
	return f.types, nil
}

// isClosed tells the workflows that there is a record of to copy.
func isClosed(info *visibility.InternalExecutionInfo) bool {
	return info.Status == enums.WORKFLOW_EXECUTION_STATUS_COMPLETED
}
