package pebblevisibility

import (
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"time"

	"go.temporal.io/api/enums/v1"
)

// recordVersion is the first byte of a record's value.
const recordVersion = 1

// errCorrupt is the cause when what is stored cannot have been written by this package.
var errCorrupt = errors.New("corrupt visibility data")

func corrupt(what string) error { return fmt.Errorf("%w: %s", errCorrupt, what) }

// Kinds of attributes' values.
const (
	kindString = iota + 1
	kindStrings
	kindBool
	kindInt
	kindDouble
	kindTime
)

// encode is the record's value. Its key has the namespace and the run.
func (r *record) encode() []byte {
	b := []byte{recordVersion}
	b = binary.AppendVarint(b, r.version)
	b = appendString(b, r.workflowID)
	b = appendString(b, r.workflowType)
	b = appendString(b, r.taskQueue)
	b = binary.AppendUvarint(b, uint64(r.status))
	b = binary.AppendVarint(b, int64(r.start))
	b = binary.AppendVarint(b, int64(r.execution))
	b = appendClosing(b, r.closing)
	b = appendOptional(b, r.parentWorkflowID)
	b = appendOptional(b, r.parentRunID)
	b = appendString(b, r.rootWorkflowID)
	b = appendString(b, r.rootRunID)
	b = appendString(b, string(r.memo))
	b = binary.AppendUvarint(b, uint64(r.memoEncoding))
	b = binary.AppendUvarint(b, uint64(len(r.attributes)))
	for _, name := range slices.Sorted(maps.Keys(r.attributes)) {
		b = appendAttribute(appendString(b, name), r.attributes[name])
	}
	return b
}

func appendClosing(b []byte, c *closing) []byte {
	if c == nil {
		return append(b, 0)
	}
	b = binary.AppendVarint(append(b, 1), int64(c.time))
	b = binary.AppendVarint(b, int64(c.duration))
	b = binary.AppendVarint(b, c.historyLength)
	b = binary.AppendVarint(b, c.historySize)
	return binary.AppendVarint(b, c.stateTransitions)
}

func appendString(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

func appendOptional(b []byte, s *string) []byte {
	if s == nil {
		return append(b, 0)
	}
	return appendString(append(b, 1), *s)
}

func appendAttribute(b []byte, v any) []byte {
	switch v := v.(type) {
	case string:
		return appendString(append(b, kindString), v)
	case []string:
		b = binary.AppendUvarint(append(b, kindStrings), uint64(len(v)))
		for _, s := range v {
			b = appendString(b, s)
		}
		return b
	case bool:
		if v {
			return append(b, kindBool, 1)
		}
		return append(b, kindBool, 0)
	case int64:
		return binary.AppendVarint(append(b, kindInt), v)
	case float64:
		return binary.BigEndian.AppendUint64(append(b, kindDouble), math.Float64bits(v))
	case time.Time:
		b = binary.AppendVarint(append(b, kindTime), v.Unix())
		return binary.AppendUvarint(b, uint64(v.Nanosecond()))
	}
	panic(fmt.Sprintf("attribute of type %T", v)) // storable has checked
}

// storable tells the types of attributes' values that there is an encoding for.
func storable(v any) bool {
	switch v.(type) {
	case string, []string, bool, int64, float64, time.Time:
		return true
	}
	return false
}

func decodeRecord(namespaceID, runID string, value []byte) (*record, error) {
	d := &decoder{rest: value}
	if d.byte() != recordVersion {
		return nil, corrupt("record of an unknown version")
	}
	r := &record{namespaceID: namespaceID, runID: runID}
	r.version = d.varint()
	r.workflowID = d.string()
	r.workflowType = d.string()
	r.taskQueue = d.string()
	r.status = enums.WorkflowExecutionStatus(d.uvarint())
	r.start = instant(d.varint())
	r.execution = instant(d.varint())
	r.closing = d.closing()
	r.parentWorkflowID = d.optional()
	r.parentRunID = d.optional()
	r.rootWorkflowID = d.string()
	r.rootRunID = d.string()
	r.memo = []byte(d.string())
	r.memoEncoding = enums.EncodingType(d.uvarint())
	for n := d.count(); n > 0; n-- {
		if r.attributes == nil {
			r.attributes = make(map[string]any, n)
		}
		name := d.string()
		r.attributes[name] = d.attribute()
	}
	if d.failed || len(d.rest) > 0 {
		return nil, corrupt("record")
	}
	return r, nil
}
