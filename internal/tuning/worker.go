package tuning

import sdkworker "go.temporal.io/sdk/worker"

// Worker is a tuner with so many slots of each kind, whose workflow tasks have a large stack from the beginning. The SDK
// runs each on a goroutine of its own and looks through all payloads with a recursive function of 8 KiB a frame: the stack
// of 2 KiB was doubled five times, which took a twentieth of an event's CPU time.
func Worker(workflows, activities int) (sdkworker.WorkerTuner, error) {
	tuner, err := sdkworker.NewFixedSizeTuner(sdkworker.FixedSizeTunerOptions{
		NumWorkflowSlots: workflows, NumActivitySlots: activities, NumLocalActivitySlots: activities,
	})
	return largeStacks{tuner}, err
}

type largeStacks struct{ sdkworker.WorkerTuner }

func (t largeStacks) GetWorkflowTaskSlotSupplier() sdkworker.SlotSupplier {
	return largeStackSlots{t.WorkerTuner.GetWorkflowTaskSlotSupplier()}
}

type largeStackSlots struct{ sdkworker.SlotSupplier }

// MarkSlotUsed is the first that the SDK calls on the goroutine of a task.
func (s largeStackSlots) MarkSlotUsed(info sdkworker.SlotMarkUsedInfo) {
	grow(0)
	s.SlotSupplier.MarkSlotUsed(info)
}

// grow needs so much stack that it is 64 KiB from then on.
//
//go:noinline
func grow(i int) byte {
	var room [40 << 10]byte
	return room[i]
}
