package pebblevisibility

import (
	"slices"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// words are those of a text, without regard to case, accents and what is between them.
func words(text string) []string {
	plain := strings.Map(func(r rune) rune {
		if unicode.Is(unicode.Mn, r) {
			return -1
		}
		return unicode.ToLower(r)
	}, norm.NFD.String(text))
	return strings.FieldsFunc(plain, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsNumber(r) })
}

// mentions is the check of a text for one of the phrases: words one after the other. Of no text it is false, as in
// SQLite, not unknown.
func mentions(phrases []string) func(value any) truth {
	var wanted [][]string
	for _, p := range phrases {
		if w := words(p); len(w) > 0 {
			wanted = append(wanted, w)
		}
	}
	return func(value any) truth {
		text, _ := value.(string)
		has := words(text)
		return truthOf(slices.ContainsFunc(wanted, func(phrase []string) bool { return containsRun(has, phrase) }))
	}
}

func containsRun(all, run []string) bool {
	for i := 0; i+len(run) <= len(all); i++ {
		if slices.Equal(all[i:i+len(run)], run) {
			return true
		}
	}
	return false
}
