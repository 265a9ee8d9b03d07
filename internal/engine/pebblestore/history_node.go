package pebblestore

import (
	"bytes"
	"context"

	"go.temporal.io/api/common/v1"
	"go.temporal.io/server/common/persistence"

	"github.com/postrider/postrider/internal/engine/pebblestore/keys"
)

// A node is some events of a history that were written at once. Its ID is that of the first event. Of several with one ID
// the one with the largest transaction ID counts, and comes first.
//
//	key    kindHistoryNode, shard ID, tree ID, branch ID, node ID, transaction ID downwards
//	value  transaction ID of the node before, blob of the events
func nodePrefix(shard int32, treeID, branchID string) []byte {
	k := keys.AppendInt32(newKey(kindHistoryNode), shard)
	return keys.AppendID(keys.AppendID(k, treeID), branchID)
}

func nodeKey(shard int32, treeID, branchID string, nodeID, transactionID int64) []byte {
	return keys.AppendInt64Desc(keys.AppendInt64(nodePrefix(shard, treeID, branchID), nodeID), transactionID)
}

// nodePosition is how long the last two parts of a node's key are. They are also its page token.
const nodePosition = 16

// AppendHistoryNodes adds a node, or writes it again, and its branch if that is new.
func (s *executionStore) AppendHistoryNodes(_ context.Context, r *persistence.InternalAppendHistoryNodesRequest) error {
	return s.update("AppendHistoryNodes", noLock{}, func(b *batch) error {
		b.appendNode(r)
		return nil
	})
}

func (b *batch) appendNodes(nodes []*persistence.InternalAppendHistoryNodesRequest) {
	for _, node := range nodes {
		b.appendNode(node)
	}
}

func (b *batch) appendNode(r *persistence.InternalAppendHistoryNodesRequest) {
	treeID, branchID := r.BranchInfo.GetTreeId(), r.BranchInfo.GetBranchId()
	b.set(nodeKey(r.ShardID, treeID, branchID, r.Node.NodeID, r.Node.TransactionID),
		versionedBlob(r.Node.PrevTransactionID, r.Node.Events))
	if r.IsNewBranch {
		b.set(branchKey(r.ShardID, treeID, branchID), blobValue(r.TreeInfo))
	}
}

// DeleteHistoryNodes deletes one node.
func (s *executionStore) DeleteHistoryNodes(_ context.Context, r *persistence.InternalDeleteHistoryNodesRequest) error {
	if r.NodeID < persistence.GetBeginNodeID(r.BranchInfo) {
		return &persistence.InvalidPersistenceRequestError{Msg: "cannot delete an ancestor's nodes"}
	}
	return s.update("DeleteHistoryNodes", noLock{}, func(b *batch) error {
		b.remove(nodeKey(r.ShardID, r.BranchInfo.GetTreeId(), r.BranchInfo.GetBranchId(), r.NodeID, r.TransactionID))
		return nil
	})
}

func (s *executionStore) ReadHistoryBranch(
	_ context.Context, r *persistence.InternalReadHistoryBranchRequest,
) (*persistence.InternalReadHistoryBranchResponse, error) {
	branch, err := s.ParseHistoryBranchInfo(r.BranchToken)
	if err != nil {
		return nil, err
	}
	prefix := nodePrefix(r.ShardID, branch.GetTreeId(), r.BranchID)
	lower := keys.AppendInt64(bytes.Clone(prefix), r.MinNodeID)
	upper := keys.AppendInt64(bytes.Clone(prefix), r.MaxNodeID)
	scan := s.db.scan
	if r.ReverseOrder {
		scan = s.db.scanBack
	}
	switch at := append(bytes.Clone(prefix), r.NextPageToken...); {
	case len(r.NextPageToken) == 0:
	case len(r.NextPageToken) != nodePosition:
		return nil, badToken()
	case r.ReverseOrder:
		upper = at
	default:
		lower = keys.After(at)
	}
	response := new(persistence.InternalReadHistoryBranchResponse)
	err = scan(lower, upper, func(key, value []byte) (bool, error) {
		node, err := readNode(key[len(prefix):], value, r.MetadataOnly)
		if err != nil {
			return false, err
		}
		response.Nodes = append(response.Nodes, node)
		if len(response.Nodes) < r.PageSize {
			return true, nil
		}
		response.NextPageToken = pageToken(prefix, key)
		return false, nil
	})
	if err != nil {
		return nil, failed("ReadHistoryBranch", err)
	}
	return response, nil
}

func readNode(position, value []byte, metadataOnly bool) (node persistence.InternalHistoryNode, err error) {
	if len(position) != nodePosition {
		return node, corrupt("history node")
	}
	node.NodeID, position, _ = keys.CutInt64(position)
	node.TransactionID, _, _ = keys.CutInt64Desc(position)
	if metadataOnly {
		f := fieldsOf("history node", value)
		node.PrevTransactionID, node.Events = f.int64(), new(common.DataBlob)
		return node, f.opened()
	}
	node.PrevTransactionID, node.Events, err = readVersionedBlob("history node", bytes.Clone(value))
	return node, err
}
