package engine

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"os"
	"slices"
	"strings"

	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/contrib/envconfig"
	"go.temporal.io/sdk/interceptor"
	sdklog "go.temporal.io/sdk/log"
)

// DialConfig says how to reach Temporal; its zero value works.
type DialConfig struct {
	Address   string // host:port; default: what Temporal's environment says. Server.Dial ignores it
	Namespace string // default: what Temporal's environment says, or "default"
	// Lazy makes the client without connecting; calls fail until the cluster answers.
	Lazy         bool
	Identity     string                          // how the UI names this client; default: process ID and host name
	Logger       *slog.Logger                    // default: no logs
	Metrics      client.MetricsHandler           // default: none
	Interceptors []interceptor.ClientInterceptor // of the client and of workers made from it, such as for tracing
}

// Profile is what the profile of Temporal's configuration that TEMPORAL_PROFILE or TEMPORAL_CONFIG_FILE selects says of
// an external cluster; TEMPORAL_ADDRESS and TEMPORAL_NAMESPACE win over it. Empty: nothing. A configuration file
// that nothing points to does not count; it is there for people's command line.
func Profile() (address, namespace string, err error) {
	if os.Getenv("TEMPORAL_PROFILE") == "" && os.Getenv("TEMPORAL_CONFIG_FILE") == "" {
		return "", "", nil
	}
	profile, err := envconfig.LoadClientConfigProfile(envconfig.LoadClientConfigProfileOptions{EnvLookup: environment{}})
	if err != nil {
		return "", "", fmt.Errorf("read temporal's client configuration: %w", err)
	}
	return profile.Address, profile.Namespace, nil
}

// environment is the process's, in which an empty variable counts as not set, as for our own settings: docker compose passes
// variables on that way.
type environment struct{}

// Environ implements envconfig.EnvLookup.
func (environment) Environ() []string {
	return slices.DeleteFunc(os.Environ(), func(variable string) bool { return strings.HasSuffix(variable, "=") })
}

// LookupEnv implements envconfig.EnvLookup.
func (environment) LookupEnv(name string) (string, bool) {
	value := os.Getenv(name)
	return value, value != ""
}

// Dial connects to an external cluster: address, namespace, API key and TLS by Temporal's own TEMPORAL_* variables and
// configuration file, as for Temporal's command line. What cfg gives wins. Without Lazy it returns when the
// cluster has answered, or with an error.
func Dial(ctx context.Context, cfg DialConfig) (client.Client, error) {
	options, err := envconfig.LoadClientOptions(envconfig.LoadClientOptionsRequest{EnvLookup: environment{}})
	if err != nil {
		return nil, fmt.Errorf("read temporal's client configuration: %w", err)
	}
	if cfg.Address != "" {
		options.HostPort = cfg.Address
	}
	if cfg.Namespace != "" {
		options.Namespace = cfg.Namespace
	}
	return dial(ctx, cfg, cfg.complete(options))
}

// Dial connects to the embedded server. TEMPORAL_* variables do not matter.
func (s *Server) Dial(ctx context.Context, cfg DialConfig) (client.Client, error) {
	options := s.clientOptions(cfg)
	if s.hops != nil {
		options.ConnectionOptions.DialOptions = append(options.ConnectionOptions.DialOptions, s.hops.DialOption())
	}
	return dial(ctx, cfg, options)
}

func (s *Server) clientOptions(cfg DialConfig) client.Options {
	options := client.Options{HostPort: s.addr, Namespace: s.namespace}
	if cfg.Namespace != "" {
		options.Namespace = cfg.Namespace
	}
	return cfg.complete(options)
}

func dial(ctx context.Context, cfg DialConfig, options client.Options) (c client.Client, err error) {
	if cfg.Lazy {
		c, err = client.NewLazyClient(options)
	} else {
		c, err = client.DialContext(ctx, options)
	}
	if err != nil {
		return nil, fmt.Errorf("dial temporal at %s: %w", options.HostPort, err)
	}
	return c, nil
}

func (cfg DialConfig) complete(options client.Options) client.Options {
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	options.Logger = sdklog.NewStructuredLogger(cfg.Logger)
	options.Identity = cfg.Identity
	if cfg.Metrics != nil {
		options.MetricsHandler = &cachedMetrics{of: cfg.Metrics}
	}
	options.Interceptors = cfg.Interceptors
	if onThisMachine(options.HostPort) {
		// The SDK's default, gzip, costs more than a loopback connection saves.
		options.ConnectionOptions.GrpcCompression = &client.GrpcCompressionNone{}
	}
	return options
}

func onThisMachine(address string) bool {
	host, _, err := net.SplitHostPort(address)
	return address == "" || err == nil && (host == "localhost" || isLoopback(net.ParseIP(host)))
}
