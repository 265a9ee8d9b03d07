package inprocess

import (
	"context"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
)

const (
	// maxRequest is what a gRPC server takes unless told otherwise, which Temporal's are not.
	maxRequest = 4 << 20

	// maxBuffer is the capacity up to which a buffer is kept for the next message.
	maxBuffer = 64 << 10
)

// call does with chain, in this process and on this goroutine, what gRPC would do with a server. When it returns
// false nothing has happened and the call must go over gRPC: the hops are closed, or gRPC would refuse the call
// and had better say so itself. The error is a status.
//
// Options of the call are for the network and do not apply. A caller whose context ends gets its answer when the
// handler has noticed, not at once: a goroutine for each call would have to grow its stack for each call.
func (h *Hops) call(ctx context.Context, chain grpc.UnaryHandler, headers metadata.MD, request, reply proto.Message) (bool, error) {
	if ctx.Err() != nil {
		return false, nil
	}
	received := request.ProtoReflect().New().Interface()
	if !h.send(request, received) {
		return false, nil
	}
	if !h.begin() {
		return false, nil
	}
	defer h.running.Done()
	served, end := h.serverContext(ctx, headers)
	defer end()
	response, err := chain(served, received)
	switch {
	case err == nil:
	case ctx.Err() != nil:
		return true, status.FromContextError(ctx.Err()).Err()
	case h.life.Err() != nil:
		return true, status.Error(codes.Unavailable, "the embedded temporal is stopping")
	case served.Err() != nil: // a deadline, seen a moment before the caller's own context did
		return true, status.FromContextError(served.Err()).Err()
	default:
		return true, err
	}
	answer, ok := response.(proto.Message)
	if !ok {
		return true, status.Errorf(codes.Internal, "the answer is %T", response)
	}
	proto.Reset(reply)
	proto.Merge(reply, answer)
	return true, nil
}

// send makes received what a server would make of request, or says that it would not take it. A copy would cost
// half, but bytes also refuse what gRPC refuses, such as strings that are not UTF-8. Answers are copied.
func (h *Hops) send(request, received proto.Message) bool {
	buffer := h.buffers.Get().(*[]byte) //nolint:errcheck,forcetypeassert // the pool has nothing else
	defer h.buffers.Put(buffer)
	wire, err := proto.MarshalOptions{}.MarshalAppend((*buffer)[:0], request)
	if cap(wire) <= maxBuffer {
		*buffer = wire[:0]
	}
	return err == nil && len(wire) <= maxRequest && proto.Unmarshal(wire, received) == nil
}

// serverContext is a handler's: the caller's deadline and end, but none of its values, which would not have come over
// the network either.
func (h *Hops) serverContext(caller context.Context, headers metadata.MD) (context.Context, func()) {
	var ctx context.Context
	var cancel context.CancelFunc
	if deadline, ok := caller.Deadline(); ok {
		ctx, cancel = context.WithDeadline(h.life, deadline)
	} else {
		ctx, cancel = context.WithCancel(h.life)
	}
	stop := context.AfterFunc(caller, cancel)
	ctx = metadata.NewIncomingContext(ctx, headers)
	ctx = grpc.NewContextWithServerTransportStream(ctx, noTransport{})
	return ctx, func() {
		stop()
		cancel()
	}
}

// noTransport takes the headers and trailers with which interceptors repeat what the error says, and drops them.
type noTransport struct{}

func (noTransport) Method() string               { return "" }
func (noTransport) SetHeader(metadata.MD) error  { return nil }
func (noTransport) SendHeader(metadata.MD) error { return nil }
func (noTransport) SetTrailer(metadata.MD) error { return nil }
