package pebblestore

import (
	"errors"
	"sync"

	"go.temporal.io/api/serviceerror"
	"go.temporal.io/server/common/persistence"
	"go.temporal.io/server/common/persistence/serialization"
)

// storeName is what Temporal's metrics and logs call the stores.
const storeName = "pebble"

// store is what Temporal's stores have in common. Calls do not look at their contexts: nothing they do
// can be abandoned half-way, and none takes long.
type store struct {
	db         *DB
	serializer serialization.Serializer
}

// Close does nothing: the database is closed by who opened it.
func (store) Close() {}

// GetName is the name of this persistence in Temporal's metrics.
func (store) GetName() string { return storeName }

// update is DB.update with an error as Temporal expects it.
func (s *store) update(operation string, lock sync.Locker, fill func(*batch) error) error {
	return failed(operation, s.db.update(lock, fill))
}

// failed makes any error one that Temporal expects: those that it tells apart stay what they are, all others mean that
// trying again may help, and that the operation may or may not have happened.
func failed(operation string, err error) error {
	if err == nil {
		return nil
	}
	for _, find := range []func(error) error{
		find[*persistence.ConditionFailedError],
		find[*persistence.CurrentWorkflowConditionFailedError],
		find[*persistence.WorkflowConditionFailedError],
		find[*persistence.ShardOwnershipLostError],
		find[*persistence.InvalidPersistenceRequestError],
		find[serviceerror.ServiceError],
	} {
		if expected := find(err); expected != nil {
			return expected
		}
	}
	return serviceerror.NewUnavailablef("%s: %v", operation, err)
}

// find is the error of that type in the chain: Temporal does not look into chains.
func find[T error](err error) error {
	if expected, ok := errors.AsType[T](err); ok {
		return expected
	}
	return nil
}
