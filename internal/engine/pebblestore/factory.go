package pebblestore

import (
	"go.temporal.io/server/common/config"
	"go.temporal.io/server/common/log"
	"go.temporal.io/server/common/metrics"
	"go.temporal.io/server/common/persistence"
	"go.temporal.io/server/common/persistence/client"
	"go.temporal.io/server/common/persistence/serialization"
	"go.temporal.io/server/common/resolver"
)

// Factory makes Temporal's stores on one database.
type Factory struct {
	store
	clusterName string
}

var _ persistence.DataStoreFactory = (*Factory)(nil)

// NewFactory makes the stores of the Temporal cluster of that name. It does not close the database.
func NewFactory(db *DB, clusterName string, s serialization.Serializer) *Factory {
	return &Factory{store: store{db: db, serializer: s}, clusterName: clusterName}
}

// Datastore is what temporal.WithCustomDataStoreFactory takes, for one open database.
func Datastore(db *DB) client.AbstractDataStoreFactory { return datastore{db} }

type datastore struct{ db *DB }

func (d datastore) NewFactory(
	_ config.CustomDatastoreConfig, _ resolver.ServiceResolver, clusterName string,
	_ log.Logger, _ metrics.Handler, s serialization.Serializer,
) persistence.DataStoreFactory {
	return NewFactory(d.db, clusterName, s)
}

// NewTaskStore has the task queues of matching.
func (f *Factory) NewTaskStore() (persistence.TaskStore, error) {
	return &taskStore{store: f.store, form: classicForm()}, nil
}

// NewFairTaskStore has the task queues of matching with fairness.
func (f *Factory) NewFairTaskStore() (persistence.TaskStore, error) {
	return &taskStore{store: f.store, form: fairForm()}, nil
}

// NewShardStore has the shards of history.
func (f *Factory) NewShardStore() (persistence.ShardStore, error) {
	return &shardStore{store: f.store, clusterName: f.clusterName}, nil
}

// NewExecutionStore has workflows, their histories and history's tasks.
func (f *Factory) NewExecutionStore() (persistence.ExecutionStore, error) {
	return &executionStore{store: f.store, HistoryBranchUtil: persistence.NewHistoryBranchUtil(f.serializer)}, nil
}

// NewMetadataStore has the namespaces.
func (f *Factory) NewMetadataStore() (persistence.MetadataStore, error) {
	return &namespaceStore{store: f.store}, nil
}

// NewClusterMetadataStore has the clusters and the hosts of this one.
func (f *Factory) NewClusterMetadataStore() (persistence.ClusterMetadataStore, error) {
	return &clusterStore{store: f.store}, nil
}

// NewQueue has the queue of the type, such as that of changes to namespaces.
func (f *Factory) NewQueue(queueType persistence.QueueType) (persistence.Queue, error) {
	return &queueStore{store: f.store, queueType: queueType}, nil
}

// NewQueueV2 has queues with names, such as those for history's tasks that cannot be done.
func (f *Factory) NewQueueV2() (persistence.QueueV2, error) {
	return &queueV2Store{store: f.store}, nil
}

// NewNexusEndpointStore has the Nexus endpoints.
func (f *Factory) NewNexusEndpointStore() (persistence.NexusEndpointStore, error) {
	return &nexusStore{store: f.store}, nil
}
