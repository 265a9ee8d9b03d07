package pebblevisibility_test

import (
	"testing"

	"github.com/stretchr/testify/suite"
	"go.temporal.io/server/common/config"
	"go.temporal.io/server/common/log"
	persistencetests "go.temporal.io/server/common/persistence/persistence-tests"
	"go.temporal.io/server/common/persistence/tests"

	"github.com/postrider/postrider/internal/engine/pebblevisibility"
)

// cluster is the configuration that Temporal's suite takes its stores from.
type cluster struct{}

func (cluster) SetupTestDatabase()    {}
func (cluster) TearDownTestDatabase() {}

func (cluster) Config() config.Persistence {
	return config.Persistence{
		VisibilityStore: "visibility",
		DataStores: map[string]config.DataStore{
			"visibility": {CustomDataStoreConfig: &config.CustomDatastoreConfig{Name: "pebble", IndexName: "visibility"}},
		},
	}
}

func TestTemporalsOwnVisibilitySuitePasses(t *testing.T) {
	t.Parallel()
	s := new(tests.VisibilityPersistenceSuite)
	s.TestBase = &persistencetests.TestBase{Logger: log.NewNoopLogger(), DefaultTestCluster: cluster{}}
	s.CustomVisibilityStoreFactory = pebblevisibility.NewFactory(openDB(t))
	suite.Run(t, s)
}
