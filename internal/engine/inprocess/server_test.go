package inprocess

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"go.temporal.io/api/workflowservice/v1"
	sdkclient "go.temporal.io/sdk/client"
	"go.temporal.io/server/common/cluster"
	"go.temporal.io/server/common/config"
	"go.temporal.io/server/common/dynamicconfig"
	"go.temporal.io/server/common/log"
	"go.temporal.io/server/common/membership/static"
	sqliteplugin "go.temporal.io/server/common/persistence/sql/sqlplugin/sqlite"
	"go.temporal.io/server/common/primitives"
	sqliteschema "go.temporal.io/server/schema/sqlite"
	"go.temporal.io/server/temporal"
	"google.golang.org/grpc"
)

// here is the tests' namespace.
const here = "here"

type handler func(context.Context) (*workflowservice.StartWorkflowExecutionResponse, error)

// testServer is a Temporal server with hops, a client that uses them and one that does not.
type testServer struct {
	hops         *Hops
	server       temporal.Server
	short, plain sdkclient.Client
	history      string // address

	wire    atomic.Int64 // calls of the two methods that came over gRPC
	handled atomic.Int64 // calls of the two methods that reached the frontend's handler
	faults  sync.Map     // workflow ID to handler, which is done in place of the frontend's
}

// One server for all tests that do not stop it.
var (
	sharedDir  string
	sharedUsed atomic.Bool
	sharedOnce = sync.OnceValues(func() (*testServer, error) { return startServer(sharedDir) })
)

func shared(t testing.TB) *testServer {
	t.Helper()
	sharedUsed.Store(true)
	s, err := sharedOnce()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "inprocess")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	sharedDir = dir
	defer func() {
		if sharedUsed.Load() {
			if s, err := sharedOnce(); err == nil {
				s.hops.Close()
				s.stop()
			}
		}
	}()
	return m.Run()
}

func startServer(dir string) (_ *testServer, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	addresses := map[primitives.ServiceName]string{}
	var held []net.Listener // all at once, or two might be the same
	for _, name := range []primitives.ServiceName{primitives.FrontendService, primitives.HistoryService, primitives.MatchingService, primitives.WorkerService} {
		l, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
		if err != nil {
			return nil, err
		}
		addresses[name] = l.Addr().String()
		held = append(held, l)
	}
	for _, l := range held {
		if err := l.Close(); err != nil {
			return nil, err
		}
	}
	conf, err := serverConfig(dir, addresses)
	if err != nil {
		return nil, err
	}
	hosts := map[primitives.ServiceName]static.Hosts{}
	for name, address := range addresses {
		hosts[name] = static.SingleLocalHost(address)
	}
	s := &testServer{hops: New(slog.New(slog.DiscardHandler)), history: addresses[primitives.HistoryService]}
	options := append(s.hops.ServerOptions(),
		temporal.WithChainedFrontendGrpcInterceptors(s.countWire, s.hops.admit, s.fault), // in place of the hops' own
		temporal.WithConfig(conf),
		temporal.ForServices(temporal.DefaultServices),
		temporal.WithStaticHosts(hosts),
		temporal.WithLogger(log.NewNoopLogger()),
		temporal.WithDynamicConfigClient(dynamicconfig.StaticClient{
			dynamicconfig.NamespaceCacheRefreshInterval.Key(): time.Second,
			dynamicconfig.EnableServerVersionCheck.Key():      false,
			dynamicconfig.EnableEagerWorkflowStart.Key():      true,
			// For the benchmark over gRPC.
			dynamicconfig.FrontendRPS.Key():                        1_000_000,
			dynamicconfig.FrontendMaxNamespaceRPSPerInstance.Key(): 1_000_000,
			dynamicconfig.HistoryRPS.Key():                         1_000_000,
		}),
	)
	if s.server, err = temporal.NewServer(options...); err != nil {
		return nil, err
	}
	if err := s.server.Start(); err != nil {
		return nil, err
	}
	if err := s.hops.Open(ctx, s.history); err != nil {
		return nil, err
	}
	if s.plain, err = dial(ctx, addresses[primitives.FrontendService]); err != nil {
		return nil, err
	}
	s.short, err = dial(ctx, addresses[primitives.FrontendService], s.hops.DialOption(), grpc.WithChainUnaryInterceptor(noteWire))
	return s, err
}

func dial(ctx context.Context, address string, options ...grpc.DialOption) (sdkclient.Client, error) {
	for {
		c, err := sdkclient.DialContext(ctx, sdkclient.Options{
			HostPort: address, Namespace: here, Logger: quiet{},
			ConnectionOptions: sdkclient.ConnectionOptions{DialOptions: options, GrpcCompression: &sdkclient.GrpcCompressionNone{}},
		})
		if err == nil || ctx.Err() != nil {
			return c, err
		}
		select {
		case <-ctx.Done():
		case <-time.After(20 * time.Millisecond):
		}
	}
}

func serverConfig(dir string, addresses map[primitives.ServiceName]string) (*config.Config, error) {
	store := &config.SQL{
		PluginName: sqliteplugin.PluginName, DatabaseName: filepath.Join(dir, "temporal.db"), MaxConns: 1, MaxIdleConns: 1,
		ConnectAttributes: map[string]string{"mode": "rwc", "journal_mode": "wal", "synchronous": "off"},
	}
	if err := sqliteschema.SetupSchema(store); err != nil {
		return nil, err
	}
	ns, err := sqliteschema.NewNamespaceConfig("active", here, false, nil)
	if err != nil {
		return nil, err
	}
	if err := sqliteschema.CreateNamespaces(store, ns); err != nil {
		return nil, err
	}
	var c config.Config
	c.Global.Membership.MaxJoinDuration = 30 * time.Second
	c.Global.Membership.BroadcastAddress = "127.0.0.1"
	c.Persistence = config.Persistence{
		DefaultStore: "store", VisibilityStore: "store", NumHistoryShards: 1,
		DataStores: map[string]config.DataStore{"store": {SQL: store}},
	}
	c.ClusterMetadata = &cluster.Config{
		FailoverVersionIncrement: 10, MasterClusterName: "active", CurrentClusterName: "active",
		ClusterInformation: map[string]cluster.ClusterInformation{"active": {
			Enabled: true, InitialFailoverVersion: 1, RPCAddress: addresses[primitives.FrontendService], ClusterID: uuid.NewString(),
		}},
	}
	c.DCRedirectionPolicy.Policy = "noop"
	c.Services = map[string]config.Service{}
	for name, address := range addresses {
		tcp, err := net.ResolveTCPAddr("tcp", address)
		if err != nil {
			return nil, err
		}
		var service config.Service
		service.RPC.GRPCPort, service.RPC.BindOnIP = tcp.Port, "127.0.0.1"
		c.Services[string(name)] = service
	}
	c.Archival.History.State, c.Archival.Visibility.State = "disabled", "disabled"
	c.NamespaceDefaults.Archival.History.State, c.NamespaceDefaults.Archival.Visibility.State = "disabled", "disabled"
	c.PublicClient.HostPort = addresses[primitives.FrontendService]
	return &c, nil
}

func (s *testServer) stop() {
	s.short.Close()
	s.plain.Close()
	_ = s.server.Stop()
}

// allOverGRPC does f without the hop to history, which otherwise serves the plain client's calls as well. Other tests
// must not run meanwhile.
func (s *testServer) allOverGRPC(t testing.TB, f func()) {
	t.Helper()
	opened, before := s.hops.history.Swap(nil), s.hops.Stats().History
	defer s.hops.history.Store(opened)
	f()
	if after := s.hops.Stats().History; after.InProcess != before.InProcess || after.OverGRPC == before.OverGRPC {
		t.Errorf("history was not called over gRPC: %+v, %+v", before, after)
	}
}

func (s *testServer) countWire(ctx context.Context, request any, _ *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
	if isShortCut(request) {
		s.wire.Add(1)
	}
	return next(ctx, request)
}

func (s *testServer) fault(ctx context.Context, request any, _ *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
	if isShortCut(request) {
		s.handled.Add(1)
	}
	if r, ok := request.(*workflowservice.StartWorkflowExecutionRequest); ok {
		if f, ok := s.faults.Load(r.GetWorkflowId()); ok {
			return f.(handler)(ctx) //nolint:errcheck,forcetypeassert // nothing else is stored
		}
	}
	return next(ctx, request)
}

// failWith replaces the frontend's handler of one workflow ID.
func (s *testServer) failWith(id string, fault func(context.Context) error) {
	s.faults.Store(id, handler(func(ctx context.Context) (*workflowservice.StartWorkflowExecutionResponse, error) {
		return nil, fault(ctx)
	}))
}

// wireKey is the key of an *atomic.Bool in a call's context that becomes true when the call goes over gRPC.
type wireKey struct{}

func noteWire(ctx context.Context, method string, request, reply any, conn *grpc.ClientConn, invoke grpc.UnaryInvoker, options ...grpc.CallOption) error {
	if wire, ok := ctx.Value(wireKey{}).(*atomic.Bool); ok {
		wire.Store(true)
	}
	return invoke(ctx, method, request, reply, conn, options...)
}

// quiet is the SDK's logger.
type quiet struct{}

func (quiet) Debug(string, ...any) {}
func (quiet) Info(string, ...any)  {}
func (quiet) Warn(string, ...any)  {}
func (quiet) Error(string, ...any) {}

// await repeats a check until it holds.
func await(t *testing.T, what string, check func() bool) {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	for !check() {
		select {
		case <-ctx.Done():
			t.Fatalf("%s: not in time", what)
		case <-tick.C:
		}
	}
}
