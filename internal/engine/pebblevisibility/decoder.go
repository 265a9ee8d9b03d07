package pebblevisibility

import (
	"encoding/binary"
	"math"
	"time"
)

// decoder takes values off the beginning of rest. Once something is not as it should be it has failed and
// gives zero values.
type decoder struct {
	rest   []byte
	failed bool
}

func (d *decoder) fail() { d.failed, d.rest = true, nil }

func (d *decoder) byte() byte {
	if len(d.rest) == 0 {
		d.fail()
		return 0
	}
	b := d.rest[0]
	d.rest = d.rest[1:]
	return b
}

func (d *decoder) bool() bool {
	b := d.byte()
	if b > 1 {
		d.fail()
	}
	return b == 1
}

func (d *decoder) varint() int64 {
	v, n := binary.Varint(d.rest)
	if n <= 0 {
		d.fail()
		return 0
	}
	d.rest = d.rest[n:]
	return v
}

func (d *decoder) uvarint() uint64 {
	v, n := binary.Uvarint(d.rest)
	if n <= 0 {
		d.fail()
		return 0
	}
	d.rest = d.rest[n:]
	return v
}

// count is a number of things, each of which takes a byte at least.
func (d *decoder) count() int {
	n := d.uvarint()
	if n > uint64(len(d.rest)) {
		d.fail()
		return 0
	}
	return int(n)
}

func (d *decoder) string() string {
	n := d.count()
	s := string(d.rest[:n])
	d.rest = d.rest[n:]
	return s
}

func (d *decoder) optional() *string {
	if !d.bool() {
		return nil
	}
	s := d.string()
	return &s
}

func (d *decoder) closing() *closing {
	if !d.bool() {
		return nil
	}
	return &closing{
		time: instant(d.varint()), duration: time.Duration(d.varint()),
		historyLength: d.varint(), historySize: d.varint(), stateTransitions: d.varint(),
	}
}

func (d *decoder) attribute() any {
	switch d.byte() {
	case kindString:
		return d.string()
	case kindStrings:
		list := make([]string, d.count())
		for i := range list {
			list[i] = d.string()
		}
		return list
	case kindBool:
		return d.bool()
	case kindInt:
		return d.varint()
	case kindDouble:
		if len(d.rest) < 8 {
			break
		}
		v := math.Float64frombits(binary.BigEndian.Uint64(d.rest))
		d.rest = d.rest[8:]
		return v
	case kindTime:
		sec, nsec := d.varint(), d.uvarint()
		if nsec >= uint64(time.Second) {
			break
		}
		return time.Unix(sec, int64(nsec)).UTC()
	}
	d.fail()
	return nil
}
