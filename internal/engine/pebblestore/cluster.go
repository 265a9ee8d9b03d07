package pebblestore

import (
	"bytes"
	"context"

	"go.temporal.io/api/serviceerror"
	"go.temporal.io/server/common/persistence"

	"github.com/postrider/postrider/internal/engine/pebblestore/keys"
)

// Clusters are this Temporal and others that it knows. Its hosts are in cluster_member.go.
//
//	key    kindCluster, name
//	value  version, blob
func clusterKey(name string) []byte { return keys.AppendString(newKey(kindCluster), name) }

type clusterStore struct{ store }

func (s *clusterStore) ListClusterMetadata(
	_ context.Context, r *persistence.InternalListClusterMetadataRequest,
) (*persistence.InternalListClusterMetadataResponse, error) {
	all := newKey(kindCluster)
	from, err := pageStart(all, r.NextPageToken)
	if err != nil {
		return nil, err
	}
	response := new(persistence.InternalListClusterMetadataResponse)
	err = s.db.scan(from, keys.End(all), func(key, value []byte) (bool, error) {
		cluster, err := readCluster(bytes.Clone(value))
		if err != nil {
			return false, err
		}
		response.ClusterMetadata = append(response.ClusterMetadata, cluster)
		if len(response.ClusterMetadata) < r.PageSize {
			return true, nil
		}
		response.NextPageToken = pageToken(all, key)
		return false, nil
	})
	if err != nil {
		return nil, failed("ListClusterMetadata", err)
	}
	return response, nil
}

func readCluster(value []byte) (*persistence.InternalGetClusterMetadataResponse, error) {
	version, blob, err := readVersionedBlob("cluster", value)
	return &persistence.InternalGetClusterMetadataResponse{ClusterMetadata: blob, Version: version}, err
}

func (s *clusterStore) GetClusterMetadata(
	_ context.Context, r *persistence.InternalGetClusterMetadataRequest,
) (*persistence.InternalGetClusterMetadataResponse, error) {
	value, found, err := s.db.Get(clusterKey(r.ClusterName))
	if err != nil {
		return nil, failed("GetClusterMetadata", err)
	}
	if !found {
		return nil, serviceerror.NewNotFoundf("GetClusterMetadata: cluster %v is not there", r.ClusterName)
	}
	cluster, err := readCluster(value)
	return cluster, failed("GetClusterMetadata", err)
}

// SaveClusterMetadata writes a cluster that has the version of the request, which is zero for one that is not there.
func (s *clusterStore) SaveClusterMetadata(
	_ context.Context, r *persistence.InternalSaveClusterMetadataRequest,
) (bool, error) {
	key := clusterKey(r.ClusterName)
	err := s.update("SaveClusterMetadata", &s.db.locks.metadata, func(b *batch) error {
		value, found, err := s.db.Get(key)
		if err != nil {
			return err
		}
		var version int64
		if found {
			if version, _, err = readVersionedBlob("cluster", value); err != nil {
				return err
			}
		}
		if version != r.Version {
			return serviceerror.NewUnavailablef("SaveClusterMetadata encountered version mismatch, expected %v but got %v.",
				r.Version, version)
		}
		b.set(key, versionedBlob(version+1, r.ClusterMetadata))
		return nil
	})
	return err == nil, err
}

func (s *clusterStore) DeleteClusterMetadata(
	_ context.Context, r *persistence.InternalDeleteClusterMetadataRequest,
) error {
	return s.update("DeleteClusterMetadata", &s.db.locks.metadata, func(b *batch) error {
		b.remove(clusterKey(r.ClusterName))
		return nil
	})
}
