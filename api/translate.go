package api

import (
	"context"
	"net/http"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/postrider/postrider/webhook"
)

// translate turns huma's own errors into problems and leaves everything else alone. Huma makes
// them for parameters that do not fit, and for bodies that could not be read.
func (s *server) translate(ctx context.Context, v any) any {
	model, ok := v.(*huma.ErrorModel)
	if !ok {
		return v
	}
	if err := requestOf(ctx).bodyError; err != nil {
		return s.problemFor(ctx, err)
	}
	if model.Status != http.StatusUnprocessableEntity {
		return s.problemFor(ctx, model)
	}
	var faults []webhook.FieldError
	for _, e := range model.Errors {
		faults = append(faults, webhook.FieldError{Field: fieldAt(e.Location), Detail: e.Message})
	}
	return s.problemFor(ctx, webhook.InvalidFields(faults))
}

// fieldAt is the field at one of huma's locations: "limit" at "query.limit", "include" at
// "query.include[0]".
func fieldAt(location string) string {
	for _, place := range []string{"query.", "path.", "header."} {
		if field, ok := strings.CutPrefix(location, place); ok {
			if name, index, ok := strings.Cut(field, "["); ok && strings.Trim(index, "0123456789]") == "" {
				return name
			}
			return field
		}
	}
	return location
}
