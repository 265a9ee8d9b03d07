package inprocess

import (
	"context"
	"slices"

	"go.temporal.io/server/api/historyservice/v1"
	"go.temporal.io/server/common"
	"go.temporal.io/server/common/dynamicconfig"
	"go.temporal.io/server/common/log"
	"go.temporal.io/server/common/metrics"
	"go.temporal.io/server/common/namespace"
	"go.temporal.io/server/common/primitives"
	"go.temporal.io/server/common/rpc/interceptor"
	"go.temporal.io/server/service/history/api"
	"google.golang.org/grpc"
)

// chains are the interceptors that a call in this process runs through: Temporal's own, in Temporal's order, with
// the server's configuration, logger and metrics.
//
// Of the frontend's (its fx.go, GrpcServerOptionsProvider) these are left out, from the outermost:
//
//   - RoutingKey: its key is read by NamespaceHandover alone.
//   - NamespaceValidate, StateValidation, NamespaceHandover, Redirection, Authorization, SDKVersion, Health: their
//     answer depends on method, namespace, caller and server, the same for all calls of a pass. A change is noticed
//     when the pass ends, after two seconds at most. Authorization also forbids calls in another's name
//     (callerHeaders) and commands that reach into other namespaces; to them this process's own workflows are
//     not strangers.
//   - NamespaceLog: writes to a logger that is not configured.
//   - NamespaceCountLimiter: counts long polls, which these methods are not.
//   - NamespaceRateLimiter, RateLimit: protect a server from clients that are not part of it. The engine's
//     configuration lifts them; the store's own limits stay.
//   - ChasmVisibility: serves the listing of schedules and activities.
//
// Interceptors added by ServerOptions' callers and Retryable come after ours and are in the handler that a pass has.
//
// Of history's (service/fx.go, getUnaryInterceptors; history's fx.go, HistoryAdditionalInterceptorsProvider):
//
//   - MetricsTrailerPropagator: one latency, for a metric of the frontend's.
//   - HealthCheck: for the deep health check, by which a cluster takes out a sick host.
//   - ChasmEngine, ChasmVisibility: the handlers of Temporal's components outside of workflows want them.
//   - NamespaceRateLimit, RateLimit: as above.
//
// And of the interceptors of the frontend's client: the metrics of its calls, and the trailers, which report a workflow's
// type and queue to interceptors that a frontend may have of its own.
type chains struct {
	front, back []grpc.UnaryServerInterceptor
}

func newChains(handler metrics.Handler, config *dynamicconfig.Collection, logger log.Logger) *chains {
	// The first service to ask for clients gives its handler; its name would be on the metrics of both.
	frontend := handler.WithTags(metrics.ServiceNameTag(primitives.FrontendService))
	history := handler.WithTags(metrics.ServiceNameTag(primitives.HistoryService))

	maxMessage := dynamicconfig.MaxServiceErrorMessageLength.Get(config)
	logAll := dynamicconfig.LogAllReqErrors.Get(config)
	failures := interceptor.NewRequestErrorHandler(logger, logAll)
	return &chains{
		front: []grpc.UnaryServerInterceptor{
			interceptor.NewMaskInternalErrorDetailsInterceptor(dynamicconfig.FrontendMaskInternalErrorDetails.Get(config), admitted{}, logger).Intercept,
			interceptor.NewServiceErrorInterceptor(maxMessage, frontend, logger).Intercept, // captures panics
			interceptor.NewFrontendServiceErrorInterceptor(logger),
			metrics.NewServerMetricsContextInjectorInterceptor(),
			interceptor.NewTelemetryInterceptor(admitted{}, frontend, logger, logAll, failures).UnaryIntercept,
			interceptor.NewCallerInfoInterceptor(admitted{}).Intercept,
			interceptor.NewSlowRequestLoggerInterceptor(logger, dynamicconfig.SlowRequestLoggingThreshold.Get(config)).Intercept,
			interceptor.NewContextMetadataInterceptor(false, logger).Intercept,
		},
		back: []grpc.UnaryServerInterceptor{
			interceptor.NewServiceErrorInterceptor(maxMessage, history, logger).Intercept,
			metrics.NewServerMetricsContextInjectorInterceptor(),
			interceptor.NewTelemetryInterceptor(admitted{}, history, logger, logAll, failures).UnaryIntercept,
			interceptor.NewContextMetadataInterceptor(false, logger).Intercept,
			interceptor.NewRetryableInterceptor(common.CreateHistoryHandlerRetryPolicy(), api.IsRetryableError).Intercept,
		},
	}
}

// frontend puts the interceptors before a handler that the frontend's own chain led to.
func (c *chains) frontend(info *grpc.UnaryServerInfo, handler grpc.UnaryHandler) grpc.UnaryHandler {
	return chain(c.front, info, handler)
}

func (c *chains) history(service historyservice.HistoryServiceServer) *history {
	return &history{
		start: chain(c.back, &grpc.UnaryServerInfo{Server: service, FullMethod: historyservice.HistoryService_StartWorkflowExecution_FullMethodName},
			func(ctx context.Context, request any) (any, error) {
				return service.StartWorkflowExecution(ctx, request.(*historyservice.StartWorkflowExecutionRequest)) //nolint:errcheck,forcetypeassert // as generated
			}),
		respond: chain(c.back, &grpc.UnaryServerInfo{Server: service, FullMethod: historyservice.HistoryService_RespondWorkflowTaskCompleted_FullMethodName},
			func(ctx context.Context, request any) (any, error) {
				return service.RespondWorkflowTaskCompleted(ctx, request.(*historyservice.RespondWorkflowTaskCompletedRequest)) //nolint:errcheck,forcetypeassert // as generated
			}),
	}
}

func chain(interceptors []grpc.UnaryServerInterceptor, info *grpc.UnaryServerInfo, handler grpc.UnaryHandler) grpc.UnaryHandler {
	for _, outer := range slices.Backward(interceptors) {
		inner := handler
		handler = func(ctx context.Context, request any) (any, error) { return outer(ctx, request, info, inner) }
	}
	return handler
}

// admitted is the namespace registry of interceptors that only want a request's namespace by its name: the frontend
// knows it, or there would be no pass. History's requests have an ID, whose name is left out of its metrics.
type admitted struct{ namespace.Registry }

// GetNamespace finds all.
func (admitted) GetNamespace(namespace.Name) (*namespace.Namespace, error) {
	return nil, nil //nolint:nilnil // nobody looks at it
}

// GetNamespaceName knows none.
func (admitted) GetNamespaceName(namespace.ID) (namespace.Name, error) {
	return namespace.EmptyName, nil
}
