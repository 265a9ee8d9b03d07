package inprocess

import (
	"context"
	"maps"
	"sync"
	"sync/atomic"
	"time"

	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/server/common/headers"
	"go.temporal.io/server/common/tasktoken"
	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/proto"
)

const (
	// renewAfter is the age at which one call goes over gRPC to renew its pass, while others still use it.
	renewAfter = time.Second

	// validFor is the age at which a pass that was not renewed is no longer used. Temporal's own view of its
	// namespaces is older at times.
	validFor = 2 * time.Second
)

// callFrontend is the client's interceptor.
func (h *Hops) callFrontend(ctx context.Context, method string, request, reply any, conn *grpc.ClientConn, invoke grpc.UnaryInvoker, options ...grpc.CallOption) error {
	subject, ok := subjectOf(request)
	if !ok {
		if isShortCut(request) {
			h.frontendCalls.overGRPC.Add(1)
		}
		return invoke(ctx, method, request, reply, conn, options...)
	}
	pass, renew := h.passes.find(subject, time.Now())
	if pass != nil && !renew {
		//nolint:errcheck,forcetypeassert // subjectOf has seen what they are
		if done, err := h.call(ctx, pass.chain, callerHeaders(ctx), request.(proto.Message), reply.(proto.Message)); done {
			h.frontendCalls.inProcess.Add(1)
			return err
		}
	}
	h.frontendCalls.overGRPC.Add(1)
	ctx = metadata.AppendToOutgoingContext(ctx, secretHeader, h.secret)
	err := invoke(ctx, method, request, reply, conn, options...)
	if renew {
		h.passes.drop(subject, pass) // unless another has taken its place
	}
	return err
}

// callerHeaders are the caller's, without those that say in whose name it calls: only the frontend may set them.
func callerHeaders(ctx context.Context) metadata.MD {
	md, ok := metadata.FromOutgoingContext(ctx) // a copy
	if !ok {
		return metadata.MD{}
	}
	delete(md, headers.PrincipalTypeHeaderName)
	delete(md, headers.PrincipalNameHeaderName)
	return md
}

// admit is the frontend's last interceptor. What gets here has been allowed by all others.
func (h *Hops) admit(ctx context.Context, request any, info *grpc.UnaryServerInfo, handler grpc.UnaryHandler) (any, error) {
	if isShortCut(request) && h.ours(ctx) {
		if subject, ok := subjectOf(request); ok {
			if chains := h.chains.Load(); chains != nil {
				h.passes.issue(subject, &pass{chain: chains.frontend(info, handler), issued: time.Now()})
			}
		}
	}
	return handler(ctx, request)
}

func isShortCut(request any) bool {
	switch request.(type) {
	case *workflowservice.StartWorkflowExecutionRequest, *workflowservice.RespondWorkflowTaskCompletedRequest:
		return true
	}
	return false
}

// subject is all of a call that decides whether the frontend allows it.
type subject struct {
	respond   bool   // else start
	namespace string // its name, in the request
	owner     string // the namespace ID in the task token that is responded to; Temporal compares the two
}

// subjectOf is false for other requests and for those that the frontend completes or refuses.
func subjectOf(request any) (subject, bool) {
	switch r := request.(type) {
	case *workflowservice.StartWorkflowExecutionRequest:
		return subject{namespace: r.GetNamespace()}, r.GetNamespace() != ""
	case *workflowservice.RespondWorkflowTaskCompletedRequest:
		token, err := tasktoken.NewSerializer().Deserialize(r.GetTaskToken())
		if err != nil || token.GetNamespaceId() == "" {
			return subject{}, false
		}
		return subject{respond: true, namespace: r.GetNamespace(), owner: token.GetNamespaceId()}, r.GetNamespace() != ""
	}
	return subject{}, false
}

// pass is the frontend's word that calls of one subject are allowed, with the handler that takes them.
type pass struct {
	chain    grpc.UnaryHandler
	issued   time.Time
	renewing atomic.Bool
}

// passes are those in use, a handful: one for each method and namespace.
type passes struct {
	writing sync.Mutex
	current atomic.Pointer[map[subject]*pass] // copied on write
}

func (ps *passes) issue(s subject, p *pass) {
	ps.change(func(current map[subject]*pass) { current[s] = p })
}

func (ps *passes) drop(s subject, p *pass) {
	ps.change(func(current map[subject]*pass) {
		if current[s] == p {
			delete(current, s)
		}
	})
}

func (ps *passes) change(change func(map[subject]*pass)) {
	ps.writing.Lock()
	defer ps.writing.Unlock()
	next := map[subject]*pass{}
	if current := ps.current.Load(); current != nil {
		next = maps.Clone(*current)
	}
	change(next)
	ps.current.Store(&next)
}

// find returns the pass, if there is one that is valid, and whether this call is the one that must renew it.
func (ps *passes) find(s subject, now time.Time) (_ *pass, renew bool) {
	current := ps.current.Load()
	if current == nil {
		return nil, false
	}
	p := (*current)[s]
	if p == nil {
		return nil, false
	}
	switch age := now.Sub(p.issued); {
	case age < renewAfter:
		return p, false
	case age < validFor:
		return p, p.renewing.CompareAndSwap(false, true)
	default:
		return nil, false
	}
}
