package pebblevisibility

import (
	"encoding/binary"

	"go.temporal.io/api/enums/v1"
	"go.temporal.io/server/common/searchattribute/sadefs"

	"github.com/postrider/postrider/internal/engine/pebblestore/keys"
)

// countVersion is the first byte of a count's value; the number follows. There is no count of none.
const countVersion = 1

// class is the runs that are counted together.
type class struct {
	summary

	workflowType string
}

func (r *record) class() class { return class{summary: r.summary(), workflowType: r.workflowType} }

func (c class) key(namespaceID string) []byte {
	key := space(spaceCounts, namespaceID)
	if c.division == nil {
		key = append(key, 0)
	} else {
		key = keys.AppendString(append(key, 1), *c.division)
	}
	return keys.AppendInt32(keys.AppendString(key, c.workflowType), int32(c.status))
}

// decodeClass takes the part of the key after the namespace.
func decodeClass(key []byte) (c class, err error) {
	if len(key) == 0 || key[0] > 1 {
		return c, corrupt("key of a count")
	}
	divided := key[0] == 1
	key = key[1:]
	if divided {
		var division string
		if division, key, err = keys.CutString(key); err != nil {
			return c, err
		}
		c.division = &division
	}
	if c.workflowType, key, err = keys.CutString(key); err != nil {
		return c, err
	}
	status, key, err := keys.CutInt32(key)
	if err == nil && len(key) > 0 {
		err = keys.ErrMalformed
	}
	c.status = enums.WorkflowExecutionStatus(status)
	return c, err
}

func (c class) value(field string) any {
	switch field {
	case sadefs.ExecutionStatus:
		return int64(c.status)
	case sadefs.WorkflowType:
		return c.workflowType
	case sadefs.TemporalNamespaceDivision:
		return optional(c.division)
	}
	return nil
}

// classFields are those that value knows.
func classFields() []string {
	return []string{sadefs.ExecutionStatus, sadefs.WorkflowType, sadefs.TemporalNamespaceDivision}
}

func encodeCount(n int64) []byte { return binary.AppendVarint([]byte{countVersion}, n) }

func decodeCount(value []byte) (int64, error) {
	d := &decoder{rest: value}
	if d.byte() != countVersion {
		return 0, corrupt("count of an unknown version")
	}
	n := d.varint()
	if d.failed || len(d.rest) > 0 || n <= 0 {
		return 0, corrupt("count")
	}
	return n, nil
}
