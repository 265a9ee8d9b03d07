package api

import (
	"embed"
	"net/http"
	"path"

	"github.com/gin-gonic/gin"

	"github.com/postrider/postrider/webhook"
)

// docsFiles is a page that reads /openapi.json and shows it, without asking anything of anybody
// else.
//
//go:embed docs
var docsFiles embed.FS

func (s *server) docs(c *gin.Context) { s.serveDocs(c, "index.html") }

func (s *server) docsFile(c *gin.Context) { s.serveDocs(c, c.Param("file")) }

func (s *server) serveDocs(c *gin.Context, name string) {
	types := map[string]string{
		".html": "text/html; charset=utf-8", ".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8",
	}
	text, err := docsFiles.ReadFile(path.Join("docs", name))
	mediaType, known := types[path.Ext(name)]
	if err != nil || !known {
		s.fail(c, webhook.Errorf(webhook.NotFound, "no_such_route", "there is no such page"))
		return
	}
	c.Header("Content-Security-Policy", "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
	c.Header("X-Content-Type-Options", "nosniff")
	c.Header("Referrer-Policy", "no-referrer")
	c.Data(http.StatusOK, mediaType, text)
}
