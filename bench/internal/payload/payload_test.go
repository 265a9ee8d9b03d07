package payload_test

import (
	"encoding/json"
	"testing"

	"github.com/postrider/postrider/bench/internal/payload"
)

func TestDataIsJSONOfTheSizeAskedForAndKnowsWhenItWasSent(t *testing.T) {
	t.Parallel()
	for _, size := range []int{0, payload.MinSize, 1024, 20_000} {
		for _, sent := range []int64{1, 987654321, payload.Now(), 1<<63 - 1} {
			data := payload.Append(nil, sent, size)
			if want := max(size, payload.MinSize); len(data) != want {
				t.Errorf("size %d: got %d bytes", size, len(data))
			}
			if !json.Valid(data) {
				t.Errorf("not JSON: %s", data)
			}
			if got, whole := payload.SentAt(data, size); got != sent || !whole {
				t.Errorf("sent at %d, read %d, %v", sent, got, whole)
			}
		}
	}
}

func TestDataThatIsNotWholeIsToldFromDataThatIs(t *testing.T) {
	t.Parallel()
	const size = 100
	whole := string(payload.Append(nil, 1, size))
	for name, data := range map[string]string{
		"cut off":         whole[:size-1],
		"longer":          whole + " ",
		"of another kind": `{"test": 2432232314}`,
		"empty":           "",
	} {
		if _, ok := payload.SentAt([]byte(data), size); ok {
			t.Errorf("%s: taken as whole", name)
		}
	}
}

func TestTheClockGoesForward(t *testing.T) {
	t.Parallel()
	if first, second := payload.Now(), payload.Now(); second < first || first == 0 {
		t.Errorf("%d, then %d", first, second)
	}
}
