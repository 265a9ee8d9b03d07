package pebblevisibility

import (
	"errors"

	"go.temporal.io/server/chasm"
	"go.temporal.io/server/common/config"
	"go.temporal.io/server/common/log"
	"go.temporal.io/server/common/metrics"
	"go.temporal.io/server/common/namespace"
	"go.temporal.io/server/common/persistence/visibility"
	"go.temporal.io/server/common/persistence/visibility/store"
	"go.temporal.io/server/common/resolver"
	"go.temporal.io/server/common/searchattribute"

	"github.com/postrider/postrider/internal/engine/pebblestore"
)

// Name is that of the store, in Temporal's logs, metrics and cluster information.
const Name = "pebble"

// Factory makes the stores of the server's services, for temporal.WithCustomVisibilityStoreFactory. There must be only one
// for a database in a process.
type Factory struct{ writer *writer }

var _ visibility.VisibilityStoreFactory = (*Factory)(nil)

// NewFactory is for an open database, which whoever opened it closes after the stores.
func NewFactory(db *pebblestore.DB) *Factory { return &Factory{newWriter(db)} }

// NewVisibilityStore gives a store, safe for concurrent use, that shows the same as all of the factory's. Of the
// configuration the index name counts: the custom search attributes are registered under it, and it must not be empty.
func (f *Factory) NewVisibilityStore(
	cfg config.CustomDatastoreConfig,
	types searchattribute.Provider,
	names searchattribute.MapperProvider,
	_ namespace.Registry,
	archetypes *chasm.Registry,
	_ resolver.ServiceResolver,
	logger log.Logger,
	handler metrics.Handler,
) (store.VisibilityStore, error) {
	if cfg.IndexName == "" {
		return nil, errors.New("the visibility store needs an index name")
	}
	return &visibilityStore{
		writer: f.writer, index: cfg.IndexName, attributes: types, names: names, archetypes: archetypes,
		logger: logger, metrics: handler,
	}, nil
}
