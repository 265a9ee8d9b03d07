package pebblevisibility

import (
	"encoding/binary"

	"go.temporal.io/api/enums/v1"
)

// summaryVersion is the first byte of an entry's value.
const summaryVersion = 1

// summary is what an entry tells of a run besides what its key does.
type summary struct {
	status   enums.WorkflowExecutionStatus
	division *string
}

func (r *record) summary() summary { return summary{status: r.status, division: r.division()} }

func (s summary) encode() []byte {
	return appendOptional(binary.AppendUvarint([]byte{summaryVersion}, uint64(s.status)), s.division)
}

func decodeSummary(value []byte) (s summary, err error) {
	d := &decoder{rest: value}
	if d.byte() != summaryVersion {
		return s, corrupt("index entry of an unknown version")
	}
	s.status = enums.WorkflowExecutionStatus(d.uvarint())
	s.division = d.optional()
	if d.failed || len(d.rest) > 0 {
		return s, corrupt("index entry")
	}
	return s, nil
}
