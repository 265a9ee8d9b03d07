package pebblestore

import (
	"bytes"
	"context"

	"go.temporal.io/api/serviceerror"
	"go.temporal.io/server/common/persistence"

	"github.com/postrider/postrider/internal/engine/pebblestore/keys"
)

// Nexus endpoints are names for services that workflows call. Every change of any raises the version of their table, which
// the caller must know.
//
//	key    kindNexusTable              value  version
//	key    kindNexusEndpoint, ID       value  version, blob
func nexusEndpointKey(id string) []byte { return keys.AppendID(newKey(kindNexusEndpoint), id) }

type nexusStore struct{ store }

// tableVersion is zero when there has never been an endpoint.
func (s *nexusStore) tableVersion() (int64, error) {
	value, found, err := s.db.Get(newKey(kindNexusTable))
	if err != nil || !found {
		return 0, err
	}
	f := fieldsOf("Nexus table", value)
	version := f.int64()
	return version, f.done()
}

// change is a transaction that changes endpoints, of one who knows the table's version.
func (s *nexusStore) change(operation string, known int64, fill func(*batch) error) error {
	return s.update(operation, &s.db.locks.metadata, func(b *batch) error {
		version, err := s.tableVersion()
		if err != nil {
			return err
		}
		if version != known {
			return persistence.ErrNexusTableVersionConflict
		}
		b.set(newKey(kindNexusTable), appendInt64(newValue(8), version+1))
		return fill(b)
	})
}

func (s *nexusStore) endpoint(id string) (e *persistence.InternalNexusEndpoint, found bool, err error) {
	value, found, err := s.db.Get(nexusEndpointKey(id))
	if err != nil || !found {
		return nil, false, err
	}
	e = &persistence.InternalNexusEndpoint{ID: id}
	e.Version, e.Data, err = readVersionedBlob("Nexus endpoint", value)
	return e, true, err
}

// CreateOrUpdateNexusEndpoint writes an endpoint that has the version of the request, which is zero for one that is not there.
func (s *nexusStore) CreateOrUpdateNexusEndpoint(
	_ context.Context, r *persistence.InternalCreateOrUpdateNexusEndpointRequest,
) error {
	return s.change("CreateOrUpdateNexusEndpoint", r.LastKnownTableVersion, func(b *batch) error {
		was, found, err := s.endpoint(r.Endpoint.ID)
		if err != nil {
			return err
		}
		var version int64
		if found {
			version = was.Version
		}
		if version != r.Endpoint.Version {
			return persistence.ErrNexusEndpointVersionConflict
		}
		b.set(nexusEndpointKey(r.Endpoint.ID), versionedBlob(version+1, r.Endpoint.Data))
		return nil
	})
}

func (s *nexusStore) DeleteNexusEndpoint(_ context.Context, r *persistence.DeleteNexusEndpointRequest) error {
	return s.change("DeleteNexusEndpoint", r.LastKnownTableVersion, func(b *batch) error {
		_, found, err := s.endpoint(r.ID)
		if err != nil {
			return err
		}
		if !found {
			return serviceerror.NewNotFoundf("nexus endpoint not found for ID: %v", r.ID)
		}
		b.remove(nexusEndpointKey(r.ID))
		return nil
	})
}

func (s *nexusStore) GetNexusEndpoint(
	_ context.Context, r *persistence.GetNexusEndpointRequest,
) (*persistence.InternalNexusEndpoint, error) {
	endpoint, found, err := s.endpoint(r.ID)
	if err != nil {
		return nil, failed("GetNexusEndpoint", err)
	}
	if !found {
		return nil, serviceerror.NewNotFoundf("Nexus endpoint with ID `%v` not found", r.ID)
	}
	return endpoint, nil
}

// ListNexusEndpoints is a page of endpoints and the table's version; a page size of zero asks only for that. When the
// caller knows another version, the response comes with the error.
func (s *nexusStore) ListNexusEndpoints(
	_ context.Context, r *persistence.ListNexusEndpointsRequest,
) (*persistence.InternalListNexusEndpointsResponse, error) {
	all := newKey(kindNexusEndpoint)
	from, err := pageStart(all, r.NextPageToken)
	if err != nil {
		return nil, err
	}
	s.db.locks.metadata.Lock() // version and endpoints of one moment
	defer s.db.locks.metadata.Unlock()
	response := &persistence.InternalListNexusEndpointsResponse{Endpoints: []persistence.InternalNexusEndpoint{}}
	if response.TableVersion, err = s.tableVersion(); err != nil {
		return nil, failed("ListNexusEndpoints", err)
	}
	if r.LastKnownTableVersion != 0 && r.LastKnownTableVersion != response.TableVersion {
		return response, persistence.ErrNexusTableVersionConflict
	}
	if r.PageSize <= 0 {
		return response, nil
	}
	err = s.db.scan(from, keys.End(all), func(key, value []byte) (bool, error) {
		e, err := readEndpoint(key[len(all):], bytes.Clone(value))
		response.Endpoints = append(response.Endpoints, e)
		if err != nil || len(response.Endpoints) < r.PageSize {
			return true, err
		}
		response.NextPageToken = pageToken(all, key)
		return false, nil
	})
	if err != nil {
		return nil, failed("ListNexusEndpoints", err)
	}
	return response, nil
}

func readEndpoint(key, value []byte) (e persistence.InternalNexusEndpoint, err error) {
	id, rest, err := keys.CutID(key)
	if err != nil || len(rest) > 0 {
		return e, corrupt("Nexus endpoint")
	}
	e.ID = id
	e.Version, e.Data, err = readVersionedBlob("Nexus endpoint", value)
	return e, err
}
