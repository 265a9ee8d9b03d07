package engine

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/labstack/echo/v4/middleware"
	"github.com/temporalio/ui-server/v2/server/api"
	uiconfig "github.com/temporalio/ui-server/v2/server/config"
	"github.com/temporalio/ui-server/v2/server/csrf"
	"github.com/temporalio/ui-server/v2/server/headers"
	"github.com/temporalio/ui-server/v2/server/route"
	uiassets "github.com/temporalio/ui-server/v2/ui"
	"go.temporal.io/api/workflowservice/v1"
	"google.golang.org/grpc"
)

// ui is Temporal's web UI, put together from its parts: its own server opens the port by itself and ends the whole
// process when that fails.
type ui struct {
	listener net.Listener
	server   *http.Server
	conn     *grpc.ClientConn // to the frontend
	done     chan struct{}
}

func startUI(cfg Config, frontend string, listener net.Listener) (_ *ui, err error) {
	u := &ui{listener: listener, done: make(chan struct{})}
	defer func() {
		if err != nil {
			err = errors.Join(fmt.Errorf("start the temporal UI: %w", err), listener.Close())
		}
	}()
	provider, err := uiconfig.NewConfigProviderWithRefresh(&uiconfig.Config{
		TemporalGRPCAddress: frontend,
		EnableUI:            true,
		DefaultNamespace:    cfg.Namespace,
		DisableNewsFetch:    true,
		HideLogs:            true,
		CORS:                uiconfig.CORS{CookieInsecure: true}, // plain HTTP
	})
	if err != nil {
		return nil, err
	}
	if u.conn, err = api.CreateGRPCConnection(provider); err != nil {
		return nil, err
	}
	handler, err := uiHandler(provider, u.conn)
	if err != nil {
		return nil, errors.Join(err, u.conn.Close())
	}
	if !cfg.AllowRemote {
		handler = onlyLocalNames(handler)
	}
	u.server = &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: 10 * time.Second,
		ErrorLog:          slog.NewLogLogger(cfg.Logger.Handler(), slog.LevelDebug),
	}
	go func() {
		defer close(u.done)
		if err := u.server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			cfg.Logger.Error("temporal UI ended", "error", err)
		}
	}()
	return u, nil
}

func (u *ui) addr() string { return endpointOf(u.listener).clientAddr() }

func (u *ui) close() {
	_ = u.server.Close() // only ever the listener's error
	<-u.done
	_ = u.conn.Close()
}

func uiHandler(provider *uiconfig.ConfigProviderWithRefresh, conn *grpc.ClientConn) (http.Handler, error) {
	all, err := uiassets.Assets()
	if err != nil {
		return nil, fmt.Errorf("open the assets: %w", err)
	}
	assets, err := fs.Sub(all, "local")
	if err != nil {
		return nil, fmt.Errorf("open the assets: %w", err)
	}
	e := echo.New()
	e.Use(middleware.Gzip(), middleware.Secure(),
		csrf.EnsureTokenCookie(false), middleware.CSRFWithConfig(csrf.MiddlewareConfig(provider, false)))
	route.SetHealthRoute(e)
	group := e.Group("/api/v1")
	group.GET("/settings", api.GetSettings(provider))
	group.GET(api.WorkflowRawHistoryUrl, api.WorkflowRawHistoryHandler(workflowservice.NewWorkflowServiceClient(conn)))
	group.Any("/*", api.TemporalAPIHandler(provider, []api.Middleware{headers.WithForwardHeaders([]string{"Caller-Type"})}, conn))
	if err := route.SetUIRoutes(e, "", assets); err != nil {
		return nil, err
	}
	route.SetRenderRoute(e, "")
	return e, nil
}

// onlyLocalNames refuses requests for any other host name than this machine's own: without passwords, a page on the
// internet whose name was made to point to 127.0.0.1 could otherwise use the UI through its visitor's browser.
func onlyLocalNames(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host, _, err := net.SplitHostPort(r.Host)
		if err != nil {
			host = r.Host
		}
		if host != "localhost" && !strings.HasSuffix(host, ".localhost") && !isLoopback(net.ParseIP(strings.Trim(host, "[]"))) {
			http.Error(w, "the Temporal UI answers on localhost only", http.StatusForbidden)
			return
		}
		next.ServeHTTP(w, r)
	})
}
