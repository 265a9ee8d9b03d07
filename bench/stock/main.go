// Command stock runs a Temporal server as it comes, on one SQLite file: configured as Temporal's own repository does it in
// config/development-sqlite-file.yaml (write-ahead log, every commit synced), its dynamic configuration left alone. The
// benchmark runs the naive service on it.
package main

import (
	"context"
	"flag"
	"fmt"
	"net"
	"os"
	"os/signal"
	"strconv"
	"syscall"
	"time"

	"go.temporal.io/server/common/cluster"
	"go.temporal.io/server/common/config"
	"go.temporal.io/server/common/dynamicconfig"
	"go.temporal.io/server/common/log"
	"go.temporal.io/server/common/membership/static"
	"go.temporal.io/server/common/persistence/sql/sqlplugin/sqlite"
	"go.temporal.io/server/common/primitives"
	schema "go.temporal.io/server/schema/sqlite"
	"go.temporal.io/server/temporal"

	"github.com/postrider/postrider/bench/internal/loopback"
)

const (
	clusterName = "active"
	onLoopback  = "127.0.0.1"
)

func main() {
	listen := flag.String("listen", "127.0.0.1:7233", "address of the frontend")
	file := flag.String("file", "", "the database, which is made")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, *listen, *file); err != nil {
		fmt.Fprintln(os.Stderr, "stock:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, listen, file string) error {
	c, hosts, err := configuration(ctx, listen, file)
	if err != nil {
		return err
	}
	store := c.Persistence.DataStores[c.Persistence.DefaultStore].SQL
	if err := schema.SetupSchema(store); err != nil {
		return fmt.Errorf("make the database: %w", err)
	}
	namespace, err := schema.NewNamespaceConfig(clusterName, "default", false, nil)
	if err != nil {
		return err
	}
	if err := schema.CreateNamespaces(store, namespace); err != nil {
		return fmt.Errorf("make the namespace: %w", err)
	}
	server, err := temporal.NewServer(
		temporal.WithConfig(c),
		temporal.ForServices(temporal.DefaultServices),
		temporal.WithStaticHosts(hosts),
		temporal.WithDynamicConfigClient(dynamicconfig.NewNoopClient()),
		temporal.WithLogger(log.NewZapLogger(log.BuildZapLogger(log.Config{Stdout: true, Level: "warn"}))),
	)
	if err != nil {
		return err
	}
	if err := server.Start(); err != nil {
		return err
	}
	<-ctx.Done()
	return server.Stop()
}

// configuration is that of one server whose frontend listens there.
func configuration(ctx context.Context, listen, file string) (*config.Config, map[primitives.ServiceName]static.Hosts, error) {
	var c config.Config
	c.Global.Membership.MaxJoinDuration = 30 * time.Second
	c.Global.Membership.BroadcastAddress = onLoopback
	c.Persistence = config.Persistence{
		DefaultStore: sqlite.PluginName, VisibilityStore: sqlite.PluginName, NumHistoryShards: 1,
		DataStores: map[string]config.DataStore{sqlite.PluginName: {SQL: &config.SQL{
			PluginName: sqlite.PluginName, DatabaseName: file, MaxConns: 1, MaxIdleConns: 1, MaxConnLifetime: time.Hour,
			ConnectAttributes: map[string]string{"mode": "rwc", "cache": "private", "journal_mode": "wal", "synchronous": "2"},
		}}},
	}
	c.ClusterMetadata = &cluster.Config{
		FailoverVersionIncrement: 10, MasterClusterName: clusterName, CurrentClusterName: clusterName,
		ClusterInformation: map[string]cluster.ClusterInformation{clusterName: {Enabled: true, InitialFailoverVersion: 1, RPCAddress: listen}},
	}
	c.DCRedirectionPolicy.Policy = "noop"
	c.Archival.History.State = "disabled"
	c.Archival.Visibility.State = "disabled"
	c.NamespaceDefaults.Archival.History.State = "disabled"
	c.NamespaceDefaults.Archival.Visibility.State = "disabled"
	c.PublicClient.HostPort = listen

	c.Services = map[string]config.Service{}
	hosts := map[primitives.ServiceName]static.Hosts{}
	addresses := map[primitives.ServiceName]string{primitives.FrontendService: listen}
	for _, name := range []primitives.ServiceName{primitives.HistoryService, primitives.MatchingService, primitives.WorkerService} {
		address, err := loopback.FreeAddress(ctx)
		if err != nil {
			return nil, nil, err
		}
		addresses[name] = address
	}
	for name, address := range addresses {
		_, port, err := net.SplitHostPort(address)
		if err != nil {
			return nil, nil, err
		}
		var service config.Service
		if service.RPC.GRPCPort, err = strconv.Atoi(port); err != nil {
			return nil, nil, fmt.Errorf("port of %s: %w", address, err)
		}
		service.RPC.BindOnIP = onLoopback
		c.Services[string(name)] = service
		hosts[name] = static.SingleLocalHost(address)
	}
	return &c, hosts, nil
}
