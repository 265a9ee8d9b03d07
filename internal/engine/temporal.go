package engine

import (
	"fmt"
	"maps"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
	"go.temporal.io/server/common/cluster"
	"go.temporal.io/server/common/config"
	"go.temporal.io/server/common/membership/static"
	"go.temporal.io/server/common/primitives"
	"go.temporal.io/server/temporal"

	"github.com/postrider/postrider/internal/engine/inprocess"
)

const (
	clusterName = "active"

	// shards is fixed when the data is made. One is fastest on one SQLite connection (494 events/s; 4: 470, 16: 432). On Postgres
	// the writes of one shard are not made to wait for each other, and every other one would read its queues for itself.
	shards = 1
)

// startTemporal runs the four services in this process and returns when they have started.
func startTemporal(cfg Config, data storage, hops *inprocess.Hops, p *ports, stopping *atomic.Bool) (_ temporal.Server, err error) {
	defer func() {
		switch r := recover().(type) {
		case nil:
		case fatal:
			err = fmt.Errorf("start the embedded temporal: %s", r)
		default:
			panic(r)
		}
	}()
	p.handOver()
	options := data.options()
	if hops != nil {
		options = append(options, hops.ServerOptions()...)
	}
	settings := dynamicConfig(cfg.Retention)
	maps.Copy(settings, data.settings())
	server, err := temporal.NewServer(append(options,
		temporal.WithConfig(serverConfig(cfg, data, p)),
		temporal.ForServices(temporal.DefaultServices),
		temporal.WithStaticHosts(map[primitives.ServiceName]static.Hosts{
			primitives.FrontendService: static.SingleLocalHost(p.frontend.clientAddr()),
			primitives.HistoryService:  static.SingleLocalHost(p.history.clientAddr()),
			primitives.MatchingService: static.SingleLocalHost(p.matching.clientAddr()),
			primitives.WorkerService:   static.SingleLocalHost(p.worker.clientAddr()),
		}),
		temporal.WithLogger(newServerLogger(cfg.Logger, stopping)),
		temporal.WithDynamicConfigClient(settings),
	)...)
	if err != nil {
		return nil, fmt.Errorf("configure the embedded temporal: %w", err)
	}
	if err := server.Start(); err != nil {
		stopWithin(stopTimeout, server, cfg.Logger)
		return nil, fmt.Errorf("start the embedded temporal: %w", err)
	}
	return server, nil
}

func serverConfig(cfg Config, data storage, p *ports) *config.Config {
	service := func(e endpoint) config.Service {
		var s config.Service
		s.RPC.GRPCPort = e.Port
		s.RPC.BindOnIP = e.IP.String()
		return s
	}
	var c config.Config
	c.Global.Membership.MaxJoinDuration = 30 * time.Second
	c.Global.Membership.BroadcastAddress = "127.0.0.1"
	c.Persistence = data.persistence()
	inject(c.Persistence, cfg.Faults)
	c.ClusterMetadata = &cluster.Config{
		FailoverVersionIncrement: 10,
		MasterClusterName:        clusterName,
		CurrentClusterName:       clusterName,
		ClusterInformation: map[string]cluster.ClusterInformation{
			// The ID of the file's first start is kept; later ones are ignored.
			clusterName: {Enabled: true, InitialFailoverVersion: 1, RPCAddress: p.frontend.clientAddr(), ClusterID: uuid.NewString()},
		},
	}
	c.DCRedirectionPolicy.Policy = "noop"
	c.Services = map[string]config.Service{
		string(primitives.FrontendService): service(p.frontend),
		string(primitives.HistoryService):  service(p.history),
		string(primitives.MatchingService): service(p.matching),
		string(primitives.WorkerService):   service(p.worker),
	}
	c.Archival.History.State = "disabled"
	c.Archival.Visibility.State = "disabled"
	c.NamespaceDefaults.Archival.History.State = "disabled"
	c.NamespaceDefaults.Archival.Visibility.State = "disabled"
	c.PublicClient.HostPort = p.frontend.clientAddr()
	return &c
}
