package sender_test

import (
	"encoding/binary"
	"errors"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/postrider/postrider/sender"
)

// specialAddresses are first, middle or last ones of each block that no receiver can have.
func specialAddresses() map[string][]string {
	return map[string][]string{
		"unspecified":    {"0.0.0.0", "::"},
		"loopback":       {"127.0.0.1", "127.255.255.255", "::1"},
		"private":        {"10.0.0.0", "10.255.255.255", "172.16.0.0", "172.31.255.255", "192.168.0.1", "192.168.255.255", "fc00::1", "fdff:ffff::1", "fec0::1", "feff::1"},
		"shared (CGNAT)": {"100.64.0.0", "100.127.255.255"},
		"link-local":     {"169.254.0.1", "169.254.255.255", "fe80::1", "febf::1", "fe80::1%eth0"},
		"cloud metadata": {"169.254.169.254", "169.254.170.2", "100.100.100.200", "168.63.129.16", "192.0.0.192", "fd00:ec2::254", "fd20:ce::254"},
		"multicast":      {"224.0.0.1", "239.255.255.255", "ff02::1", "ffff::"},
		"broadcast":      {"255.255.255.255"},
		"documentation":  {"192.0.2.1", "198.51.100.7", "203.0.113.255", "2001:db8::1", "3fff::1", "3fff:fff:ffff::"},
		"benchmarking":   {"198.18.0.0", "198.19.255.255", "2001:2::1"},
		"translated IPv4": {
			"::ffff:8.8.8.8", "::ffff:127.0.0.1", "::127.0.0.1", "::8.8.8.8", "::ffff:0:127.0.0.1",
			"64:ff9b::a00:1", "64:ff9b::808:808", "64:ff9b:1::1", "64:ff9b:1:ffff::",
		},
		"tunnelled IPv4": {"192.88.99.1", "2001::1", "2001:0:ffff::", "2002::1", "2002:7f00:1::"},
		"reserved": {
			"0.0.0.1", "0.255.255.255", "192.0.0.1", "192.31.196.1", "192.52.193.1", "192.175.48.1", "240.0.0.0", "255.255.255.254",
			"100::1", "100:0:0:1::1", "2001:20::1", "2001:1ff:ffff::", "2620:4f:8000::1", "5f00::1",
			"1::1", "4000::1", "8000::1", "fbff::1", "64:ff9b:2::1",
		},
	}
}

func TestTheGuardRefusesEverySpecialAddress(t *testing.T) {
	t.Parallel()
	for class, addresses := range specialAddresses() {
		for _, address := range addresses {
			err := sender.Guard{}.Check(netip.MustParseAddr(address))
			var blocked *sender.BlockedError
			if !errors.As(err, &blocked) {
				t.Errorf("%s: got %v, want it refused as %s", address, err, class)
				continue
			}
			if blocked.Class != class {
				t.Errorf("%s is refused as %s, want %s", address, blocked.Class, class)
			}
			if text := err.Error(); !strings.Contains(text, class+" address ("+netip.MustParseAddr(address).String()+")") {
				t.Errorf("%s: the text is %q", address, text)
			}
		}
	}
	if err := (sender.Guard{}).Check(netip.Addr{}); err == nil {
		t.Error("no address at all is allowed")
	}
}

func TestTheGuardLetsReceiversThrough(t *testing.T) {
	t.Parallel()
	for _, address := range []string{
		"1.1.1.1", "8.8.8.8", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "126.255.255.255", "128.0.0.0",
		"169.253.255.255", "169.255.0.0", "172.15.255.255", "172.32.0.0", "192.0.1.0", "192.0.3.0", "192.167.255.255", "192.169.0.0",
		"198.17.255.255", "198.20.0.0", "198.51.99.255", "203.0.114.0", "223.255.255.255",
		"2606:4700:4700::1111", "2001:200::1", "2001:4860:4860::8888", "2001:db7::1", "2001:db9::1", "2003::1", "2620:4f:8001::1", "3ffe::1",
		"3fff:1000::1", "2000::1",
	} {
		if err := (sender.Guard{}).Check(netip.MustParseAddr(address)); err != nil {
			t.Errorf("%s %v", address, err)
		}
	}
}

func TestDevelopmentAllowsLoopbackAndPrivateOnly(t *testing.T) {
	t.Parallel()
	development := sender.Guard{AllowPrivate: true}
	for class, addresses := range specialAddresses() {
		for _, address := range addresses {
			want := class == "loopback" || class == "private" && !strings.HasPrefix(address, "fe")
			if got := development.Check(netip.MustParseAddr(address)) == nil; got != want {
				t.Errorf("%s (%s): allowed %t, want %t", address, class, got, want)
			}
		}
	}
}

func TestAllowedBlocksOpenNothingElse(t *testing.T) {
	t.Parallel()
	guard := sender.Guard{Allow: []netip.Prefix{
		netip.MustParsePrefix("10.1.0.0/16"), netip.MustParsePrefix("fd12::/16"), netip.MustParsePrefix("fe80::/64"),
		netip.MustParsePrefix("64:ff9b::/96"),
	}}
	tests := []struct {
		name, address string
		want          bool
	}{
		{"an address in an allowed block", "10.1.2.3", true},
		{"one beside it", "10.2.0.0", false},
		{"an IPv6 address in an allowed block", "fd12::1", true},
		{"one beside it too", "fd13::1", false},
		{"an IPv4 block does not open the mapped form", "::ffff:10.1.2.3", false},
		{"a zone does not hide an allowed address", "fe80::1%eth0", true},
		{"a zone does not hide a refused one", "fe80:0:0:1::1%eth0", false},
		{"NAT64 of a receiver", "64:ff9b::808:808", true},
		{"NAT64 of a private address", "64:ff9b::a02:1", false},
		{"NAT64 of the metadata address", "64:ff9b::a9fe:a9fe", false},
		{"NAT64 of an address that is allowed over IPv4", "64:ff9b::a01:1", true},
		{"a receiver on the Internet", "8.8.8.8", true},
		{"loopback", "127.0.0.1", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if err := guard.Check(netip.MustParseAddr(tt.address)); (err == nil) != tt.want {
				t.Errorf("%s: got %v, allowed should be %t", tt.address, err, tt.want)
			}
		})
	}
}

func TestOnlyTCPToAnAddressIsDialled(t *testing.T) {
	t.Parallel()
	open := sender.Guard{Allow: []netip.Prefix{netip.MustParsePrefix("0.0.0.0/0"), netip.MustParsePrefix("::/0")}}
	tests := []struct {
		network, address string
		want             bool
	}{
		{"tcp4", "127.0.0.1:80", true},
		{"tcp6", "[::1]:80", true},
		{"tcp6", "[fe80::1%eth0]:80", true},
		{"unix", "/run/docker.sock", false},
		{"udp4", "127.0.0.1:53", false},
		{"tcp", "localhost:80", false},
		{"tcp", "", false},
	}
	for _, tt := range tests {
		if err := open.Control(t.Context(), tt.network, tt.address, nil); (err == nil) != tt.want {
			t.Errorf("%s %q: got %v, allowed should be %t", tt.network, tt.address, err, tt.want)
		}
	}
}

// FuzzGuard holds the guard against what net/netip knows of an address, and against a second
// reading of the blocks that matter most.
func FuzzGuard(f *testing.F) {
	for _, addresses := range specialAddresses() {
		for _, address := range addresses {
			f.Add(netip.MustParseAddr(address).AsSlice())
		}
	}
	f.Add(netip.MustParseAddr("8.8.8.8").AsSlice())
	f.Fuzz(func(t *testing.T, b []byte) {
		addr, ok := netip.AddrFromSlice(b)
		if !ok {
			return
		}
		if (sender.Guard{}).Check(addr) != nil {
			return
		}
		if !addr.IsGlobalUnicast() || addr.IsPrivate() || addr.Is4In6() {
			t.Fatalf("%s is let through", addr)
		}
		raw := addr.AsSlice()
		if addr.Is4() {
			n := binary.BigEndian.Uint32(raw)
			if raw[0] == 0 || raw[0] == 127 || raw[0] >= 224 || n>>22 == 0x6440_0000>>22 || n>>16 == 0xa9fe {
				t.Fatalf("%s is let through", addr)
			}
			return
		}
		if raw[0]>>5 != 1 || slices.Equal(raw[:2], []byte{0x20, 0x02}) || slices.Equal(raw[:4], []byte{0x20, 0x01, 0, 0}) {
			t.Fatalf("%s is let through", addr)
		}
	})
}
