package pebblevisibility_test

import (
	"errors"
	"slices"
	"testing"

	"go.temporal.io/api/common/v1"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/server/common/config"
	"go.temporal.io/server/common/searchattribute/sadefs"

	"github.com/postrider/postrider/internal/engine/pebblevisibility"
)

func TestAnAttributeThatIsNotOfItsTypeIsLeftOutAndTheRestRecorded(t *testing.T) {
	t.Parallel()
	s := onPebble(t, openDB(t))
	aRun("evt_1", 1, func(r *run) {
		r.SearchAttributes = &common.SearchAttributes{IndexedFields: map[string]*common.Payload{
			"Keyword01": sadefs.MustEncodeValue([]string{"a", "b"}, enums.INDEXED_VALUE_TYPE_KEYWORD),
			"Keyword02": sadefs.MustEncodeValue("invoice.paid", enums.INDEXED_VALUE_TYPE_KEYWORD),
			"Keyword03": sadefs.MustEncodeValue(nil, enums.INDEXED_VALUE_TYPE_KEYWORD),
			"Int01":     sadefs.MustEncodeValue("many", enums.INDEXED_VALUE_TYPE_INT),
			"Unheard":   sadefs.MustEncodeValue(1, enums.INDEXED_VALUE_TYPE_UNSPECIFIED),
		}}
	}).start(t, s)
	for query, want := range map[string][]string{
		"Keyword02 = 'invoice.paid'":                  {"evt_1"},
		"Keyword01 IS NULL":                           {"evt_1"},
		"Keyword03 IS NULL":                           {"evt_1"},
		"Int01 IS NULL":                               {"evt_1"},
		"Keyword01 = 'a' OR Keyword01 = 'b'":          {},
		"NOT (Keyword01 = 'a' OR Keyword01 != 'b')":   {}, // unknown, and so is its negation
		"Keyword01 IS NULL AND NOT Int01 IS NOT NULL": {"evt_1"},
	} {
		if got := listed(t, s, query); !slices.Equal(got, want) {
			t.Errorf("%s: got %v, want %v", query, got, want)
		}
	}
}

// These differ from SQLite, see the package's comment.
func TestValuesAreFoundAsTheyAreWritten(t *testing.T) {
	t.Parallel()
	s := onPebble(t, openDB(t))
	aRun("evt_1", 1, func(r *run) {
		r.set(map[string]any{
			"Keyword01": `The "Acme" \ Co`, "Int01": int64(9007199254740993), "KeywordList01": []string{"Red", "blue"},
		})
	}).start(t, s)
	for query, found := range map[string]bool{
		`Keyword01 = 'The "Acme" \\ Co'`:        true,
		`Keyword01 STARTS_WITH 'The "'`:         true,
		`Keyword01 STARTS_WITH 'the'`:           false,
		`Int01 = 9007199254740993`:              true,
		`Int01 = 9007199254740992`:              false,
		`Int01 > 9007199254740992.0`:            true,
		`KeywordList01 = 'Red'`:                 true,
		`KeywordList01 = 'red'`:                 false,
		`KeywordList01 NOT IN ('red', 'green')`: true,
	} {
		if got := len(listed(t, s, query)) == 1; got != found {
			t.Errorf("%s: found %v, want %v", query, got, found)
		}
	}
}

func TestAStoreNeedsAnIndexName(t *testing.T) {
	t.Parallel()
	_, err := pebblevisibility.NewFactory(openDB(t)).NewVisibilityStore(config.CustomDatastoreConfig{}, nil, nil, nil, nil, nil, nil, nil)
	if err == nil {
		t.Error("got a store")
	}
}

func TestSearchAttributesCannotBeAddedToTheStoreAsWithSQL(t *testing.T) {
	t.Parallel()
	s := onPebble(t, openDB(t))
	if unimplemented := new(serviceerror.Unimplemented); !errors.As(s.AddSearchAttributes(t.Context(), nil), &unimplemented) {
		t.Error("want it unimplemented")
	}
	if got, want := s.GetName()+" "+s.GetIndexName(), "pebble visibility"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	in := map[string]any{"Keyword01": "a"}
	if out, err := s.ValidateCustomSearchAttributes(in); err != nil || len(out) != 1 {
		t.Errorf("got %v, %v", out, err)
	}
}
