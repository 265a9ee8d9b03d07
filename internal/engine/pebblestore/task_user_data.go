package pebblestore

import (
	"bytes"
	"context"

	"go.temporal.io/api/serviceerror"
	"go.temporal.io/server/common/persistence"

	"github.com/postrider/postrider/internal/engine/pebblestore/keys"
)

// User data are what people set on a task queue, such as which builds of a worker may have its tasks. Classic and fair
// queues share them.
//
//	key    kindUserData, namespace ID, task queue       value  version, blob
//	key    kindBuildID, namespace ID, build ID, task queue      value  nothing
func userDataPrefix(namespaceID string) []byte {
	return keys.AppendID(newKey(kindUserData), namespaceID)
}

func userDataKey(namespaceID, queue string) []byte {
	return keys.AppendString(userDataPrefix(namespaceID), queue)
}

func buildIDPrefix(namespaceID, buildID string) []byte {
	return keys.AppendString(keys.AppendID(newKey(kindBuildID), namespaceID), buildID)
}

func (s *taskStore) GetTaskQueueUserData(
	_ context.Context, r *persistence.GetTaskQueueUserDataRequest,
) (*persistence.InternalGetTaskQueueUserDataResponse, error) {
	value, found, err := s.db.Get(userDataKey(r.NamespaceID, r.TaskQueue))
	if err != nil {
		return nil, failed("GetTaskQueueUserData", err)
	}
	if !found {
		return nil, serviceerror.NewNotFoundf("task queue user data not found for %v.%v", r.NamespaceID, r.TaskQueue)
	}
	response := new(persistence.InternalGetTaskQueueUserDataResponse)
	if response.Version, response.UserData, err = readVersionedBlob("user data", value); err != nil {
		return nil, failed("GetTaskQueueUserData", err)
	}
	return response, nil
}

// UpdateTaskQueueUserData writes all updates or none, and tells in the updates what became of them.
func (s *taskStore) UpdateTaskQueueUserData(
	_ context.Context, r *persistence.InternalUpdateTaskQueueUserDataRequest,
) error {
	err := s.update("UpdateTaskQueueUserData", &s.db.locks.metadata, func(b *batch) error {
		for queue, update := range r.Updates {
			if err := s.updateUserData(b, r.NamespaceID, queue, update); err != nil {
				if persistence.IsConflictErr(err) && update.Conflicting != nil {
					*update.Conflicting = true
				}
				return err
			}
		}
		return nil
	})
	for _, update := range r.Updates {
		if update.Applied != nil {
			*update.Applied = err == nil
		}
	}
	return err
}

func (s *taskStore) updateUserData(
	b *batch, namespaceID, queue string, update *persistence.InternalSingleTaskQueueUserDataUpdate,
) error {
	key := userDataKey(namespaceID, queue)
	value, found, err := s.db.Get(key)
	if err != nil {
		return err
	}
	var version int64
	if found {
		if version, _, err = readVersionedBlob("user data", value); err != nil {
			return err
		}
	}
	if version != update.Version {
		return &persistence.ConditionFailedError{Msg: "user data of task queue " + queue + " have another version"}
	}
	b.set(key, versionedBlob(version+1, update.UserData))
	for _, id := range update.BuildIdsAdded {
		b.set(keys.AppendString(buildIDPrefix(namespaceID, id), queue), newValue(0))
	}
	for _, id := range update.BuildIdsRemoved {
		b.remove(keys.AppendString(buildIDPrefix(namespaceID, id), queue))
	}
	return nil
}

func (s *taskStore) ListTaskQueueUserDataEntries(
	_ context.Context, r *persistence.ListTaskQueueUserDataEntriesRequest,
) (*persistence.InternalListTaskQueueUserDataEntriesResponse, error) {
	all := userDataPrefix(r.NamespaceID)
	from, err := pageStart(all, r.NextPageToken)
	if err != nil {
		return nil, err
	}
	response := new(persistence.InternalListTaskQueueUserDataEntriesResponse)
	err = s.db.scan(from, keys.End(all), func(key, value []byte) (bool, error) {
		var entry persistence.InternalTaskQueueUserDataEntry
		if entry.TaskQueue, err = lastName("user data", key[len(all):]); err != nil {
			return false, err
		}
		if entry.Version, entry.Data, err = readVersionedBlob("user data", bytes.Clone(value)); err != nil {
			return false, err
		}
		response.Entries = append(response.Entries, entry)
		if len(response.Entries) < r.PageSize {
			return true, nil
		}
		response.NextPageToken = pageToken(all, key)
		return false, nil
	})
	if err != nil {
		return nil, failed("ListTaskQueueUserDataEntries", err)
	}
	return response, nil
}

// lastName reads a key's last part.
func lastName(kind string, key []byte) (string, error) {
	name, rest, err := keys.CutString(key)
	if err != nil || len(rest) > 0 {
		return "", corrupt(kind)
	}
	return name, nil
}

func (s *taskStore) GetTaskQueuesByBuildId( //nolint:revive,staticcheck // Temporal's name
	_ context.Context, r *persistence.GetTaskQueuesByBuildIdRequest,
) ([]string, error) {
	prefix := buildIDPrefix(r.NamespaceID, r.BuildID)
	queues := []string{}
	err := s.db.scan(prefix, keys.End(prefix), func(key, _ []byte) (bool, error) {
		queue, err := lastName("build ID", key[len(prefix):])
		queues = append(queues, queue)
		return true, err
	})
	if err != nil {
		return nil, failed("GetTaskQueuesByBuildId", err)
	}
	return queues, nil
}

func (s *taskStore) CountTaskQueuesByBuildId( //nolint:revive,staticcheck // Temporal's name
	ctx context.Context, r *persistence.CountTaskQueuesByBuildIdRequest,
) (int, error) {
	queues, err := s.GetTaskQueuesByBuildId(ctx, &persistence.GetTaskQueuesByBuildIdRequest{
		NamespaceID: r.NamespaceID, BuildID: r.BuildID,
	})
	return len(queues), err
}
