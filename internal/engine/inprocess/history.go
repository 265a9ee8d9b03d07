package inprocess

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.temporal.io/server/api/historyservice/v1"
	"go.temporal.io/server/client"
	"go.temporal.io/server/common"
	"go.temporal.io/server/common/dynamicconfig"
	"go.temporal.io/server/common/headers"
	"go.temporal.io/server/common/log"
	"go.temporal.io/server/common/membership"
	"go.temporal.io/server/common/metrics"
	serviceerrors "go.temporal.io/server/common/serviceerror"
	"go.temporal.io/server/common/testing/testhooks"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
)

// history is the service's two handlers behind their interceptors.
type history struct{ start, respond grpc.UnaryHandler }

// Open catches the handler of the history service that listens on address. It waits for the service until ctx is over.
// An error means that all goes on over gRPC as far as history is concerned.
func (h *Hops) Open(ctx context.Context, address string) error {
	conn, err := grpc.NewClient(address, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return fmt.Errorf("open the hop to temporal's history service: %w", err)
	}
	defer func() { _ = conn.Close() }() // its only stream has ended
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	ctx = metadata.AppendToOutgoingContext(ctx, secretHeader, h.secret)
	stream, err := historyservice.NewHistoryServiceClient(conn).StreamWorkflowReplicationMessages(ctx, grpc.WaitForReady(true))
	if err == nil {
		_, err = stream.Recv()
	}
	if h.history.Load() == nil {
		return fmt.Errorf("open the hop to temporal's history service: its handler was not caught: %w", err)
	}
	return nil
}

// catch is a stream interceptor of all services. Open's stream ends here; others pass.
func (h *Hops) catch(server any, stream grpc.ServerStream, _ *grpc.StreamServerInfo, handler grpc.StreamHandler) error {
	if !h.ours(stream.Context()) {
		return handler(server, stream)
	}
	service, ok := server.(historyservice.HistoryServiceServer)
	chains := h.chains.Load()
	if !ok || chains == nil {
		return status.Errorf(codes.FailedPrecondition, "%T is not a history service, or made no clients", server)
	}
	h.history.Store(chains.history(service))
	return nil
}

// factoryProvider makes the server's services wrap their clients of history.
type factoryProvider struct {
	client.FactoryProvider
	hops *Hops
}

func (p factoryProvider) NewFactory(rpc common.RPCFactory, monitor membership.Monitor, handler metrics.Handler, config *dynamicconfig.Collection,
	hooks testhooks.TestHooks, shards int32, logger, throttled log.Logger,
) client.Factory {
	p.hops.chains.CompareAndSwap(nil, newChains(handler, config, logger))
	return factory{p.FactoryProvider.NewFactory(rpc, monitor, handler, config, hooks, shards, logger, throttled), p.hops}
}

type factory struct {
	client.Factory
	hops *Hops
}

func (f factory) NewHistoryClientWithTimeout(timeout time.Duration) (historyservice.HistoryServiceClient, error) {
	c, err := f.Factory.NewHistoryClientWithTimeout(timeout)
	if err != nil {
		return nil, err
	}
	return &historyClient{c, f.hops, timeout}, nil
}

// historyClient is a service's client of history: the real one, but for two methods.
type historyClient struct {
	historyservice.HistoryServiceClient
	hops    *Hops
	timeout time.Duration
}

// Stop releases the real client's connections. Temporal looks for it by its name.
func (c *historyClient) Stop() {
	if pool, ok := c.HistoryServiceClient.(interface{ Stop() }); ok {
		pool.Stop()
	}
}

func (c *historyClient) StartWorkflowExecution(ctx context.Context, request *historyservice.StartWorkflowExecutionRequest, options ...grpc.CallOption) (*historyservice.StartWorkflowExecutionResponse, error) {
	if history := c.hops.history.Load(); history != nil {
		var response historyservice.StartWorkflowExecutionResponse
		if done, err := c.call(ctx, history.start, request, &response); done {
			return okOrNil(&response, err)
		}
	}
	c.hops.historyCalls.overGRPC.Add(1)
	return c.HistoryServiceClient.StartWorkflowExecution(ctx, request, options...)
}

func (c *historyClient) RespondWorkflowTaskCompleted(ctx context.Context, request *historyservice.RespondWorkflowTaskCompletedRequest, options ...grpc.CallOption) (*historyservice.RespondWorkflowTaskCompletedResponse, error) {
	if history := c.hops.history.Load(); history != nil {
		var response historyservice.RespondWorkflowTaskCompletedResponse
		if done, err := c.call(ctx, history.respond, request, &response); done {
			return okOrNil(&response, err)
		}
	}
	c.hops.historyCalls.overGRPC.Add(1)
	return c.HistoryServiceClient.RespondWorkflowTaskCompleted(ctx, request, options...)
}

// call does what the real client does around its connection: its timeout, the headers that go on from service to service,
// errors of Temporal's own kinds. A shard that is elsewhere is left to the real client, which can find it.
func (c *historyClient) call(ctx context.Context, chain grpc.UnaryHandler, request, response proto.Message) (bool, error) {
	if common.IsValidContext(ctx) != nil {
		return false, nil
	}
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	outgoing, _ := metadata.FromOutgoingContext(headers.Propagate(ctx))
	done, err := c.hops.call(ctx, chain, outgoing, request, response)
	if !done {
		return false, nil
	}
	if err != nil {
		err = serviceerrors.FromStatus(status.Convert(err))
		if lost := (*serviceerrors.ShardOwnershipLost)(nil); errors.As(err, &lost) {
			return false, nil
		}
	}
	c.hops.historyCalls.inProcess.Add(1)
	return true, err
}

func okOrNil[T any](response *T, err error) (*T, error) {
	if err != nil {
		return nil, err
	}
	return response, nil
}
