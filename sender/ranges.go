package sender

import "net/netip"

// Classes of refused addresses, as they are named to users.
const (
	classUnspecified   = "unspecified"
	classLoopback      = "loopback"
	classPrivate       = "private"
	classShared        = "shared (CGNAT)"
	classLinkLocal     = "link-local"
	classMetadata      = "cloud metadata"
	classMulticast     = "multicast"
	classBroadcast     = "broadcast"
	classDocumentation = "documentation"
	classBenchmarking  = "benchmarking"
	classTranslated    = "translated IPv4"
	classTunnelled     = "tunnelled IPv4"
	classReserved      = "reserved"
)

// specialRange is a block of addresses that no receiver on the Internet can have.
type specialRange struct {
	prefix netip.Prefix
	class  string
}

// specialRanges are the special-purpose blocks of the IANA registries
// (https://www.iana.org/assignments/iana-ipv4-special-registry and …/iana-ipv6-special-registry)
// and the addresses at which clouds serve credentials. The first match names the class.
func specialRanges() []specialRange {
	block := func(prefix, class string) specialRange {
		return specialRange{prefix: netip.MustParsePrefix(prefix), class: class}
	}
	return []specialRange{
		block("169.254.169.254/32", classMetadata), // AWS, GCP, Azure and most others
		block("169.254.170.2/32", classMetadata),   // AWS ECS task credentials
		block("100.100.100.200/32", classMetadata), // Alibaba Cloud
		block("168.63.129.16/32", classMetadata),   // Azure's WireServer; not special to IANA
		block("192.0.0.192/32", classMetadata),     // Oracle Cloud, classic
		block("fd00:ec2::254/128", classMetadata),  // AWS over IPv6
		block("fd20:ce::254/128", classMetadata),   // GCP over IPv6

		block("0.0.0.0/32", classUnspecified),        // RFC 1122 §3.2.1.3
		block("0.0.0.0/8", classReserved),            // RFC 791 §3.2, "this network"
		block("10.0.0.0/8", classPrivate),            // RFC 1918
		block("100.64.0.0/10", classShared),          // RFC 6598
		block("127.0.0.0/8", classLoopback),          // RFC 1122 §3.2.1.3
		block("169.254.0.0/16", classLinkLocal),      // RFC 3927
		block("172.16.0.0/12", classPrivate),         // RFC 1918
		block("192.0.0.0/24", classReserved),         // RFC 6890 §2.1, IETF protocol assignments
		block("192.0.2.0/24", classDocumentation),    // RFC 5737
		block("192.31.196.0/24", classReserved),      // RFC 7535, AS112
		block("192.52.193.0/24", classReserved),      // RFC 7450, AMT
		block("192.88.99.0/24", classTunnelled),      // RFC 7526, 6to4 relays
		block("192.168.0.0/16", classPrivate),        // RFC 1918
		block("192.175.48.0/24", classReserved),      // RFC 7534, AS112
		block("198.18.0.0/15", classBenchmarking),    // RFC 2544
		block("198.51.100.0/24", classDocumentation), // RFC 5737
		block("203.0.113.0/24", classDocumentation),  // RFC 5737
		block("224.0.0.0/4", classMulticast),         // RFC 5771
		block("255.255.255.255/32", classBroadcast),  // RFC 919
		block("240.0.0.0/4", classReserved),          // RFC 1112 §4

		block("::/128", classUnspecified),          // RFC 4291 §2.5.2
		block("::1/128", classLoopback),            // RFC 4291 §2.5.3
		block("::/96", classTranslated),            // RFC 4291 §2.5.5.1, IPv4-compatible
		block("::ffff:0:0/96", classTranslated),    // RFC 4291 §2.5.5.2, IPv4-mapped
		block("::ffff:0:0:0/96", classTranslated),  // RFC 2765 §2.1, IPv4-translated
		block("64:ff9b::/96", classTranslated),     // RFC 6052, NAT64
		block("64:ff9b:1::/48", classTranslated),   // RFC 8215, local NAT64
		block("100::/64", classReserved),           // RFC 6666, discard-only
		block("100:0:0:1::/64", classReserved),     // RFC 9780, dummy prefix
		block("2001::/32", classTunnelled),         // RFC 4380, Teredo
		block("2001:2::/48", classBenchmarking),    // RFC 5180
		block("2001::/23", classReserved),          // RFC 2928, IETF protocol assignments, ORCHID
		block("2001:db8::/32", classDocumentation), // RFC 3849
		block("2002::/16", classTunnelled),         // RFC 3056, 6to4
		block("2620:4f:8000::/48", classReserved),  // RFC 7534, AS112
		block("3fff::/20", classDocumentation),     // RFC 9637
		block("5f00::/16", classReserved),          // RFC 9602, SRv6 segment identifiers
		block("fc00::/7", classPrivate),            // RFC 4193, unique local
		block("fe80::/10", classLinkLocal),         // RFC 4291 §2.5.6
		block("fec0::/10", classPrivate),           // RFC 3879, site-local
		block("ff00::/8", classMulticast),          // RFC 4291 §2.7
	}
}
