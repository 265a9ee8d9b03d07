package tuning

import (
	"runtime/metrics"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

func stacks() uint64 {
	sample := []metrics.Sample{{Name: "/memory/classes/heap/stacks:bytes"}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}

func TestWorkflowTasksHaveALargeStackFromTheBeginning(t *testing.T) {
	tuner, err := Worker(300, 7)
	require.NoError(t, err)
	require.Equal(t, 300, tuner.GetWorkflowTaskSlotSupplier().MaxSlots())
	require.Equal(t, 7, tuner.GetActivityTaskSlotSupplier().MaxSlots())
	require.Equal(t, 7, tuner.GetLocalActivitySlotSupplier().MaxSlots())

	const tasks = 200
	var running, ended sync.WaitGroup
	end := make(chan struct{})
	before := stacks()
	running.Add(tasks)
	for range tasks {
		ended.Go(func() {
			tuner.GetWorkflowTaskSlotSupplier().MarkSlotUsed(nil)
			running.Done()
			<-end
		})
	}
	running.Wait()
	during := stacks()
	close(end)
	ended.Wait()
	require.Greater(t, during-before, uint64(tasks*60<<10), "bytes of stack for %d tasks", tasks)
}
