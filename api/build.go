package api

import (
	"context"
	"net/http"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humagin"
	"github.com/gin-gonic/gin"
)

// handler adds a route to Gin and to the OpenAPI document.
type handler func(b *builder, r route)

// typed is a handler whose parameters, body and answer are described by its Go types; huma reads
// the one and writes the other.
func typed[I, O any](handle func(context.Context, *I) (*O, error)) handler {
	return func(b *builder, r route) {
		api := documenter{API: b.api, builder: b, route: r}
		if in, ok := any(new(I)).(interface {
			describe(huma.Registry) *huma.RequestBody
		}); ok {
			api.body = in.describe(b.schemas())
		}
		huma.Register(api, b.operation(r), func(ctx context.Context, in *I) (*O, error) {
			out, err := handle(ctx, in)
			if err != nil {
				return nil, b.problemFor(ctx, err)
			}
			return out, nil
		})
	}
}

// plain is a Gin handler that describe describes.
func plain(handle gin.HandlerFunc, describe func(*huma.Operation, huma.Registry)) handler {
	return func(b *builder, r route) {
		undocumented(handle)(b, r)
		op := b.operation(r)
		op.Responses = map[string]*huma.Response{}
		describe(&op, b.schemas())
		documenter{API: b.api, builder: b, route: r, body: op.RequestBody}.DocumentOperation(&op)
	}
}

// undocumented is a Gin handler that the OpenAPI document does not show.
func undocumented(handle gin.HandlerFunc) handler {
	return func(b *builder, r route) {
		handlers := append(b.guards(r.access), handle)
		b.engine.Handle(r.method, ginPath(r.path), handlers...)
		if r.method == http.MethodGet { // RFC 9110 §9.1; net/http leaves the body out
			b.engine.Handle(http.MethodHead, ginPath(r.path), handlers...)
		}
	}
}

// builder puts the routes together.
type builder struct {
	*server
	engine *gin.Engine
	api    huma.API
}

// build puts all routes together and makes the OpenAPI document.
func (s *server) build() *builder {
	gin.SetMode(gin.ReleaseMode) // else Gin writes to standard output
	b := &builder{server: s, engine: gin.New()}
	b.engine.HandleMethodNotAllowed = true
	b.engine.RedirectTrailingSlash = false
	b.engine.Use(s.observe)
	b.engine.NoRoute(s.noRoute)
	b.engine.NoMethod(s.noMethod)
	b.api = huma.NewAPI(huma.Config{
		DefaultFormat: jsonMedia, OpenAPI: openapiBase(s.Version),
		// "json" is what huma takes application/problem+json for.
		Formats: map[string]huma.Format{jsonMedia: {Marshal: encodeJSON}, "json": {Marshal: encodeJSON}},
		Transformers: []huma.Transformer{
			func(ctx huma.Context, _ string, v any) (any, error) { return s.translate(ctx.Context(), v), nil },
		},
	}, b)
	for _, r := range s.routes() {
		r.handler(b, r)
	}
	s.openapi = render(b.api.OpenAPI())
	return b
}

// Handle adds a huma operation to Gin; with ServeHTTP it makes the builder a huma.Adapter.
func (b *builder) Handle(op *huma.Operation, handle func(huma.Context)) {
	r, _ := op.Metadata[routeKey].(route)
	undocumented(func(c *gin.Context) { handle(humagin.NewContext(op, c)) })(b, r)
}

// ServeHTTP serves the API.
func (b *builder) ServeHTTP(w http.ResponseWriter, r *http.Request) { b.engine.ServeHTTP(w, r) }

// guards stand before the handler.
func (b *builder) guards(a access) []gin.HandlerFunc {
	switch a {
	case key:
		return []gin.HandlerFunc{b.authenticate}
	case admin:
		return []gin.HandlerFunc{b.authenticate, b.requireAdmin}
	default:
		return nil
	}
}

func (b *builder) schemas() huma.Registry { return b.api.OpenAPI().Components.Schemas }

// routeKey is where an operation's metadata has its route.
const routeKey = "route"

func (b *builder) operation(r route) huma.Operation {
	return huma.Operation{
		Method: r.method, Path: r.path, OperationID: r.name, DefaultStatus: r.status,
		RejectUnknownQueryParameters: true, Metadata: map[string]any{routeKey: r},
	}
}

// ginPath is OpenAPI's "{id}" as Gin's ":id".
func ginPath(path string) string {
	return strings.NewReplacer("{", ":", "}", "").Replace(path)
}
