package main

import (
	"context"
	"errors"
	"fmt"
	"math"

	persistencespb "go.temporal.io/server/api/persistence/v1"
	"go.temporal.io/server/chasm"
	"go.temporal.io/server/common/namespace"
	"go.temporal.io/server/common/persistence"
	"go.temporal.io/server/common/persistence/versionhistory"
	"go.temporal.io/server/common/persistence/visibility/manager"
	visibility "go.temporal.io/server/common/persistence/visibility/store"
)

// mostOriginals are as many as make the copies' contents vary.
const mostOriginals = 100

// original is a closed workflow that the server has run.
type original struct {
	listed          *visibility.InternalExecutionInfo
	info            *persistencespb.WorkflowExecutionInfo
	state           *persistencespb.WorkflowExecutionState
	nextEventID     int64
	dbRecordVersion int64
	version         int64 // of its last event
	nodes           []persistence.InternalHistoryNode
	tree            *persistencespb.HistoryTreeInfo
}

// originals reads some closed workflows.
func (s *stores) originals(ctx context.Context) ([]*original, error) {
	page, err := s.visibility.ListWorkflowExecutions(ctx, &manager.ListWorkflowExecutionsRequestV2{
		NamespaceID: namespace.ID(s.namespaceID), Namespace: namespaceName, PageSize: mostOriginals,
	})
	if err != nil {
		return nil, fmt.Errorf("list the workflows: %w", err)
	}
	var all []*original
	for _, info := range page.Executions {
		if !isClosed(info) {
			continue
		}
		o, err := s.original(ctx, info)
		if err != nil {
			return nil, fmt.Errorf("read workflow %s: %w", info.WorkflowID, err)
		}
		all = append(all, o)
	}
	if len(all) == 0 {
		return nil, errors.New("there is no closed workflow to copy")
	}
	return all, nil
}

func (s *stores) original(ctx context.Context, listed *visibility.InternalExecutionInfo) (*original, error) {
	found, err := s.executions.GetWorkflowExecution(ctx, &persistence.GetWorkflowExecutionRequest{
		ShardID: shard, NamespaceID: s.namespaceID, WorkflowID: listed.WorkflowID, RunID: listed.RunID, ArchetypeID: chasm.WorkflowArchetypeID,
	})
	if err != nil {
		return nil, err
	}
	o := &original{listed: listed, nextEventID: found.State.NextEventID, dbRecordVersion: found.DBRecordVersion}
	if o.info, err = s.serializer.WorkflowExecutionInfoFromBlob(found.State.ExecutionInfo); err != nil {
		return nil, err
	}
	if o.state, err = s.serializer.WorkflowExecutionStateFromBlob(found.State.ExecutionState); err != nil {
		return nil, err
	}
	history, err := versionhistory.GetCurrentVersionHistory(o.info.GetVersionHistories())
	if err != nil {
		return nil, err
	}
	last, err := versionhistory.GetLastVersionHistoryItem(history)
	if err != nil {
		return nil, err
	}
	o.version = last.GetVersion()
	return o, s.readHistory(ctx, o, history.GetBranchToken())
}

func (s *stores) readHistory(ctx context.Context, o *original, token []byte) error {
	branch, err := s.serializer.HistoryBranchFromBlob(token)
	if err != nil {
		return err
	}
	read, err := s.executions.ReadHistoryBranch(ctx, &persistence.InternalReadHistoryBranchRequest{
		ShardID: shard, BranchToken: token, BranchID: branch.GetBranchId(), MinNodeID: 1, MaxNodeID: math.MaxInt64, PageSize: 1000,
	})
	if err != nil {
		return err
	}
	o.nodes = read.Nodes
	tree, err := s.executions.GetHistoryTreeContainingBranch(ctx, &persistence.InternalGetHistoryTreeContainingBranchRequest{
		ShardID: shard, BranchToken: token,
	})
	if err != nil {
		return err
	}
	if len(tree.TreeInfos) != 1 {
		return fmt.Errorf("its history has %d branches", len(tree.TreeInfos))
	}
	o.tree, err = s.serializer.HistoryTreeInfoFromBlob(tree.TreeInfos[0])
	return err
}
