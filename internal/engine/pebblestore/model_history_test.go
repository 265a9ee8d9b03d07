package pebblestore_test

import (
	"slices"
	"strings"
	"time"

	"go.temporal.io/api/common/v1"
	persistencespb "go.temporal.io/server/api/persistence/v1"
	"go.temporal.io/server/common/persistence"
	"go.temporal.io/server/common/persistence/serialization"
	"go.temporal.io/server/service/history/tasks"
	"pgregory.net/rapid"
)

func categories() []tasks.Category {
	return []tasks.Category{
		tasks.CategoryTransfer, tasks.CategoryTimer, tasks.CategoryVisibility, tasks.CategoryReplication, tasks.CategoryArchival, tasks.CategoryOutbound,
	}
}

func modelTime(t *rapid.T, label string) time.Time {
	return time.Unix(1_800_000_000+rapid.Int64Range(0, 4).Draw(t, label), 0).UTC()
}

func (m *model) drawTasks(t *rapid.T) map[tasks.Category][]persistence.InternalHistoryTask {
	all := map[tasks.Category][]persistence.InternalHistoryTask{}
	for _, category := range rapid.SliceOfN(rapid.SampledFrom(categories()), 0, 3).Draw(t, "task categories") {
		key := tasks.NewImmediateKey(m.id())
		if category.Type() == tasks.CategoryTypeScheduled {
			key.FireTime = modelTime(t, "fire time")
		}
		all[category] = append(all[category], persistence.InternalHistoryTask{Key: key, Blob: drawBlob().Draw(t, "task")})
	}
	return all
}

func (m *model) addTasks(t *rapid.T) {
	rangeID, added := m.drawRange(t), m.drawTasks(t)
	_, _ = both(t, m, "AddHistoryTasks", func(s stores) (any, error) {
		return nil, s.executions.AddHistoryTasks(m.ctx, &persistence.InternalAddHistoryTasksRequest{
			ShardID: m.shard, RangeID: rangeID, NamespaceID: namespaceID, WorkflowID: workflowIDs[0], Tasks: added,
		})
	})
}

func (m *model) drawTaskKeys(t *rapid.T) (tasks.Category, tasks.Key, tasks.Key) {
	category := rapid.SampledFrom(categories()).Draw(t, "category")
	from, to := rapid.Int64Range(0, m.nextID).Draw(t, "from"), rapid.Int64Range(0, m.nextID+1).Draw(t, "to")
	if category.Type() == tasks.CategoryTypeScheduled {
		return category, tasks.NewKey(modelTime(t, "from time"), 0), tasks.NewKey(modelTime(t, "to time"), 0)
	}
	return category, tasks.NewImmediateKey(from), tasks.NewImmediateKey(to)
}

func (m *model) getTasks(t *rapid.T) {
	category, from, to := m.drawTaskKeys(t)
	size := rapid.IntRange(1, 4).Draw(t, "page size")
	_, _ = both(t, m, "GetHistoryTasks", func(s stores) ([][]persistence.InternalHistoryTask, error) {
		return pages(func(token []byte) ([]persistence.InternalHistoryTask, []byte, error) {
			r, err := s.executions.GetHistoryTasks(m.ctx, &persistence.GetHistoryTasksRequest{
				ShardID: m.shard, TaskCategory: category, InclusiveMinTaskKey: from, ExclusiveMaxTaskKey: to,
				BatchSize: size, NextPageToken: token,
			})
			if err != nil {
				return nil, nil, err
			}
			return r.Tasks, r.NextPageToken, nil
		})
	})
}

func (m *model) completeTask(t *rapid.T) {
	category, key, _ := m.drawTaskKeys(t)
	key.TaskID = rapid.Int64Range(0, m.nextID).Draw(t, "task")
	_, _ = both(t, m, "CompleteHistoryTask", func(s stores) (any, error) {
		return nil, s.executions.CompleteHistoryTask(m.ctx, &persistence.CompleteHistoryTaskRequest{
			ShardID: m.shard, TaskCategory: category, TaskKey: key,
		})
	})
}

func (m *model) completeTasks(t *rapid.T) {
	category, from, to := m.drawTaskKeys(t)
	_, _ = both(t, m, "RangeCompleteHistoryTasks", func(s stores) (any, error) {
		return nil, s.executions.RangeCompleteHistoryTasks(m.ctx, &persistence.RangeCompleteHistoryTasksRequest{
			ShardID: m.shard, TaskCategory: category, InclusiveMinTaskKey: from, ExclusiveMaxTaskKey: to,
		})
	})
}

func drawBranch(t *rapid.T) (*persistencespb.HistoryBranch, []byte) {
	branch := &persistencespb.HistoryBranch{TreeId: runIDs[0], BranchId: rapid.SampledFrom(runIDs).Draw(t, "branch")}
	blob, err := serialization.NewSerializer().HistoryBranchToBlob(branch)
	if err != nil {
		t.Fatal(err)
	}
	return branch, blob.Data
}

func (m *model) appendNode(t *rapid.T) {
	branch, token := drawBranch(t)
	node := persistence.InternalHistoryNode{
		NodeID: rapid.Int64Range(1, 6).Draw(t, "node"), TransactionID: rapid.Int64Range(1, 3).Draw(t, "transaction"),
		PrevTransactionID: rapid.Int64Range(0, 3).Draw(t, "before"), Events: drawBlob().Draw(t, "events"),
	}
	isNew := rapid.Bool().Draw(t, "new branch")
	_, _ = both(t, m, "AppendHistoryNodes", func(s stores) (any, error) {
		return nil, s.executions.AppendHistoryNodes(m.ctx, &persistence.InternalAppendHistoryNodesRequest{
			ShardID: m.shard, BranchToken: token, BranchInfo: branch, IsNewBranch: isNew, TreeInfo: text("tree"), Node: node,
		})
	})
}

// readBranch reads backwards in one page only: SQLite's store loses nodes of one ID at the end of a page then.
func (m *model) readBranch(t *rapid.T) {
	_, token := drawBranch(t)
	r := persistence.InternalReadHistoryBranchRequest{
		ShardID: m.shard, BranchToken: token, BranchID: rapid.SampledFrom(runIDs).Draw(t, "of branch"),
		MinNodeID: rapid.Int64Range(1, 4).Draw(t, "from"), MaxNodeID: rapid.Int64Range(1, 8).Draw(t, "to"),
		PageSize: rapid.IntRange(1, 4).Draw(t, "page size"), MetadataOnly: rapid.Bool().Draw(t, "metadata only"),
	}
	if !r.MetadataOnly && rapid.Bool().Draw(t, "backwards") {
		r.ReverseOrder, r.PageSize = true, 1000
	}
	_, _ = both(t, m, "ReadHistoryBranch", func(s stores) ([][]persistence.InternalHistoryNode, error) {
		return pages(func(token []byte) ([]persistence.InternalHistoryNode, []byte, error) {
			request := r
			request.NextPageToken = token
			response, err := s.executions.ReadHistoryBranch(m.ctx, &request)
			if err != nil {
				return nil, nil, err
			}
			return response.Nodes, response.NextPageToken, nil
		})
	})
	_, _ = both(t, m, "GetHistoryTreeContainingBranch", func(s stores) ([]*common.DataBlob, error) {
		response, err := s.executions.GetHistoryTreeContainingBranch(m.ctx, &persistence.InternalGetHistoryTreeContainingBranchRequest{
			ShardID: m.shard, BranchToken: token,
		})
		if err != nil {
			return nil, err
		}
		slices.SortFunc(response.TreeInfos, func(a, b *common.DataBlob) int { return strings.Compare(string(a.Data), string(b.Data)) })
		return response.TreeInfos, nil
	})
}

func (m *model) fork(t *rapid.T) {
	branch, token := drawBranch(t)
	newBranch := rapid.SampledFrom(runIDs).Draw(t, "new branch")
	_, _ = both(t, m, "ForkHistoryBranch", func(s stores) (any, error) {
		return nil, s.executions.ForkHistoryBranch(m.ctx, &persistence.InternalForkHistoryBranchRequest{
			ShardID: m.shard, NewBranchToken: token, ForkBranchInfo: branch, NewBranchID: newBranch, TreeInfo: text("fork"), ForkNodeID: 2,
		})
	})
}

func (m *model) deleteNode(t *rapid.T) {
	branch, token := drawBranch(t)
	node, transaction := rapid.Int64Range(0, 6).Draw(t, "node"), rapid.Int64Range(1, 3).Draw(t, "transaction")
	_, _ = both(t, m, "DeleteHistoryNodes", func(s stores) (any, error) {
		return nil, s.executions.DeleteHistoryNodes(m.ctx, &persistence.InternalDeleteHistoryNodesRequest{
			ShardID: m.shard, BranchToken: token, BranchInfo: branch, NodeID: node, TransactionID: transaction,
		})
	})
}

func (m *model) deleteBranch(t *rapid.T) {
	branch, token := drawBranch(t)
	ranges := []persistence.InternalDeleteHistoryBranchRange{
		{BranchId: branch.BranchId, BeginNodeId: rapid.Int64Range(1, 4).Draw(t, "from node")},
	}
	_, _ = both(t, m, "DeleteHistoryBranch", func(s stores) (any, error) {
		return nil, s.executions.DeleteHistoryBranch(m.ctx, &persistence.InternalDeleteHistoryBranchRequest{
			ShardID: m.shard, BranchToken: token, BranchInfo: branch, BranchRanges: ranges,
		})
	})
}
