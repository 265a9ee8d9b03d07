package keys_test

import (
	"bytes"
	"cmp"
	"math"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/postrider/postrider/internal/engine/pebblestore/keys"
)

// FuzzParts is the promise of this package for one sequence of parts: what Append wrote Cut reads back, and keys are in
// the order of what they stand for.
func FuzzParts(f *testing.F) {
	f.Add("", int64(0), "a", int64(-1))
	f.Add("a\x00", int64(math.MinInt64), "a", int64(math.MaxInt64))
	f.Add("a\x00\xff", int64(1), "a\x00\x01", int64(1))
	f.Add("0198c0de-0000-7000-8000-000000000001", int64(1), "0198C0DE-0000-7000-8000-000000000001", int64(1))
	f.Fuzz(func(t *testing.T, s1 string, n1 int64, s2 string, n2 int64) {
		k1, k2 := keyOf(s1, n1), keyOf(s2, n2)
		for _, c := range []struct {
			key []byte
			s   string
			n   int64
		}{{k1, s1, n1}, {k2, s2, n2}} {
			s, rest, err := keys.CutString(c.key)
			if err != nil || s != c.s {
				t.Fatalf("string %q, %v", s, err)
			}
			n, rest, err := keys.CutInt64(rest)
			if err != nil || n != c.n {
				t.Fatalf("number %d, %v", n, err)
			}
			id, rest, err := keys.CutID(rest)
			if err != nil || id != c.s || len(rest) != 0 {
				t.Fatalf("ID %q and %q, %v", id, rest, err)
			}
		}
		if got, want := bytes.Compare(k1, k2), cmp.Or(cmp.Compare(s1, s2), cmp.Compare(n1, n2)); got != want {
			t.Errorf("order is %d, not %d", got, want)
		}
		if (s1 != s2 || n1 != n2) && bytes.HasPrefix(k1, k2) {
			t.Error("a key is the beginning of another")
		}
	})
}

func keyOf(s string, n int64) []byte {
	return keys.AppendID(keys.AppendInt64(keys.AppendString(nil, s), n), s)
}

// FuzzCut is given anything, and panics at nothing.
func FuzzCut(f *testing.F) {
	f.Add([]byte{1, 2, 3})
	f.Add([]byte("\x02a\x00\xff\x00"))
	f.Fuzz(func(t *testing.T, key []byte) {
		if s, rest, err := keys.CutString(key); err == nil && !bytes.HasSuffix(key, rest) {
			t.Errorf("string %q leaves %q", s, rest)
		}
		if id, rest, err := keys.CutID(key); err == nil {
			if again := keys.AppendID(nil, id); key[0] == 2 && len(id) != 36 && !bytes.Equal(again, key[:len(key)-len(rest)]) {
				t.Errorf("ID %q is written %x", id, again)
			}
		}
		_, _, _ = keys.CutInt32(key)
		_, _, _ = keys.CutUint32(key)
		_, _, _ = keys.CutInt64Desc(key)
		_, _, _ = keys.CutTimeDesc(key)
	})
}

func TestNumbersAreInOrderBothWaysAndComeBack(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		a, b := rapid.Int64().Draw(t, "a"), rapid.Int64().Draw(t, "b")
		if bytes.Compare(keys.AppendInt64(nil, a), keys.AppendInt64(nil, b)) != cmp.Compare(a, b) {
			t.Error("order of int64")
		}
		if bytes.Compare(keys.AppendInt64Desc(nil, a), keys.AppendInt64Desc(nil, b)) != cmp.Compare(b, a) {
			t.Error("order of int64 downwards")
		}
		if bytes.Compare(keys.AppendInt32(nil, int32(a)), keys.AppendInt32(nil, int32(b))) != cmp.Compare(int32(a), int32(b)) {
			t.Error("order of int32")
		}
		if v, rest, err := keys.CutInt64Desc(keys.AppendInt64Desc(nil, a)); v != a || len(rest) != 0 || err != nil {
			t.Error("int64 downwards", v, err)
		}
		if v, rest, err := keys.CutInt32(keys.AppendInt32(nil, int32(a))); v != int32(a) || len(rest) != 0 || err != nil {
			t.Error("int32", v, err)
		}
		at := time.Unix(0, a)
		if v, rest, err := keys.CutTime(keys.AppendTime(nil, at)); !v.Equal(at) || len(rest) != 0 || err != nil {
			t.Error("time", v, err)
		}
		if v, rest, err := keys.CutTimeDesc(keys.AppendTimeDesc(nil, at)); !v.Equal(at) || len(rest) != 0 || err != nil {
			t.Error("time downwards", v, err)
		}
	})
}

func TestTimesThatDoNotFitBecomeTheFirstOrTheLast(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		at   time.Time
		want int64
	}{
		"no time":         {time.Time{}, math.MinInt64},
		"the year 3000":   {time.Date(3000, 1, 1, 0, 0, 0, 0, time.UTC), math.MaxInt64},
		"a moment in ’26": {time.Unix(1_790_000_000, 1), 1_790_000_000_000_000_001},
	} {
		if got, _, err := keys.CutInt64(keys.AppendTime(nil, tc.at)); got != tc.want || err != nil {
			t.Errorf("%s is %d, %v", name, got, err)
		}
	}
}

func TestEndIsAfterAllThatBeginWithThePrefixAndNothingElse(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		prefix := rapid.SliceOfN(rapid.Byte(), 1, 6).Draw(t, "prefix")
		key := rapid.SliceOfN(rapid.Byte(), 0, 8).Draw(t, "key")
		end := keys.End(prefix)
		within := bytes.Compare(key, prefix) >= 0 && (end == nil || bytes.Compare(key, end) < 0)
		if within != bytes.HasPrefix(key, prefix) {
			t.Errorf("%x within %x to %x: %t", key, prefix, end, within)
		}
	})
}

func TestAfterIsTheNextKey(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		key := rapid.SliceOf(rapid.Byte()).Draw(t, "key")
		other := rapid.SliceOf(rapid.Byte()).Draw(t, "other")
		if bytes.Compare(other, key) > 0 && bytes.Compare(other, keys.After(key)) < 0 {
			t.Errorf("%x is between", other)
		}
	})
}

func TestAStringPrefixIsThatOfStringsThatBeginWithIt(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.String().Draw(t, "s")
		other := rapid.OneOf(rapid.String(), rapid.Map(rapid.String(), func(rest string) string { return s + rest })).Draw(t, "other")
		got := bytes.HasPrefix(keys.AppendString(nil, other), keys.AppendStringPrefix(nil, s))
		if want := len(other) >= len(s) && other[:len(s)] == s; got != want {
			t.Errorf("%q has prefix %q: %t", other, s, got)
		}
	})
}
