package engine

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"syscall"
)

// endpoint is an address that was resolved and whose port is known.
type endpoint struct{ *net.TCPAddr }

// clientAddr is where a client on this machine reaches it.
func (e endpoint) clientAddr() string {
	if e.IP == nil || e.IP.IsUnspecified() {
		return net.JoinHostPort("127.0.0.1", strconv.Itoa(e.Port))
	}
	return e.String()
}

// ports are the addresses that the server and its UI will listen on. They are held by listeners from
// before anything is made until the server takes them over, because both Temporal and its UI end the
// process when a port of theirs is taken.
type ports struct {
	frontend, history, matching, worker endpoint

	held []net.Listener
	ui   net.Listener
}

// reserve takes all ports or none. Temporal's internal services have no authentication at all: their
// ports are free ones on 127.0.0.1, whatever the configuration.
func reserve(ctx context.Context, cfg Config) (_ *ports, err error) {
	p := &ports{}
	defer func() {
		if err != nil {
			p.release()
		}
	}()
	if p.frontend, err = p.hold(ctx, "temporal", cfg.Listen, cfg.AllowRemote); err != nil {
		return nil, err
	}
	if cfg.UIListen != Off {
		if p.ui, err = listen(ctx, "temporal UI", cfg.UIListen, cfg.AllowRemote); err != nil {
			return nil, err
		}
	}
	for _, e := range []*endpoint{&p.history, &p.matching, &p.worker} {
		if *e, err = p.hold(ctx, "temporal's internal services", "127.0.0.1:0", false); err != nil {
			return nil, err
		}
	}
	return p, nil
}

func (p *ports) hold(ctx context.Context, what, address string, remote bool) (endpoint, error) {
	l, err := listen(ctx, what, address, remote)
	if err != nil {
		return endpoint{}, err
	}
	p.held = append(p.held, l)
	return endpointOf(l), nil
}

// handOver frees the server's ports a moment before it binds them itself.
func (p *ports) handOver() {
	for _, l := range p.held {
		_ = l.Close() // nothing was accepted on it
	}
	p.held = nil
}

// takeUI gives the UI's listener away; release no longer closes it.
func (p *ports) takeUI() net.Listener {
	l := p.ui
	p.ui = nil
	return l
}

func (p *ports) release() {
	p.handOver()
	if p.ui != nil {
		_ = p.ui.Close()
	}
}

func endpointOf(l net.Listener) endpoint {
	return endpoint{l.Addr().(*net.TCPAddr)} //nolint:errcheck // listen makes TCP listeners only
}

func listen(ctx context.Context, what, address string, remote bool) (net.Listener, error) {
	resolved, err := net.ResolveTCPAddr("tcp", address)
	if err != nil {
		return nil, fmt.Errorf("%s cannot listen on %q: %w", what, address, err)
	}
	if !remote && !isLoopback(resolved.IP) {
		return nil, fmt.Errorf("%s must listen on a loopback address, not on %q: it asks nobody for a password", what, address)
	}
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", resolved.String())
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return nil, fmt.Errorf("%s cannot listen on %s: the address is taken", what, address)
	case err != nil:
		return nil, fmt.Errorf("%s cannot listen on %s: %w", what, address, err)
	}
	return l, nil
}
