package engine

import "go.temporal.io/server/common/config"

// inject makes a share of Temporal's calls to its data store fail, with errors that stores give: not there at the moment, too
// slow though it was done, too slow and not done, owned by another; each only where a store gives it. It is for tests: what they
// find must be survived.
func inject(p config.Persistence, share float64) {
	if share == 0 {
		return
	}
	faults := &config.FaultInjection{}
	add := func(store config.DataStoreName, methods []string, errors ...string) {
		for _, method := range methods {
			for _, name := range errors {
				faults = faults.WithError(store, method, name, share/float64(len(errors)))
			}
		}
	}
	// What is read is asked of no owner.
	add(config.ExecutionStoreName, []string{
		"GetWorkflowExecution", "GetCurrentExecution", "ReadHistoryBranch", "GetHistoryTasks",
	}, "Unavailable", "Timeout")
	add(config.ExecutionStoreName, []string{
		"AppendHistoryNodes", "CompleteHistoryTask", "RangeCompleteHistoryTasks", "ForkHistoryBranch",
		"DeleteWorkflowExecution", "DeleteCurrentWorkflowExecution", "DeleteHistoryBranch",
	}, "Unavailable", "Timeout", "ExecuteAndTimeout")
	// What only the shard's owner may write. After each of these errors it takes the shard anew.
	owned := []string{"Unavailable", "Timeout", "ExecuteAndTimeout", "ShardOwnershipLost"}
	add(config.ExecutionStoreName, []string{
		"CreateWorkflowExecution", "UpdateWorkflowExecution", "ConflictResolveWorkflowExecution", "SetWorkflowExecution", "AddHistoryTasks",
	}, owned...)
	add(config.ShardStoreName, []string{"UpdateShard"}, owned...)
	add(config.TaskStoreName, []string{
		"CreateTaskQueue", "GetTaskQueue", "UpdateTaskQueue", "CreateTasks", "GetTasks", "CompleteTasksLessThan",
	}, "Unavailable", "Timeout")
	main := p.DataStores[p.DefaultStore]
	main.FaultInjection = faults
	p.DataStores[p.DefaultStore] = main
}
