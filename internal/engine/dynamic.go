package engine

import (
	"time"

	"go.temporal.io/server/common/dynamicconfig"
)

// unlimited is a rate that this server does not reach. Temporal's defaults protect clusters shared by many; here
// the dispatcher is the only client that matters, and it adapts to the server's pace by itself.
const unlimited = 1_000_000

// schedulerWorkers is how many tasks of one kind are worked on at once.
const schedulerWorkers = 64

// dynamicConfig is where the embedded server differs from Temporal's defaults.
func dynamicConfig(retention time.Duration) dynamicconfig.StaticClient {
	dc := dynamicconfig.StaticClient{
		// Else the server asks version-info.temporal.io once a day.
		dynamicconfig.EnableServerVersionCheck.Key(): false,

		// The queues forget finished tasks only this often, and every new task walks over all that they
		// remember. At the default of 30 s throughput halves within 20,000 workflows.
		dynamicconfig.TransferProcessorUpdateAckInterval.Key():   time.Second,
		dynamicconfig.TimerProcessorUpdateAckInterval.Key():      time.Second,
		dynamicconfig.VisibilityProcessorUpdateAckInterval.Key(): time.Second,
		// Each 20 by default, times 100 tasks.
		dynamicconfig.TransferProcessorMaxPollRPS.Key(): 100,
		dynamicconfig.TimerProcessorMaxPollRPS.Key():    100,
		// Of a workflow that has closed meanwhile the start is not recorded for lists, and most close within milliseconds: the
		// later the queue looks, the fewer it has to.
		dynamicconfig.VisibilityProcessorMaxPollRPS.Key(): 10,
		dynamicconfig.VisibilityTaskBatchSize.Key():       1000,

		// A queue's second reader, 2 by default, is for what a namespace with much to do has beside others, of which there are none. It gets
		// what the first leaves of the looks, which is next to nothing: of a herd of retries, 2 of the 100 a second.
		dynamicconfig.TransferQueueMaxReaderCount.Key():   1,
		dynamicconfig.TimerQueueMaxReaderCount.Key():      1,
		dynamicconfig.VisibilityQueueMaxReaderCount.Key(): 1,

		// Many timers due within one second, as when retention has more than a few hundred to delete, are taken for a reader
		// that is stuck: each such second is split off into a slice of its own. From 50 slices on these are to be joined
		// again, which does not succeed (those on either side have another predicate) but begins anew at once, and
		// the queue does a hundredth of what it could.
		dynamicconfig.QueueReaderStuckCriticalAttempts.Key(): 0,
		dynamicconfig.QueueCriticalSlicesCount.Key():         1000,

		// After each look for timers that are due the next one is looked for, this far ahead, 5 minutes by default. It walks over
		// the time-outs of all workflow tasks that were done since, some thousands, and does so up to a hundred times a second.
		dynamicconfig.TimerProcessorMaxPollInterval.Key(): time.Second,

		// What is loaded faster than it is done piles up in memory, until at 9,000 tasks, by default, all of a queue is dropped and
		// comes again 10 s later. So 2,500 timers a second are loaded, which is what this server does with a herd of them.
		dynamicconfig.TimerTaskBatchSize.Key(): 25,
		// Retries take longer: loading rests before it comes to that, and for 0.2 s, not 5.
		dynamicconfig.QueuePendingTaskMaxCount.Key():               8500,
		dynamicconfig.QueuePendingTaskCriticalCount.Key():          10_000, // more than that and a batch
		dynamicconfig.TimerProcessorPollBackoffInterval.Key():      200 * time.Millisecond,
		dynamicconfig.TransferProcessorPollBackoffInterval.Key():   200 * time.Millisecond,
		dynamicconfig.VisibilityProcessorPollBackoffInterval.Key(): 200 * time.Millisecond,

		// A shard that was lost, by an error of its data, is taken again by the next request for it or after this time, a minute
		// by default, in which neither timers nor workflow tasks are worked on.
		dynamicconfig.AcquireShardInterval.Key(): 2 * time.Second,

		// Timers that are due sooner than this are put off until then: a guard against the clocks of several
		// hosts, of which there is one here. At the default of 1 s a retry after 300 ms comes after a second.
		dynamicconfig.TimerProcessorMaxTimeShift.Key(): 10 * time.Millisecond,

		// 128,000 workflows by default: gigabytes, at about 20 KB each. Most are closed at once, and not asked for again; to
		// load one is cheaper than what it costs the garbage collector to keep it.
		dynamicconfig.HistoryCacheHostLevelMaxSize.Key(): 1000,

		// 512 each by default, which wake in turn: every task found the stack of its goroutine shrunk, and its core's cache cold.
		dynamicconfig.TransferProcessorSchedulerWorkerCount.Key():               schedulerWorkers,
		dynamicconfig.TimerProcessorSchedulerWorkerCount.Key():                  schedulerWorkers,
		dynamicconfig.VisibilityProcessorSchedulerWorkerCount.Key():             schedulerWorkers,
		dynamicconfig.ArchivalProcessorSchedulerWorkerCount.Key():               1,
		dynamicconfig.ReplicationProcessorSchedulerWorkerCount.Key():            1,
		dynamicconfig.ReplicationLowPriorityProcessorSchedulerWorkerCount.Key(): 1,

		// Without a maximum there is no limiter to be asked.
		dynamicconfig.FrontendPersistenceMaxQPS.Key():                 0,
		dynamicconfig.HistoryPersistenceMaxQPS.Key():                  0,
		dynamicconfig.MatchingPersistenceMaxQPS.Key():                 0,
		dynamicconfig.PersistenceHealthSignalMetricsEnabled.Key():     false,
		dynamicconfig.PersistenceHealthSignalAggregationEnabled.Key(): false,

		// Partitions spread a queue over machines.
		dynamicconfig.MatchingNumTaskqueueReadPartitions.Key():  1,
		dynamicconfig.MatchingNumTaskqueueWritePartitions.Key(): 1,

		// What the columns hold.
		dynamicconfig.MaxIDLengthLimit.Key(): 255,

		dynamicconfig.EnableEagerWorkflowStart.Key():     true,
		dynamicconfig.EnableActivityEagerExecution.Key(): true,

		// For the UI's Pause button.
		dynamicconfig.WorkflowPauseEnabled.Key(): true,

		// Operations over many workflows, from the UI; 1, 50 and 5 by default.
		dynamicconfig.FrontendMaxConcurrentBatchOperationPerNamespace.Key(): 5,
		dynamicconfig.BatcherRPS.Key():                                      200,
		dynamicconfig.BatcherConcurrency.Key():                              10,

		// A person at the UI spends ten in a second.
		dynamicconfig.FrontendMaxNamespaceVisibilityRPSPerInstance.Key(): 200,
	}
	for _, limit := range []dynamicconfig.Key{
		dynamicconfig.FrontendRPS.Key(),
		dynamicconfig.FrontendMaxNamespaceRPSPerInstance.Key(),
		dynamicconfig.MatchingRPS.Key(),
		dynamicconfig.HistoryRPS.Key(),
		dynamicconfig.VisibilityPersistenceMaxReadQPS.Key(),
		dynamicconfig.VisibilityPersistenceMaxWriteQPS.Key(),
	} {
		dc[limit] = unlimited
	}
	if retention < time.Hour {
		dc[dynamicconfig.NamespaceMinRetentionLocal.Key()] = retention
	}
	return dc
}
