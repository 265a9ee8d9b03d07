package main

import (
	"context"
	"encoding/binary"
	"time"

	"github.com/google/uuid"
	persistencespb "go.temporal.io/server/api/persistence/v1"
	"go.temporal.io/server/chasm"
	"go.temporal.io/server/common"
	"go.temporal.io/server/common/definition"
	"go.temporal.io/server/common/persistence"
	visibility "go.temporal.io/server/common/persistence/visibility/store"
	"go.temporal.io/server/service/history/tasks"
	"google.golang.org/protobuf/proto"
)

const (
	// retentionBatch is how many tasks are written in one transaction.
	retentionBatch = 1000

	// idsPerMillisecond tell tasks apart that are due at the same time. A task with an ID from before its workflow, or from
	// what is the future for the server, is not done.
	idsPerMillisecond = 1000
)

// closedCopy is a copy to be. Its IDs follow from its number.
type closedCopy struct {
	*original

	workflowType      string
	workflowID, runID string
	branch            *persistencespb.HistoryBranch
}

func newCopy(o *original, i int, workflowType string) *closedCopy {
	run := id("run", i)
	return &closedCopy{
		original: o, workflowType: workflowType, workflowID: "evt_" + id("workflow", i), runID: run,
		branch: &persistencespb.HistoryBranch{TreeId: run, BranchId: id("branch", i)},
	}
}

// id looks random, as real ones do: no index profits from its order.
func id(kind string, i int) string {
	return uuid.NewSHA1(uuid.NameSpaceOID, binary.BigEndian.AppendUint64([]byte(kind), uint64(i))).String()
}

// write writes all of the copy but the task that deletes it.
func (s *stores) write(ctx context.Context, c *closedCopy) error {
	request, err := s.creation(c)
	if err != nil {
		return err
	}
	if _, err := s.executions.CreateWorkflowExecution(ctx, request); err != nil {
		return err
	}
	return s.visibility.RecordWorkflowExecutionClosed(ctx, s.listing(c))
}

// creation is as if the workflow had come into being closed.
func (s *stores) creation(c *closedCopy) (*persistence.InternalCreateWorkflowExecutionRequest, error) {
	token, err := s.serializer.HistoryBranchToBlob(c.branch)
	if err != nil {
		return nil, err
	}
	info := proto.CloneOf(c.info)
	info.WorkflowId, info.WorkflowTypeName = c.workflowID, c.workflowType
	info.FirstExecutionRunId, info.RootWorkflowId, info.RootRunId = c.runID, c.workflowID, c.runID
	info.VersionHistories.Histories[info.VersionHistories.CurrentVersionHistoryIndex].BranchToken = token.Data
	state := proto.CloneOf(c.state)
	state.RunId = c.runID
	run := persistence.InternalWorkflowSnapshot{
		NamespaceID: s.namespaceID, WorkflowID: c.workflowID, RunID: c.runID,
		ExecutionInfo: info, ExecutionState: state,
		LastWriteVersion: c.version, NextEventID: c.nextEventID, DBRecordVersion: c.dbRecordVersion,
	}
	if run.ExecutionInfoBlob, err = s.serializer.WorkflowExecutionInfoToBlob(info); err != nil {
		return nil, err
	}
	if run.ExecutionStateBlob, err = s.serializer.WorkflowExecutionStateToBlob(state); err != nil {
		return nil, err
	}
	nodes, err := s.history(c, token.Data)
	return &persistence.InternalCreateWorkflowExecutionRequest{
		ShardID: shard, RangeID: s.rangeID, Mode: persistence.CreateWorkflowModeBrandNew, ArchetypeID: chasm.WorkflowArchetypeID,
		NewWorkflowSnapshot: run, NewWorkflowNewEvents: nodes,
	}, err
}

func (s *stores) history(c *closedCopy, token []byte) ([]*persistence.InternalAppendHistoryNodesRequest, error) {
	tree, err := s.serializer.HistoryTreeInfoToBlob(&persistencespb.HistoryTreeInfo{
		BranchInfo: c.branch, ForkTime: c.tree.GetForkTime(),
		BranchToken: token, //nolint:staticcheck // deprecated, and the server writes it all the same
		Info:        persistence.BuildHistoryGarbageCleanupInfo(s.namespaceID, c.workflowID, c.runID),
	})
	if err != nil {
		return nil, err
	}
	requests := make([]*persistence.InternalAppendHistoryNodesRequest, len(c.nodes))
	for i, node := range c.nodes {
		requests[i] = &persistence.InternalAppendHistoryNodesRequest{
			ShardID: shard, BranchToken: token, BranchInfo: c.branch, IsNewBranch: i == 0, TreeInfo: tree, Node: node,
		}
	}
	return requests, nil
}

func (s *stores) listing(c *closedCopy) *visibility.InternalRecordWorkflowExecutionClosedRequest {
	return &visibility.InternalRecordWorkflowExecutionClosedRequest{
		InternalVisibilityRequestBase: &visibility.InternalVisibilityRequestBase{
			NamespaceID: s.namespaceID, WorkflowID: c.workflowID, RunID: c.runID, WorkflowTypeName: c.workflowType,
			StartTime: c.listed.StartTime, Status: c.listed.Status, ExecutionTime: c.listed.ExecutionTime,
			TaskID: c.info.GetCloseVisibilityTaskId(), ShardID: shard, Memo: c.listed.Memo, TaskQueue: c.listed.TaskQueue,
			SearchAttributes: c.listed.SearchAttributes, RootWorkflowID: c.workflowID, RootRunID: c.runID,
		},
		CloseTime: c.listed.CloseTime, HistoryLength: c.listed.HistoryLength, HistorySizeBytes: c.listed.HistorySizeBytes,
		ExecutionDuration: c.listed.ExecutionDuration, StateTransitionCount: c.listed.StateTransitionCount,
	}
}

// writeRetention writes the tasks that delete the copies. They come last, so that the first are due when all is written.
func (s *stores) writeRetention(ctx context.Context, p plan, originals []*original) error {
	now := time.Now()
	for first := 0; first < p.n; first += retentionBatch {
		request := &persistence.InternalAddHistoryTasksRequest{ShardID: shard, RangeID: s.rangeID, NamespaceID: s.namespaceID}
		var due []persistence.InternalHistoryTask
		for i := first; i < min(p.n, first+retentionBatch); i++ {
			task, err := s.deletion(newCopy(originals[i%len(originals)], i, p.workflowType), p.retention(now, i), i)
			if err != nil {
				return err
			}
			due = append(due, task)
		}
		request.Tasks = map[tasks.Category][]persistence.InternalHistoryTask{tasks.CategoryTimer: due}
		if err := s.executions.AddHistoryTasks(ctx, request); err != nil {
			return err
		}
	}
	return nil
}

func (s *stores) deletion(c *closedCopy, due time.Time, number int) (persistence.InternalHistoryTask, error) {
	token, err := s.serializer.HistoryBranchToBlob(c.branch)
	if err != nil {
		return persistence.InternalHistoryTask{}, err
	}
	task := &tasks.DeleteHistoryEventTask{
		WorkflowKey:         definition.NewWorkflowKey(s.namespaceID, c.workflowID, c.runID),
		VisibilityTimestamp: due.UTC().Truncate(common.ScheduledTaskMinPrecision),
		TaskID:              c.info.GetCloseVisibilityTaskId() + int64(number)%idsPerMillisecond, Version: c.version, BranchToken: token.Data, ArchetypeID: chasm.WorkflowArchetypeID,
	}
	blob, err := s.serializer.SerializeTask(task)
	return persistence.InternalHistoryTask{Key: task.GetKey(), Blob: blob}, err
}
