package engine

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"go.temporal.io/api/serviceerror"
	"go.temporal.io/server/common/config"
	"go.temporal.io/server/common/dynamicconfig"
	"go.temporal.io/server/common/persistence"
	"go.temporal.io/server/common/persistence/serialization"
	"go.temporal.io/server/temporal"

	"github.com/postrider/postrider/internal/engine/pebblestore"
	"github.com/postrider/postrider/internal/engine/pebblevisibility"
)

const (
	pebbleDir = "pebble"

	// syncInterval lets more commits share an fsync.
	syncInterval = 500 * time.Microsecond
)

// pebbleDatabase is one Pebble database with everything, visibility included: one log, one fsync.
type pebbleDatabase struct {
	dir   string
	fatal func(error)
	db    *pebblestore.DB
}

func (d *pebbleDatabase) open(ctx context.Context, cfg Config) (err error) {
	d.db, err = pebblestore.Open(d.dir, pebblestore.Options{
		Logger: cfg.Logger.With(slog.String("component", "pebble")), Fatal: d.fatal, MinSyncInterval: syncInterval,
	})
	if err != nil {
		return err
	}
	return d.createNamespace(ctx, cfg.Namespace, cfg.Retention)
}

// createNamespace writes the namespace into the database before the server reads it; one that is there is left as it is.
func (d *pebbleDatabase) createNamespace(ctx context.Context, name string, retention time.Duration) error {
	serializer := serialization.NewSerializer()
	namespaces, err := pebblestore.NewFactory(d.db, clusterName, serializer).NewMetadataStore()
	if err != nil {
		return fmt.Errorf("create namespace %s: %w", name, err)
	}
	defer namespaces.Close()
	_, err = namespaces.GetNamespace(ctx, &persistence.GetNamespaceRequest{Name: name})
	if _, ok := errors.AsType[*serviceerror.NamespaceNotFound](err); !ok {
		if err != nil {
			return fmt.Errorf("look for namespace %s: %w", name, err)
		}
		return nil
	}
	ns, err := newNamespace(name, retention)
	if err != nil {
		return err
	}
	blob, err := serializer.NamespaceDetailToBlob(ns.Detail)
	if err != nil {
		return fmt.Errorf("describe namespace %s: %w", name, err)
	}
	_, err = namespaces.CreateNamespace(ctx, &persistence.InternalCreateNamespaceRequest{
		ID: ns.Detail.GetInfo().GetId(), Name: name, Namespace: blob,
	})
	if err != nil {
		return fmt.Errorf("create namespace %s: %w", name, err)
	}
	return nil
}

func (d *pebbleDatabase) persistence() config.Persistence {
	custom := func() config.DataStore {
		return config.DataStore{CustomDataStoreConfig: &config.CustomDatastoreConfig{Name: pebblevisibility.Name, IndexName: visibilityStore}}
	}
	return config.Persistence{
		DefaultStore: mainStore, VisibilityStore: visibilityStore, NumHistoryShards: shards,
		DataStores: map[string]config.DataStore{mainStore: custom(), visibilityStore: custom()},
	}
}

func (d *pebbleDatabase) options() []temporal.ServerOption {
	return []temporal.ServerOption{
		temporal.WithCustomDataStoreFactory(pebblestore.Datastore(d.db)),
		temporal.WithCustomVisibilityStoreFactory(pebblevisibility.NewFactory(d.db)),
	}
}

func (*pebbleDatabase) settings() dynamicconfig.StaticClient {
	return dynamicconfig.StaticClient{
		// Writes of a shard share an fsync. By default one at a time holds the shard until it is on disk.
		dynamicconfig.ShardIOConcurrency.Key(): 64,

		// Lists in keyword attributes are not for this store; Temporal knows that of SQL only.
		dynamicconfig.VisibilityAllowList.Key(): false,
	}
}

func (d *pebbleDatabase) close(context.Context) error {
	if d.db == nil {
		return nil
	}
	return d.db.Close()
}
