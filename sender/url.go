package sender

import (
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/postrider/postrider/webhook"
)

// MaxURLLength is the length in bytes of the longest URL of an endpoint.
const MaxURLLength = 2048

// CheckURL names, each as field "url", every fault that an endpoint's URL shows without asking DNS.
// None is no promise: what the name resolves to is checked at each connection.
func (g Guard) CheckURL(raw string) []webhook.FieldError {
	var faults []webhook.FieldError
	fault := func(detail string) { faults = append(faults, webhook.FieldError{Field: "url", Detail: detail}) }
	switch {
	case raw == "":
		fault("must not be empty")
	case len(raw) > MaxURLLength:
		fault("must not be longer than " + strconv.Itoa(MaxURLLength) + " bytes")
	case !utf8.ValidString(raw):
		fault("must be valid UTF-8")
	case strings.ContainsFunc(raw, notInURL):
		fault("must not contain spaces, backslashes or characters that cannot be printed")
	}
	if len(faults) > 0 {
		return faults
	}
	u, err := url.Parse(raw)
	if err != nil { // the parser's text would quote the URL, credentials included
		fault("is not a URL")
		return faults
	}
	if u.Scheme != "https" && (u.Scheme != "http" || !g.AllowPrivate) {
		if g.AllowPrivate {
			fault("must start with https:// or http://")
		} else {
			fault("must start with https://")
		}
	}
	if u.User != nil {
		fault("must not contain credentials")
	}
	if strings.Contains(raw, "#") {
		fault("must not have a fragment")
	}
	if port := u.Port(); port != "" {
		if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
			fault("must have a port between 1 and 65535")
		}
	}
	if detail := g.checkHost(u.Hostname()); detail != "" {
		fault(detail)
	}
	return faults
}

// checkHost is what is wrong with the host, or empty. Only letters, digits, hyphens, underscores
// and dots get through, so nothing is left that IDNA could turn into an address at the dial.
func (g Guard) checkHost(host string) string {
	if host == "" {
		return "must name a host"
	}
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	if addr, err := netip.ParseAddr(host); err == nil {
		if addr.Zone() != "" {
			return "must not have an IPv6 zone"
		}
		return g.checkLiteral(addr)
	}
	labels := strings.Split(host, ".")
	if looksNumeric(labels[len(labels)-1]) {
		if addr, ok := parseLooseIPv4(labels); ok {
			if detail := g.checkLiteral(addr); detail != "" {
				return detail
			}
			return "must write its IPv4 address as " + addr.String()
		}
		return "must name a host: no top-level domain is a number"
	}
	if last := labels[len(labels)-1]; last == "localhost" && !g.AllowPrivate { // RFC 6761 §6.3
		return "must not be localhost"
	}
	return checkName(host, labels)
}

func (g Guard) checkLiteral(addr netip.Addr) string {
	if class := classOf(addr); g.Check(addr) != nil {
		return "must not be " + withArticle(class) + " address (" + addr.String() + ")"
	}
	return ""
}

func checkName(host string, labels []string) string {
	if len(host) > 253 { // RFC 1035 §2.3.4
		return "must not have a host longer than 253 characters"
	}
	for _, label := range labels {
		if label == "" || len(label) > 63 {
			return "must have host labels of 1 to 63 characters"
		}
		for i := range len(label) {
			switch c := label[i]; {
			case c >= 'a' && c <= 'z', c >= '0' && c <= '9', c == '-', c == '_':
			case c >= utf8.RuneSelf:
				return "must have its host in ASCII (xn--…)"
			default:
				return "must have a host of letters, digits, hyphens and dots"
			}
		}
	}
	return ""
}

// looksNumeric tells an address from a name as the WHATWG URL standard does (host parsing, "ends in
// a number"): by its last label.
func looksNumeric(label string) bool {
	if strings.HasPrefix(label, "0x") {
		return strings.Trim(label[2:], "0123456789abcdef") == ""
	}
	return label != "" && strings.Trim(label, "0123456789") == ""
}

// parseLooseIPv4 reads what inet_aton(3) takes for an address: one to four numbers, decimal, octal
// (0…) or hexadecimal (0x…), the last one filling all bytes that are left. Some resolvers do so too.
func parseLooseIPv4(labels []string) (netip.Addr, bool) {
	if len(labels) > 4 {
		return netip.Addr{}, false
	}
	var value uint64
	for i, label := range labels {
		n, ok := parseLooseNumber(label)
		last := i == len(labels)-1
		if !ok || !last && n > 255 || last && n >= 1<<(8*(4-i)) {
			return netip.Addr{}, false
		}
		if last {
			value |= n
		} else {
			value |= n << (8 * (3 - i))
		}
	}
	return netip.AddrFrom4([4]byte{byte(value >> 24), byte(value >> 16), byte(value >> 8), byte(value)}), true
}

func parseLooseNumber(label string) (uint64, bool) {
	if label == "0x" { // inet_aton of some systems: zero
		return 0, true
	}
	base, digits := 10, label
	switch {
	case strings.HasPrefix(label, "0x"):
		base, digits = 16, label[2:]
	case len(label) > 1 && label[0] == '0':
		base, digits = 8, label[1:]
	}
	n, err := strconv.ParseUint(digits, base, 33)
	return n, err == nil
}

func notInURL(r rune) bool { return r == ' ' || r == '\\' || !unicode.IsPrint(r) }
