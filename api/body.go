package api

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"reflect"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humagin"
	"github.com/gin-gonic/gin"

	"github.com/postrider/postrider/webhook"
)

const (
	jsonMedia   = "application/json"
	ndjsonMedia = "application/x-ndjson"
	notUTF8     = "must be valid UTF-8"
)

// firstRead is how much room is made for a body before any of it has come, so that many slow
// callers who promise much do not take much memory.
const firstRead = 64 << 10

// readBody reads a request's body, which must be of one of the media types. A request that does
// not say its type is taken to have the first.
func readBody(r *http.Request, limit int64, mediaTypes ...string) (text []byte, mediaType string, err error) {
	if mediaType, err = mediaTypeOf(r.Header, mediaTypes); err != nil {
		return nil, "", err
	}
	if r.ContentLength > limit {
		return nil, "", tooLarge(limit)
	}
	text = make([]byte, 0, min(max(r.ContentLength, 512)+1, firstRead))
	body := http.MaxBytesReader(nil, r.Body, limit)
	for {
		n, err := body.Read(text[len(text):cap(text)])
		text = text[:len(text)+n]
		var over *http.MaxBytesError
		switch {
		case errors.Is(err, io.EOF):
			return text, mediaType, nil
		case errors.As(err, &over):
			return nil, "", tooLarge(limit)
		case err != nil:
			return nil, "", &webhook.Error{Kind: webhook.Invalid, Code: codeUnreadableBody, Detail: "the body could not be read to its end", Cause: err}
		}
		if len(text) == cap(text) {
			text = append(text, 0)[:len(text)]
		}
	}
}

func tooLarge(limit int64) error {
	return webhook.Errorf(webhook.TooLarge, "", "the body must not be longer than %d bytes", limit)
}

// mediaTypeOf is the body's media type.
func mediaTypeOf(header http.Header, allowed []string) (string, error) {
	given := header.Get("Content-Type")
	mediaType, params, err := mime.ParseMediaType(given)
	charset := params["charset"]
	switch coding := header.Get("Content-Encoding"); {
	case coding != "" && coding != "identity":
		return "", webhook.Errorf(webhook.Invalid, codeUnsupportedMedia, "the body must not be encoded (Content-Encoding)")
	case given == "":
		return allowed[0], nil
	case err == nil && (charset == "" || strings.EqualFold(charset, "utf-8")):
		for _, m := range allowed {
			if m == mediaType {
				return m, nil
			}
		}
	}
	return "", webhook.Errorf(webhook.Invalid, codeUnsupportedMedia, "the body must be %s in UTF-8 (Content-Type)", strings.Join(allowed, " or "))
}

// checkJSON errs where the text is not one JSON value.
func checkJSON(text []byte) error {
	if json.Valid(text) {
		return nil
	}
	var syntax *json.SyntaxError
	var raw json.RawMessage
	if err := json.Unmarshal(text, &raw); errors.As(err, &syntax) {
		return malformed(fmt.Sprintf("the body is not valid JSON: %s at byte %d", syntax.Error(), syntax.Offset))
	}
	return malformed("the body is not valid JSON")
}

func malformed(detail string) error {
	return webhook.Errorf(webhook.Invalid, codeMalformedJSON, "%s", detail)
}

// body is embedded in the input of a route that takes a JSON object. Huma calls Resolve before the
// handler, which then finds what was read in in, and in faults what could not be.
type body[T any] struct {
	in     T
	faults []webhook.FieldError
}

// Resolve reads the body.
func (b *body[T]) Resolve(ctx huma.Context) []error {
	r := requestOf(ctx.Context())
	text, _, err := readBody(humagin.Unwrap(ctx).Request, r.bodyLimit, jsonMedia)
	switch {
	case err != nil:
	case len(text) > 0:
		err = checkJSON(text)
	case b.required():
		err = malformed("a JSON object is needed as the body")
	default:
		return nil
	}
	if err != nil {
		r.bodyError = err // what becomes of the error below has no code
		return []error{problemOf(err)}
	}
	b.faults = decode(text, &b.in)
	return nil
}

// describe is the body in the OpenAPI document.
func (b *body[T]) describe(schemas huma.Registry) *huma.RequestBody {
	schema := schemas.Schema(reflect.TypeFor[T](), true, "")
	return &huma.RequestBody{Required: b.required(), Content: map[string]*huma.MediaType{jsonMedia: {Schema: schema}}}
}

// required reports whether a request without a body is refused.
func (b *body[T]) required() bool {
	_, ok := any(&b.in).(interface{ bodyIsOptional() })
	return !ok
}

// invalid is the error of everything that is wrong with the body: the faults found in reading it,
// and those of the more that do not speak of the same fields.
func (b *body[T]) invalid(more ...webhook.FieldError) error {
	all := append([]webhook.FieldError(nil), b.faults...)
	for _, m := range more {
		if !b.faulty(m.Field) {
			all = append(all, m)
		}
	}
	return webhook.InvalidFields(all)
}

// faulty reports whether the field, a part of it or what it is part of could not be read.
func (b *body[T]) faulty(field string) bool {
	for _, f := range b.faults {
		if f.Field == "body" || within(f.Field, field) || within(field, f.Field) {
			return true
		}
	}
	return false
}

// within reports whether inner is outer or a part of it.
func within(inner, outer string) bool {
	rest, ok := strings.CutPrefix(inner, outer)
	return ok && (rest == "" || rest[0] == '.' || rest[0] == '[')
}

// writeJSON writes a value without escaping what HTML would need escaped.
func writeJSON(w gin.ResponseWriter, status int, mediaType string, v any) {
	w.Header().Set("Content-Type", mediaType)
	w.WriteHeader(status)
	_ = encodeJSON(w, v) // the caller went away
}

func encodeJSON(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	return e.Encode(v)
}
