package pebblestore

import (
	"bytes"
	"context"
	"fmt"

	"go.temporal.io/api/common/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/server/common/persistence"

	"github.com/postrider/postrider/internal/engine/pebblestore/keys"
)

// Namespaces keep tenants of one Temporal apart. Every change of any raises one notification version, by which caches
// notice.
//
//	key    kindNamespace, ID           value  notification version, whether global, name, blob
//	key    kindNamespaceName, name     value  ID
//	key    kindNamespaceMetadata       value  the notification version of the next change
func namespaceKey(id string) []byte { return keys.AppendID(newKey(kindNamespace), id) }

func namespaceNameKey(name string) []byte {
	return keys.AppendString(newKey(kindNamespaceName), name)
}

// firstNotificationVersion is that of a new cluster, as Temporal's SQL schema has it.
const firstNotificationVersion = 1

type namespaceStore struct{ store }

type namespace struct {
	notificationVersion int64
	isGlobal            bool
	name                string
	info                *common.DataBlob
}

func (n namespace) value() []byte {
	v := appendInt64(newValue(9+len(n.name)+len(n.info.GetData())), n.notificationVersion)
	return appendBlob(appendText(appendBool(v, n.isGlobal), n.name), n.info)
}

func readNamespace(value []byte) (namespace, error) {
	f := fieldsOf("namespace", value)
	n := namespace{notificationVersion: f.int64(), isGlobal: f.bool(), name: f.text(), info: f.blob()}
	return n, f.done()
}

func (n namespace) response() *persistence.InternalGetNamespaceResponse {
	return &persistence.InternalGetNamespaceResponse{
		Namespace: n.info, IsGlobal: n.isGlobal, NotificationVersion: n.notificationVersion,
	}
}

func (s *namespaceStore) byID(id string) (n namespace, found bool, err error) {
	value, found, err := s.db.Get(namespaceKey(id))
	if err != nil || !found {
		return n, false, err
	}
	n, err = readNamespace(value)
	return n, true, err
}

func (s *namespaceStore) idOf(name string) (id string, found bool, err error) {
	value, found, err := s.db.Get(namespaceNameKey(name))
	if err != nil || !found {
		return "", false, err
	}
	f := fieldsOf("namespace name", value)
	id = f.text()
	return id, true, f.done()
}

func (s *namespaceStore) notificationVersion() (int64, error) {
	value, found, err := s.db.Get(newKey(kindNamespaceMetadata))
	if err != nil || !found {
		return firstNotificationVersion, err
	}
	f := fieldsOf("namespace metadata", value)
	version := f.int64()
	return version, f.done()
}

// change is a transaction that changes namespaces; fill is told the version of the change.
func (s *namespaceStore) change(operation string, fill func(b *batch, version int64) error) error {
	return s.update(operation, &s.db.locks.metadata, func(b *batch) error {
		version, err := s.notificationVersion()
		if err != nil {
			return err
		}
		b.set(newKey(kindNamespaceMetadata), appendInt64(newValue(8), version+1))
		return fill(b, version)
	})
}

func (s *namespaceStore) CreateNamespace(
	_ context.Context, r *persistence.InternalCreateNamespaceRequest,
) (*persistence.CreateNamespaceResponse, error) {
	err := s.change("CreateNamespace", func(b *batch, version int64) error {
		_, idTaken, err := s.byID(r.ID)
		if err != nil {
			return err
		}
		_, nameTaken, err := s.idOf(r.Name)
		if err != nil {
			return err
		}
		if idTaken || nameTaken {
			return serviceerror.NewNamespaceAlreadyExistsf("name: %v", r.Name)
		}
		b.set(namespaceKey(r.ID), namespace{version, r.IsGlobal, r.Name, r.Namespace}.value())
		b.set(namespaceNameKey(r.Name), appendText(newValue(len(r.ID)), r.ID))
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &persistence.CreateNamespaceResponse{ID: r.ID}, nil
}

func (s *namespaceStore) GetNamespace(
	_ context.Context, r *persistence.GetNamespaceRequest,
) (*persistence.InternalGetNamespaceResponse, error) {
	id := r.ID
	switch {
	case r.Name != "" && r.ID != "":
		return nil, serviceerror.NewInvalidArgument("GetNamespace operation failed.  Both ID and Name specified in request.")
	case r.Name == "" && r.ID == "":
		return nil, serviceerror.NewInvalidArgument("GetNamespace operation failed.  Both ID and Name are empty.")
	case r.ID == "":
		var found bool
		var err error
		if id, found, err = s.idOf(r.Name); err != nil {
			return nil, failed("GetNamespace", err)
		}
		if !found {
			return nil, serviceerror.NewNamespaceNotFound(r.Name)
		}
	}
	n, found, err := s.byID(id)
	if err != nil {
		return nil, failed("GetNamespace", err)
	}
	if !found {
		return nil, serviceerror.NewNamespaceNotFound(id)
	}
	return n.response(), nil
}

func (s *namespaceStore) UpdateNamespace(_ context.Context, r *persistence.InternalUpdateNamespaceRequest) error {
	return s.changeNamespace("UpdateNamespace", r)
}

func (s *namespaceStore) RenameNamespace(_ context.Context, r *persistence.InternalRenameNamespaceRequest) error {
	return s.changeNamespace("RenameNamespace", r.InternalUpdateNamespaceRequest)
}

func (s *namespaceStore) changeNamespace(operation string, r *persistence.InternalUpdateNamespaceRequest) error {
	return s.change(operation, func(b *batch, version int64) error {
		if version != r.NotificationVersion {
			return fmt.Errorf("conditional update error: expect: %v, actual: %v", r.NotificationVersion, version)
		}
		was, found, err := s.byID(r.Id)
		if err != nil {
			return err
		}
		if !found {
			return fmt.Errorf("namespace %v is not there", r.Id)
		}
		if was.name != r.Name {
			_, taken, err := s.idOf(r.Name)
			if err != nil {
				return err
			}
			if taken {
				return fmt.Errorf("there is another namespace %v", r.Name)
			}
			b.remove(namespaceNameKey(was.name))
			b.set(namespaceNameKey(r.Name), appendText(newValue(len(r.Id)), r.Id))
		}
		b.set(namespaceKey(r.Id), namespace{version, r.IsGlobal, r.Name, r.Namespace}.value())
		return nil
	})
}

func (s *namespaceStore) DeleteNamespace(_ context.Context, r *persistence.DeleteNamespaceRequest) error {
	return s.update("DeleteNamespace", &s.db.locks.metadata, func(b *batch) error { return s.remove(b, r.ID) })
}

func (s *namespaceStore) DeleteNamespaceByName(_ context.Context, r *persistence.DeleteNamespaceByNameRequest) error {
	return s.update("DeleteNamespaceByName", &s.db.locks.metadata, func(b *batch) error {
		id, found, err := s.idOf(r.Name)
		if err != nil || !found {
			return err
		}
		return s.remove(b, id)
	})
}

func (s *namespaceStore) remove(b *batch, id string) error {
	n, found, err := s.byID(id)
	if err != nil || !found {
		return err
	}
	b.remove(namespaceKey(id))
	b.remove(namespaceNameKey(n.name))
	return nil
}

func (s *namespaceStore) ListNamespaces(
	_ context.Context, r *persistence.InternalListNamespacesRequest,
) (*persistence.InternalListNamespacesResponse, error) {
	all := newKey(kindNamespace)
	from, err := pageStart(all, r.NextPageToken)
	if err != nil {
		return nil, err
	}
	response := new(persistence.InternalListNamespacesResponse)
	err = s.db.scan(from, keys.End(all), func(key, value []byte) (bool, error) {
		n, err := readNamespace(bytes.Clone(value))
		if err != nil {
			return false, err
		}
		response.Namespaces = append(response.Namespaces, n.response())
		if len(response.Namespaces) < r.PageSize {
			return true, nil
		}
		response.NextPageToken = pageToken(all, key)
		return false, nil
	})
	if err != nil {
		return nil, failed("ListNamespaces", err)
	}
	return response, nil
}

func (s *namespaceStore) GetMetadata(context.Context) (*persistence.GetMetadataResponse, error) {
	version, err := s.notificationVersion()
	if err != nil {
		return nil, failed("GetMetadata", err)
	}
	return &persistence.GetMetadataResponse{NotificationVersion: version}, nil
}
