package api

import (
	"bytes"
	"encoding/json"
)

// The functions of this file read JSON that is known to be valid (json.Valid) without changing a
// byte of it: what they hand out are slices of the text, without the spaces around.

// members calls visit for each member of the object in text, in order.
func members(text []byte, visit func(key string, value []byte)) {
	for i := skipSpace(text, skipSpace(text, 0)+1); text[i] != '}'; {
		end := skipString(text, i)
		key := text[i:end]
		i = skipSpace(text, skipSpace(text, end)+1) // past the colon
		end = skipValue(text, i)
		visit(unquote(key), text[i:end])
		if i = skipSpace(text, end); text[i] == ',' {
			i = skipSpace(text, i+1)
		}
	}
}

// elements calls visit for each element of the array in text, in order.
func elements(text []byte, visit func(value []byte)) {
	for i := skipSpace(text, skipSpace(text, 0)+1); text[i] != ']'; {
		end := skipValue(text, i)
		visit(text[i:end])
		if i = skipSpace(text, end); text[i] == ',' {
			i = skipSpace(text, i+1)
		}
	}
}

// unquote is the string that a JSON string stands for.
func unquote(quoted []byte) string {
	if bytes.IndexByte(quoted, '\\') < 0 {
		return string(quoted[1 : len(quoted)-1])
	}
	var s string
	if err := json.Unmarshal(quoted, &s); err != nil { // it was valid
		panic(err)
	}
	return s
}

func skipSpace(text []byte, i int) int {
	for i < len(text) && (text[i] == ' ' || text[i] == '\n' || text[i] == '\t' || text[i] == '\r') {
		i++
	}
	return i
}

// skipString is where the string that begins at i ends.
func skipString(text []byte, i int) int {
	for i++; text[i] != '"'; i++ {
		if text[i] == '\\' {
			i++
		}
	}
	return i + 1
}

// skipValue is where the value that begins at i ends.
func skipValue(text []byte, i int) int {
	depth := 0
	for i < len(text) {
		switch text[i] {
		case '"':
			i = skipString(text, i)
			if depth == 0 {
				return i
			}
			continue
		case '{', '[':
			depth++
		case '}', ']':
			if depth == 0 { // of what holds the value: a number or literal ended here
				return i
			}
			if depth--; depth == 0 {
				return i + 1
			}
		case ',', ' ', '\n', '\t', '\r':
			if depth == 0 {
				return i
			}
		}
		i++
	}
	return i
}

// isObject reports whether the text is an object.
func isObject(text []byte) bool { return firstByte(text) == '{' }

// isArray reports whether the text is an array.
func isArray(text []byte) bool { return firstByte(text) == '[' }

func firstByte(text []byte) byte {
	if i := skipSpace(text, 0); i < len(text) {
		return text[i]
	}
	return 0
}
