package pebblestore

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.temporal.io/api/common/v1"
	"go.temporal.io/api/enums/v1"
	"google.golang.org/protobuf/testing/protocmp"
)

func TestABlobComesBackAsItWas(t *testing.T) {
	t.Parallel()
	for name, blob := range map[string]*common.DataBlob{
		"none":             nil,
		"empty":            {},
		"of some encoding": {EncodingType: enums.ENCODING_TYPE_JSON, Data: []byte("{}")},
		"of one unknown":   {EncodingType: -1, Data: []byte("?")},
	} {
		f := fieldsOf("test", blobValue(blob))
		got := f.rawBlob()
		if err := f.done(); err != nil || !cmp.Equal(got, blob, protocmp.Transform(), protocmp.IgnoreEmptyMessages()) {
			t.Errorf("%s: %v, %v", name, got, err)
		}
	}
	if got, err := readBlob("test", blobValue(&common.DataBlob{EncodingType: 99})); err != nil || got.EncodingType != enums.ENCODING_TYPE_UNSPECIFIED {
		t.Errorf("an unknown encoding is read as %v, %v", got, err)
	}
}

// FuzzValues gives every reader of values anything. They must not panic, and what they take must be what is written.
func FuzzValues(f *testing.F) {
	some := &common.DataBlob{EncodingType: enums.ENCODING_TYPE_PROTO3, Data: []byte("data")}
	f.Add(versionedBlob(7, some))
	f.Add(blobValue(nil))
	f.Add(head{1, 2, 3, true}.value(some, nil))
	f.Add(current{1, "run", some}.value())
	f.Add(namespace{1, true, "default", some}.value())
	f.Add([]byte{1, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1})
	f.Fuzz(func(t *testing.T, value []byte) {
		if n, blob, err := readVersionedBlob("test", value); err == nil {
			if again, more, err := readVersionedBlob("test", versionedBlob(n, blob)); err != nil || again != n || !cmp.Equal(blob, more, protocmp.Transform()) {
				t.Errorf("%d, %v became %d, %v, %v", n, blob, again, more, err)
			}
		} else if !errors.Is(err, ErrCorrupt) {
			t.Error(err)
		}
		_, _ = readBlob("test", value)
		_, _ = readNamespace(value)
		_, _ = readMember([]byte("\x15host\x00\x01"), value)
		_, _ = setBase(emptyState(), value)
		_, _ = readNode(make([]byte, nodePosition), value, len(value)%2 == 0)
		_, _, _ = readQueueV2(1, "queue", value)
		for part := range byte(10) {
			_ = setPart(emptyState(), append([]byte{part}, value...), value)
		}
	})
}

// FuzzRecordFile gives anything to the check of logs and lists of tables.
func FuzzRecordFile(f *testing.F) {
	f.Add(make([]byte, 40))
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, read := range []chunkReader{readListChunk, logReader(1)} {
			if end, _ := validUpTo(data, read); end > len(data) {
				t.Errorf("it is valid up to %d of %d", end, len(data))
			}
		}
	})
}
