package api

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"unicode/utf8"

	"github.com/postrider/postrider/webhook"
)

// decode reads the object in text, which is valid JSON, into the struct that into points to, and
// names every fault. It is stricter than encoding/json: names count to the letter, unknown and
// repeated ones are faults, text must be UTF-8, and null is taken only by fields tagged
// `nullable:"true"`, as their zero value. Fields that may be absent are pointers.
func decode(text []byte, into any) []webhook.FieldError {
	d := decoder{}
	if !isObject(text) {
		return []webhook.FieldError{{Field: "body", Detail: "must be a JSON object"}}
	}
	d.object("", text, reflect.ValueOf(into).Elem())
	return d.faults
}

type decoder struct{ faults []webhook.FieldError }

func (d *decoder) fault(field, detail string) {
	d.faults = append(d.faults, webhook.FieldError{Field: field, Detail: detail})
}

// object reads an object into a struct or a map of strings.
func (d *decoder) object(prefix string, text []byte, into reflect.Value) {
	seen := map[string]bool{}
	members(text, func(name string, value []byte) {
		field := prefix + shownName(name)
		if seen[name] {
			d.fault(field, twice)
			return
		}
		seen[name] = true
		if into.Kind() == reflect.Map {
			if !utf8.ValidString(name) {
				d.fault(field, notUTF8)
				return
			}
			element := reflect.New(into.Type().Elem()).Elem()
			d.value(field, value, element)
			into.SetMapIndex(reflect.ValueOf(name), element)
			return
		}
		target, nullable, ok := fieldNamed(into, name)
		switch {
		case !ok:
			d.fault(field, unknownField)
		case nullable && string(value) == "null":
			target.Set(reflect.New(target.Type().Elem()))
		default:
			d.value(field, value, target)
		}
	})
}

// value reads any value.
func (d *decoder) value(field string, text []byte, into reflect.Value) {
	if into.Kind() == reflect.Pointer {
		into.Set(reflect.New(into.Type().Elem()))
		d.value(field, text, into.Elem())
		return
	}
	switch kind := into.Kind(); {
	case kind == reflect.Struct || kind == reflect.Map:
		if !isObject(text) {
			d.fault(field, "must be an object")
			return
		}
		if kind == reflect.Map {
			into.Set(reflect.MakeMap(into.Type()))
		}
		d.object(field+".", text, into)
	case kind == reflect.Slice:
		if !isArray(text) {
			d.fault(field, "must be a list")
			return
		}
		into.Set(reflect.MakeSlice(into.Type(), 0, 0))
		elements(text, func(value []byte) {
			element := reflect.New(into.Type().Elem()).Elem()
			d.value(fmt.Sprintf("%s[%d]", field, into.Len()), value, element)
			into.Set(reflect.Append(into, element))
		})
	case !utf8.Valid(text):
		d.fault(field, notUTF8)
	default:
		switch {
		case string(text) == "null" || json.Unmarshal(text, into.Addr().Interface()) != nil:
			d.fault(field, mustBe(into))
		case into.Kind() == reflect.String && strings.ContainsRune(into.String(), 0): // no text in PostgreSQL
			d.fault(field, "must not contain the character U+0000")
		}
	}
}

// mustBe says what a value of the type looks like.
func mustBe(v reflect.Value) string {
	if v.Type() == reflect.TypeFor[webhook.Duration]() {
		return "must be a duration such as \"5s\" or \"12h\""
	}
	switch v.Kind() {
	case reflect.Bool:
		return "must be true or false"
	case reflect.Int:
		return "must be a whole number"
	case reflect.Float64:
		return "must be a number"
	default:
		return "must be a string"
	}
}

// fieldNamed finds the field of a struct, or of one embedded in it, by its JSON name.
func fieldNamed(of reflect.Value, name string) (field reflect.Value, nullable, ok bool) {
	for _, f := range reflect.VisibleFields(of.Type()) {
		if known, _, _ := strings.Cut(f.Tag.Get("json"), ","); known == name && !f.Anonymous {
			return of.FieldByIndex(f.Index), f.Tag.Get("nullable") == "true", true
		}
	}
	return reflect.Value{}, false, false
}

// shownName is a name that the caller wrote, fit to be repeated to him.
func shownName(name string) string {
	const longest = 128
	name = strings.ToValidUTF8(name, "\uFFFD")
	for i := range name {
		if i > longest {
			return name[:i] + "…"
		}
	}
	return name
}
