package pebblestore

import (
	"encoding/binary"
	"fmt"

	"go.temporal.io/api/common/v1"
	"go.temporal.io/api/enums/v1"
)

// A value is one byte, the version of its form, and then fields one after the other: integers in eight bytes or as
// varints, strings and blobs after their length. Its readers check every length and that nothing is left over.
const valueVersion = 1

// newValue starts a value with room for n bytes of fields.
func newValue(n int) []byte { return append(make([]byte, 0, n+16), valueVersion) }

func appendInt64(v []byte, n int64) []byte { return binary.LittleEndian.AppendUint64(v, uint64(n)) }

func appendText(v []byte, s string) []byte {
	return append(binary.AppendUvarint(v, uint64(len(s))), s...)
}

// appendBlob keeps nil and empty apart, and keeps encodings that are not known.
func appendBlob(v []byte, b *common.DataBlob) []byte {
	if b == nil {
		return binary.AppendUvarint(v, 0)
	}
	v = binary.AppendUvarint(v, uint64(len(b.Data))+1)
	v = binary.AppendVarint(v, int64(b.EncodingType))
	return append(v, b.Data...)
}

// blobValue is a value with just a blob.
func blobValue(b *common.DataBlob) []byte { return appendBlob(newValue(len(b.GetData())), b) }

// versionedBlob is a value with a number, such as a range ID or a version, and a blob.
func versionedBlob(n int64, b *common.DataBlob) []byte {
	return appendBlob(appendInt64(newValue(8+len(b.GetData())), n), b)
}

// fields reads a value. After the first thing that does not fit it returns zeros, and done tells.
type fields struct {
	kind string // of record, for the error
	rest []byte
	bad  bool
}

func fieldsOf(kind string, value []byte) *fields {
	f := &fields{kind: kind}
	if len(value) == 0 || value[0] != valueVersion {
		f.bad = true
		return f
	}
	f.rest = value[1:]
	return f
}

// done returns an error unless all fields were there and nothing else.
func (f *fields) done() error {
	if f.bad || len(f.rest) > 0 {
		return corrupt(f.kind)
	}
	return nil
}

// opened is done for a reader who does not want the remaining fields.
func (f *fields) opened() error {
	if f.bad {
		return corrupt(f.kind)
	}
	return nil
}

func corrupt(kind string) error { return fmt.Errorf("%w: %s record", ErrCorrupt, kind) }

func (f *fields) take(n uint64) []byte {
	if f.bad || n > uint64(len(f.rest)) {
		f.bad, f.rest = true, nil
		return nil
	}
	b := f.rest[:n:n]
	f.rest = f.rest[n:]
	return b
}

func (f *fields) int64() int64 {
	b := f.take(8)
	if b == nil {
		return 0
	}
	return int64(binary.LittleEndian.Uint64(b))
}

func (f *fields) bool() bool {
	b := f.take(1)
	if b == nil || b[0] > 1 {
		f.bad = true
		return false
	}
	return b[0] == 1
}

func (f *fields) uvarint() uint64 {
	v, n := binary.Uvarint(f.rest)
	if n <= 0 {
		f.bad, f.rest = true, nil
		return 0
	}
	f.rest = f.rest[n:]
	return v
}

func (f *fields) varint() int64 {
	v, n := binary.Varint(f.rest)
	if n <= 0 {
		f.bad, f.rest = true, nil
		return 0
	}
	f.rest = f.rest[n:]
	return v
}

func (f *fields) text() string { return string(f.take(f.uvarint())) }

// blob is the blob as Temporal's other stores return it: of an encoding they do not know they tell as much. Its data are
// the value's own bytes.
func (f *fields) blob() *common.DataBlob {
	b := f.rawBlob()
	if b != nil && !known(b.EncodingType) {
		b.EncodingType = enums.ENCODING_TYPE_UNSPECIFIED
	}
	return b
}

// rawBlob is the blob with the encoding that it was written with.
func (f *fields) rawBlob() *common.DataBlob {
	n := f.uvarint()
	if n == 0 {
		return nil
	}
	encoding := f.varint()
	if encoding != int64(int32(encoding)) {
		f.bad = true
	}
	return &common.DataBlob{EncodingType: enums.EncodingType(int32(encoding)), Data: f.take(n - 1)}
}

func known(e enums.EncodingType) bool {
	_, ok := enums.EncodingType_name[int32(e)]
	return ok
}

func readBlob(kind string, value []byte) (*common.DataBlob, error) {
	f := fieldsOf(kind, value)
	b := f.blob()
	return b, f.done()
}

func readVersionedBlob(kind string, value []byte) (int64, *common.DataBlob, error) {
	f := fieldsOf(kind, value)
	n, b := f.int64(), f.blob()
	return n, b, f.done()
}

func appendBool(v []byte, is bool) []byte {
	if is {
		return append(v, 1)
	}
	return append(v, 0)
}
