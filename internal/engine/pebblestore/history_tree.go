package pebblestore

import (
	"bytes"
	"context"
	"fmt"

	"go.temporal.io/api/common/v1"
	"go.temporal.io/server/common/persistence"

	"github.com/postrider/postrider/internal/engine/pebblestore/keys"
)

// A history is a branch of a tree: resetting a workflow makes it fork. A branch is known by its record:
//
//	key    kindHistoryBranch, shard ID, tree ID, branch ID
//	value  blob
//
// and its nodes are in history_node.go.
func branchKey(shard int32, treeID, branchID string) []byte {
	return keys.AppendID(treePrefix(shard, treeID), branchID)
}

func treePrefix(shard int32, treeID string) []byte {
	return keys.AppendID(keys.AppendInt32(newKey(kindHistoryBranch), shard), treeID)
}

// ForkHistoryBranch writes just the new branch's record: its nodes up to the fork are its parent's.
func (s *executionStore) ForkHistoryBranch(_ context.Context, r *persistence.InternalForkHistoryBranchRequest) error {
	return s.update("ForkHistoryBranch", noLock{}, func(b *batch) error {
		b.set(branchKey(r.ShardID, r.ForkBranchInfo.GetTreeId(), r.NewBranchID), blobValue(r.TreeInfo))
		return nil
	})
}

// DeleteHistoryBranch deletes the branch and those nodes that no other branch shares, which the caller names.
func (s *executionStore) DeleteHistoryBranch(_ context.Context, r *persistence.InternalDeleteHistoryBranchRequest) error {
	treeID := r.BranchInfo.GetTreeId()
	return s.update("DeleteHistoryBranch", noLock{}, func(b *batch) error {
		b.remove(branchKey(r.ShardID, treeID, r.BranchInfo.GetBranchId()))
		for _, nodes := range r.BranchRanges {
			prefix := nodePrefix(r.ShardID, treeID, nodes.BranchId)
			end := keys.End(prefix)
			b.clear(keys.AppendInt64(prefix, nodes.BeginNodeId), end)
		}
		return nil
	})
}

func (s *executionStore) GetHistoryTreeContainingBranch(
	_ context.Context, r *persistence.InternalGetHistoryTreeContainingBranchRequest,
) (*persistence.InternalGetHistoryTreeContainingBranchResponse, error) {
	branch, err := s.ParseHistoryBranchInfo(r.BranchToken)
	if err != nil {
		return nil, err
	}
	response := new(persistence.InternalGetHistoryTreeContainingBranchResponse)
	prefix := treePrefix(r.ShardID, branch.GetTreeId())
	err = s.db.scan(prefix, keys.End(prefix), func(_, value []byte) (bool, error) {
		info, err := readBlob("history branch", bytes.Clone(value))
		response.TreeInfos = append(response.TreeInfos, info)
		return true, err
	})
	if err != nil {
		return nil, failed("GetHistoryTreeContainingBranch", err)
	}
	return response, nil
}

func (s *executionStore) GetAllHistoryTreeBranches(
	_ context.Context, r *persistence.GetAllHistoryTreeBranchesRequest,
) (*persistence.InternalGetAllHistoryTreeBranchesResponse, error) {
	if r.PageSize <= 0 {
		return nil, fmt.Errorf("PageSize must be greater than 0, but was %d", r.PageSize)
	}
	all := newKey(kindHistoryBranch)
	from, err := pageStart(all, r.NextPageToken)
	if err != nil {
		return nil, err
	}
	response := new(persistence.InternalGetAllHistoryTreeBranchesResponse)
	err = s.db.scan(from, keys.End(all), func(key, value []byte) (bool, error) {
		detail, err := readBranch(key[len(all):], bytes.Clone(value))
		if err != nil {
			return false, err
		}
		response.Branches = append(response.Branches, detail)
		if len(response.Branches) < r.PageSize {
			return true, nil
		}
		response.NextPageToken = pageToken(all, key)
		return false, nil
	})
	if err != nil {
		return nil, failed("GetAllHistoryTreeBranches", err)
	}
	return response, nil
}

func readBranch(key, value []byte) (detail persistence.InternalHistoryBranchDetail, err error) {
	if _, key, err = keys.CutInt32(key); err == nil {
		if detail.TreeID, key, err = keys.CutID(key); err == nil {
			detail.BranchID, key, err = keys.CutID(key)
		}
	}
	if err != nil || len(key) > 0 {
		return detail, corrupt("history branch")
	}
	var info *common.DataBlob
	info, err = readBlob("history branch", value)
	detail.Data, detail.Encoding = info.GetData(), info.GetEncodingType().String()
	return detail, err
}
