package pebblestore_test

import (
	"testing"

	"github.com/stretchr/testify/suite"
	"go.temporal.io/server/common/config"
	"go.temporal.io/server/common/dynamicconfig"
	"go.temporal.io/server/common/log"
	persistencetests "go.temporal.io/server/common/persistence/persistence-tests"
	"go.temporal.io/server/common/persistence/sql"
	"go.temporal.io/server/common/primitives"

	"github.com/postrider/postrider/internal/engine/pebblestore"
)

// These are Temporal's older suites, which go through its managers: of namespaces, clusters and queues, which have no newer
// one.

type cluster struct{}

func (cluster) SetupTestDatabase()    {}
func (cluster) TearDownTestDatabase() {}

func (cluster) Config() config.Persistence {
	return config.Persistence{
		DefaultStore:         "pebble",
		NumHistoryShards:     4,
		DataStores:           map[string]config.DataStore{"pebble": {CustomDataStoreConfig: &config.CustomDatastoreConfig{Name: "pebble"}}},
		TransactionSizeLimit: dynamicconfig.GetIntPropertyFn(primitives.DefaultTransactionSizeLimit),
	}
}

func base(t *testing.T) *persistencetests.TestBase {
	t.Helper()
	b := persistencetests.NewTestBaseForCluster(cluster{}, log.NewNoopLogger())
	b.AbstractDataStoreFactory = pebblestore.Datastore(open(t))
	return b
}

func TestSuiteNamespace(t *testing.T) {
	t.Parallel()
	s := new(namespaceSuite)
	s.TestBase = base(t)
	s.Setup(nil)
	suite.Run(t, s)
}

func TestSuiteClusterMetadata(t *testing.T) {
	if testing.Short() {
		t.Skip("it sleeps for nine seconds")
	}
	t.Parallel()
	s := new(persistencetests.ClusterMetadataManagerSuite)
	s.TestBase = base(t)
	s.Setup(nil)
	suite.Run(t, s)
}

func TestSuiteQueue(t *testing.T) {
	t.Parallel()
	s := new(persistencetests.QueuePersistenceSuite)
	s.TestBase = base(t)
	s.Setup(nil)
	suite.Run(t, s)
}

func TestSuiteHistory(t *testing.T) {
	t.Parallel()
	s := new(persistencetests.HistoryV2PersistenceSuite)
	s.TestBase = base(t)
	s.Setup(nil)
	suite.Run(t, s)
}

// namespaceSuite leaves out what holds for Cassandra alone.
type namespaceSuite struct {
	persistencetests.MetadataPersistenceSuiteV2
}

// TestRenameNamespaceCassandra expects that a namespace cannot be given the name that it has.
func (s *namespaceSuite) TestRenameNamespaceCassandra() { s.T().Skip("of Cassandra alone") }

// TestRenameNamespaceSQL runs for stores that say that they are SQL.
func (s *namespaceSuite) TestRenameNamespaceSQL() {
	defer func(was persistencetests.PersistenceTestCluster) { s.DefaultTestCluster = was }(s.DefaultTestCluster)
	s.DefaultTestCluster = new(sql.TestCluster)
	s.MetadataPersistenceSuiteV2.TestRenameNamespaceSQL()
}
