package api

import (
	"encoding/json"
	"net/http"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/danielgtaylor/huma/v2"
	"github.com/gin-gonic/gin"
)

// document is the OpenAPI document as it is served.
type document struct{ json, yaml func() ([]byte, error) }

const bearerScheme = "api_key"

// openapiBase is the document without the routes.
func openapiBase(version string) *huma.OpenAPI {
	return &huma.OpenAPI{
		OpenAPI: "3.1.0",
		Info: &huma.Info{
			Title: "Postrider", Version: version, Description: introduction,
			License: &huma.License{Name: "Apache-2.0", Identifier: "Apache-2.0"},
		},
		Servers: []*huma.Server{{URL: "/"}},
		Components: &huma.Components{
			Schemas: huma.NewMapRegistry("#/components/schemas/", schemaName),
			SecuritySchemes: map[string]*huma.SecurityScheme{
				bearerScheme: {Type: "http", Scheme: "bearer", Description: "An API key: the admin key, or one that POST /v1/keys made."},
			},
		},
		Tags: tags(),
	}
}

// schemaName is a type's name in the document: eventView is Event, pageView[eventView] EventList.
func schemaName(t reflect.Type, hint string) string {
	name := strings.ReplaceAll(huma.DefaultSchemaNamer(t, hint), "View", "")
	if of, ok := strings.CutPrefix(name, "Page"); ok {
		return of + "List"
	}
	return name
}

// render makes the texts of the document when they are first asked for: YAML takes 30 ms.
func render(doc *huma.OpenAPI) document {
	schemas := doc.Components.Schemas.Map()
	delete(schemas, "ErrorModel") // huma's own; ours is Problem
	delete(schemas, "ErrorDetail")
	return document{
		json: sync.OnceValues(func() ([]byte, error) { return json.Marshal(doc) }),
		yaml: sync.OnceValues(doc.YAML),
	}
}

func (s *server) openapiJSON(c *gin.Context) {
	s.serveDocument(c, "application/openapi+json", s.openapi.json)
}

func (s *server) openapiYAML(c *gin.Context) {
	s.serveDocument(c, "application/openapi+yaml", s.openapi.yaml)
}

func (s *server) serveDocument(c *gin.Context, mediaType string, render func() ([]byte, error)) {
	text, err := render()
	if err != nil {
		s.fail(c, err)
		return
	}
	c.Data(http.StatusOK, mediaType, text)
}

// documenter adds to an operation what follows from its line in the table.
type documenter struct {
	huma.API
	builder *builder
	route   route
	body    *huma.RequestBody
}

// DocumentOperation is called by huma.Register when it has described parameters and answers.
func (d documenter) DocumentOperation(op *huma.Operation) {
	op.Summary, op.Description = text(d.route.name)
	op.Tags = []string{tagOf(d.route.path)}
	if op.RequestBody = d.body; d.body != nil && op.MaxBodyBytes == 0 {
		op.MaxBodyBytes = d.builder.MaxBodyBytes
	}
	if d.route.access != open {
		op.Security = []map[string][]string{{bearerScheme: {}}}
	}
	delete(op.Responses, "default")
	success := op.Responses[strconv.Itoa(d.route.status)]
	for _, status := range d.statuses(op) {
		switch code := strconv.Itoa(status); {
		case status < http.StatusBadRequest || d.route.access == open && status == http.StatusServiceUnavailable:
			op.Responses[code] = &huma.Response{Description: http.StatusText(status), Content: success.Content}
		default:
			op.Responses[code] = d.problem(status)
		}
	}
	d.OpenAPI().AddOperation(op)
}

// statuses are those that the route answers with besides success.
func (d documenter) statuses(op *huma.Operation) []int {
	all := slices.Clone(d.route.more)
	if d.route.access != open {
		all = append(all, http.StatusUnauthorized, http.StatusServiceUnavailable) // the store may be away, which knows the keys
	}
	if d.route.access == admin || d.namesTenant(op) {
		all = append(all, http.StatusForbidden)
	}
	if strings.Contains(d.route.path, "/{") && d.route.method != http.MethodPut || hasParam(op, "endpoint_id") {
		all = append(all, http.StatusNotFound)
	}
	if d.body != nil {
		all = append(all, http.StatusBadRequest, http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType)
	}
	return append(all, http.StatusUnprocessableEntity)
}

// namesTenant reports whether the caller may name a tenant, and so a foreign one.
func (d documenter) namesTenant(op *huma.Operation) bool {
	return hasParam(op, "tenant") || d.bodyHas("tenant") || strings.HasPrefix(d.route.path, "/v1/tenants/")
}

// bodyHas reports whether the body is an object that may have the field.
func (d documenter) bodyHas(field string) bool {
	if d.body == nil {
		return false
	}
	schema := d.body.Content[jsonMedia].Schema
	if target := d.builder.schemas().SchemaFromRef(schema.Ref); target != nil {
		schema = target
	}
	return schema.Properties[field] != nil
}

func hasParam(op *huma.Operation, name string) bool {
	return slices.ContainsFunc(op.Parameters, func(p *huma.Param) bool { return p.Name == name })
}

func (d documenter) problem(status int) *huma.Response {
	response := &huma.Response{
		Description: http.StatusText(status),
		Content:     map[string]*huma.MediaType{problemMedia: {Schema: d.builder.schemas().Schema(reflect.TypeFor[problem](), true, "")}},
	}
	if status == http.StatusTooManyRequests || status == http.StatusServiceUnavailable {
		response.Headers = map[string]*huma.Param{"Retry-After": {
			Description: "Seconds to wait.", Schema: &huma.Schema{Type: huma.TypeInteger},
		}}
	}
	return response
}

// tagOf groups the routes: "events" for /v1/events/{id}.
func tagOf(path string) string {
	if rest, ok := strings.CutPrefix(path, "/v1/"); ok {
		name, _, _ := strings.Cut(rest, "/")
		return name
	}
	return "operations"
}

func describePostEvent(op *huma.Operation, schemas huma.Registry) {
	op.Parameters = []*huma.Param{{
		Name: idempotencyHeader, In: "header", Description: "The event's ID, where the body has none.",
		Schema: &huma.Schema{Type: huma.TypeString, Pattern: "^[A-Za-z0-9_-]{1,128}$"},
	}}
	op.RequestBody = &huma.RequestBody{Required: true, Content: map[string]*huma.MediaType{
		jsonMedia: {Schema: schemas.Schema(reflect.TypeFor[eventInput](), true, "")},
	}}
	op.Responses["202"] = jsonResponse(http.StatusAccepted, schemas.Schema(reflect.TypeFor[acceptedView](), true, ""))
}

func describePostBatch(op *huma.Operation, schemas huma.Registry) {
	limit := maxBatchEvents
	event := schemas.Schema(reflect.TypeFor[eventInput](), true, "")
	op.RequestBody = &huma.RequestBody{Required: true, Content: map[string]*huma.MediaType{
		jsonMedia:   {Schema: &huma.Schema{Type: huma.TypeArray, Items: event, MaxItems: &limit}},
		ndjsonMedia: {Schema: event},
	}}
	op.Responses["202"] = jsonResponse(http.StatusAccepted, schemas.Schema(reflect.TypeFor[batchView](), true, ""))
}

func jsonResponse(status int, schema *huma.Schema) *huma.Response {
	return &huma.Response{Description: http.StatusText(status), Content: map[string]*huma.MediaType{jsonMedia: {Schema: schema}}}
}
