package sender

import (
	"context"
	"fmt"
	"net/netip"
	"strings"
	"syscall"
)

// Guard keeps requests away from addresses that are not a receiver's on the Internet: of our own
// machine, our own networks, our cloud. It looks at the address that is dialled, after DNS, so a
// name that resolves to something else the second time gets nowhere. The zero Guard refuses every
// special address. A Guard is safe for concurrent use as long as its fields are not changed.
type Guard struct {
	// Allow are blocks that may be sent to although they are special. They win over everything.
	// Allowing NAT64 (64:ff9b::/96) allows what may be reached over IPv4, and no more.
	Allow []netip.Prefix
	// AllowPrivate is the development mode: loopback (127.0.0.0/8, ::1) and private receivers
	// (RFC 1918, RFC 4193) are allowed, and so are http:// URLs. Everything else stays refused.
	AllowPrivate bool
}

// BlockedError says that the guard refused an address. Its text is safe for users.
type BlockedError struct {
	Addr  netip.Addr
	Class string // e.g. "private" or "link-local"
}

// Error names class and address.
func (e *BlockedError) Error() string {
	return fmt.Sprintf("resolves to %s address (%s)", withArticle(e.Class), e.Addr)
}

// Check is nil if the address may be sent to, else a *BlockedError.
func (g Guard) Check(addr netip.Addr) error {
	bare := addr.WithZone("") // no prefix contains an address with a zone
	for _, prefix := range g.Allow {
		if !prefix.Contains(bare) {
			continue
		}
		if inner, ok := behindNAT64(bare); ok && g.Check(inner) != nil {
			break
		}
		return nil
	}
	class := classOf(bare)
	switch {
	case class == "":
		return nil
	case g.AllowPrivate && (class == classLoopback || allowedInDevelopment(bare)):
		return nil
	}
	return &BlockedError{Addr: addr, Class: class}
}

// control is the hook of net.Dialer that sees each address before it is connected to. Control runs
// for every address of every family, also for those that a fallback tries.
func (g Guard) control(_ context.Context, network, address string, _ syscall.RawConn) error {
	if !strings.HasPrefix(network, "tcp") {
		return fmt.Errorf("refuse network %q: only TCP is dialled", network)
	}
	target, err := netip.ParseAddrPort(address)
	if err != nil {
		return fmt.Errorf("refuse %q: not an IP address and port", address)
	}
	return g.Check(target.Addr())
}

// classOf is the class of a special address, or empty. Of IPv6 only 2000::/3 is given out to
// anybody (RFC 4291 §2.4, IANA's IPv6 address space registry), so the rest is reserved.
func classOf(addr netip.Addr) string {
	if !addr.IsValid() {
		return classReserved
	}
	for _, r := range special {
		if r.prefix.Contains(addr) {
			return r.class
		}
	}
	if addr.Is6() && addr.As16()[0]>>5 != 0b001 {
		return classReserved
	}
	return ""
}

// allowedInDevelopment leaves out what classOf calls private only for want of a better word.
func allowedInDevelopment(addr netip.Addr) bool {
	return classOf(addr) == classPrivate && addr.IsPrivate()
}

// behindNAT64 is the IPv4 address that a NAT64 gateway would make of the address (RFC 6052 §2.2).
func behindNAT64(addr netip.Addr) (netip.Addr, bool) {
	if !nat64.Contains(addr) {
		return netip.Addr{}, false
	}
	b := addr.As16()
	return netip.AddrFrom4([4]byte(b[12:])), true
}

//nolint:gochecknoglobals // tables, never changed
var (
	special = specialRanges()
	nat64   = netip.MustParsePrefix("64:ff9b::/96")
)

func withArticle(class string) string {
	if strings.ContainsRune("aeiou", rune(class[0])) {
		return "an " + class
	}
	return "a " + class
}
