package cursor_test

import (
	"encoding/base64"
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/postrider/postrider/store/internal/cursor"
	"github.com/postrider/postrider/webhook"
)

func TestACursorComesBackAsItWas(t *testing.T) {
	t.Parallel()
	for _, want := range []cursor.Cursor{
		{},
		{Back: true},
		{Position: cursor.Position{Time: math.MaxInt64, Key: math.MinInt64, Sub: -1}},
		{Position: cursor.Position{Name: strings.Repeat("x", 128)}, Back: true},
	} {
		got, err := cursor.Parse("events", want.String("events"))
		if err != nil || got != want {
			t.Errorf("got %+v, %v, want %+v", got, err, want)
		}
	}
}

func TestWhatIsNoCursorOfTheListIsAnInvalidField(t *testing.T) {
	t.Parallel()
	encode := base64.RawURLEncoding.EncodeToString
	for name, text := range map[string]string{
		"empty":                "",
		"not base64":           "***",
		"padded":               encode([]byte(`{"v":1,"l":"events"}`)) + "==",
		"not JSON":             encode([]byte("events")),
		"another list's":       cursor.Cursor{}.String("attempts"),
		"of another version":   encode([]byte(`{"v":2,"l":"events"}`)),
		"with something more":  encode([]byte(`{"v":1,"l":"events","x":1}`)),
		"with a wrong type":    encode([]byte(`{"v":1,"l":"events","k":"1"}`)),
		"longer than any":      strings.Repeat("A", 5000),
		"with too big a value": encode([]byte(`{"v":1,"l":"events","k":99999999999999999999}`)),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := cursor.Parse("events", text)
			e, ok := webhook.AsError(err)
			if !ok || !errors.Is(err, webhook.Invalid) || len(e.Fields) != 1 || e.Fields[0].Field != "cursor" {
				t.Fatalf("error is %v", err)
			}
		})
	}
}

func FuzzParse(f *testing.F) {
	f.Add(cursor.Cursor{Position: cursor.Position{Time: 1, Key: 2, Sub: 3, Name: "x"}}.String("events"))
	f.Fuzz(func(t *testing.T, text string) {
		c, err := cursor.Parse("events", text)
		if err != nil {
			return
		}
		again, err := cursor.Parse("events", c.String("events"))
		if err != nil || again != c {
			t.Fatalf("%+v became %+v, %v", c, again, err)
		}
	})
}
