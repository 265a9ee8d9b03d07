package sender_test

import (
	"net/netip"
	"net/url"
	"strings"
	"testing"

	"github.com/postrider/postrider/sender"
)

func TestCheckURL(t *testing.T) {
	t.Parallel()
	strict, development := sender.Guard{}, sender.Guard{AllowPrivate: true}
	allowing := sender.Guard{Allow: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}}
	tests := []struct {
		name  string
		guard sender.Guard
		url   string
		want  string // in the only fault; empty: none
	}{
		{"a name", strict, "https://example.com/hooks", ""},
		{"a name without a path", strict, "https://example.com", ""},
		{"any port", strict, "https://example.com:8443/hooks?tenant=1&x=%20", ""},
		{"a name with a dot at its end", strict, "https://example.com./", ""},
		{"punycode", strict, "https://xn--mnchen-3ya.example/", ""},
		{"underscores, as some hosts have", strict, "https://my_host.example.com/", ""},
		{"an uppercase scheme and host", strict, "HTTPS://EXAMPLE.COM/", ""},
		{"a public IPv4 address", strict, "https://8.8.8.8/", ""},
		{"a public IPv6 address", strict, "https://[2606:4700:4700::1111]:443/", ""},
		{"a path in UTF-8", strict, "https://example.com/grüße", ""},
		{"a name that begins with a number", strict, "https://1password.example/", ""},
		{"a URL of the greatest length", strict, "https://example.com/" + strings.Repeat("a", 2048-20), ""},

		{"nothing", strict, "", "must not be empty"},
		{"one byte too many", strict, "https://example.com/" + strings.Repeat("a", 2048-19), "must not be longer than 2048 bytes"},
		{"bytes that are no UTF-8", strict, "https://example.com/\xff", "valid UTF-8"},
		{"a line end", strict, "https://example.com/\r\nHost: x", "printed"},
		{"a space", strict, "https://example.com/a b", "spaces"},
		{"a space before it", strict, " https://example.com/", "spaces"},
		{"a backslash", strict, `https://example.com\@127.0.0.1/`, "backslashes"},
		{"an invisible character", strict, "https://exam\u200bple.com/", "printed"},
		{"a bad escape", strict, "https://example.com/%zz", "is not a URL"},
		{"a port in words", strict, "https://example.com:https/", "is not a URL"},
		{"an open bracket", strict, "https://[::1/", "is not a URL"},

		{"http", strict, "http://example.com/", "must start with https://"},
		{"http in development", development, "http://example.com/", ""},
		{"http with an allowed block", allowing, "http://10.0.0.1/", "must start with https://"},
		{"another scheme", strict, "ftp://example.com/", "must start with https://"},
		{"another scheme in development", development, "ftp://example.com/", "must start with https:// or http://"},
		{"a file in development", development, "unix://example.com/docker.sock", "must start with https:// or http://"},
		{"credentials", strict, "https://user:password@example.com/", "must not contain credentials"},
		{"an empty user", strict, "https://@example.com/", "must not contain credentials"},
		{"a fragment", strict, "https://example.com/#top", "must not have a fragment"},
		{"an empty fragment", strict, "https://example.com/#", "must not have a fragment"},
		{"port zero", strict, "https://example.com:0/", "port between 1 and 65535"},
		{"a port above 65535", strict, "https://example.com:65536/", "port between 1 and 65535"},
		{"no host", strict, "https:///hooks", "must name a host"},
		{"no host but a port", strict, "https://:443/", "must name a host"},
		{"no slashes", strict, "https:example.com", "must name a host"},

		{"loopback", strict, "https://127.0.0.1/", "loopback address (127.0.0.1)"},
		{"loopback in development", development, "http://127.0.0.1:8080/", ""},
		{"IPv6 loopback in development", development, "http://[::1]:8080/", ""},
		{"a private address", strict, "https://10.0.0.1/", "private address (10.0.0.1)"},
		{"a private address in development", development, "http://192.168.1.5/", ""},
		{"a private address in an allowed block", allowing, "https://10.0.0.1/", ""},
		{"the metadata address in development", development, "http://169.254.169.254/latest", "cloud metadata address"},
		{"a mapped address in development", development, "http://[::ffff:127.0.0.1]/", "translated IPv4 address"},
		{"a link-local address with a zone", strict, "https://[fe80::1%25eth0]/", "must not have an IPv6 zone"},
		{"a name in brackets", strict, "https://[example.com]/", "is not a URL"},
		{"an IPv4 address in brackets", strict, "https://[8.8.8.8]/", "is not a URL"},
		{"loopback with a dot at its end", strict, "https://127.0.0.1./", "loopback address"},
		{"loopback as a number", strict, "https://2130706433/", "loopback address (127.0.0.1)"},
		{"loopback in hexadecimal", strict, "https://0x7f000001/", "loopback address (127.0.0.1)"},
		{"loopback in octal", strict, "https://0177.0.0.1/", "loopback address (127.0.0.1)"},
		{"loopback in two parts", strict, "https://127.1/", "loopback address (127.0.0.1)"},
		{"loopback in two mixed parts", strict, "https://0x7f.1/", "loopback address (127.0.0.1)"},
		{"loopback in three parts", strict, "https://127.0.1/", "loopback address (127.0.0.1)"},
		{"zero", strict, "https://0/", "unspecified address (0.0.0.0)"},
		{"an empty hexadecimal", strict, "https://0x/", "unspecified address (0.0.0.0)"},
		{"a private address in hexadecimal parts", strict, "https://0xA.0x0.0x0.0x1/", "private address (10.0.0.1)"},
		{"a public address as a number", strict, "https://134744072/", "must write its IPv4 address as 8.8.8.8"},
		{"loopback as a number in development", development, "http://2130706433/", "must write its IPv4 address as 127.0.0.1"},
		{"a number too great for an address", strict, "https://4294967296/", "no top-level domain is a number"},
		{"a number too great for a byte", strict, "https://256.1.1.1/", "no top-level domain is a number"},
		{"five numbers", strict, "https://1.2.3.4.5/", "no top-level domain is a number"},
		{"octal that is none", strict, "https://127.0.0.08/", "no top-level domain is a number"},
		{"a name below a number", strict, "https://example.1/", "no top-level domain is a number"},

		{"localhost", strict, "https://localhost/", "must not be localhost"},
		{"localhost in capitals with a dot", strict, "https://LOCALHOST./", "must not be localhost"},
		{"a name below localhost", strict, "https://app.localhost/", "must not be localhost"},
		{"localhost in development", development, "http://localhost:3000/", ""},
		{"a name that only begins with localhost", strict, "https://localhost.example.com/", ""},

		{"wide digits that IDNA makes an address of", strict, "https://１２７.０.０.１/", "ASCII"},
		{"a host in UTF-8", strict, "https://münchen.example/", "ASCII"},
		{"an empty label", strict, "https://example..com/", "labels of 1 to 63"},
		{"two dots at the end", strict, "https://example.com../", "labels of 1 to 63"},
		{"a dot alone", strict, "https://./", "labels of 1 to 63"},
		{"a label of 64 characters", strict, "https://" + strings.Repeat("a", 64) + ".com/", "labels of 1 to 63"},
		{"a host of 254 characters", strict, "https://" + strings.Repeat("a.", 126) + "aa/", "253"},
		{"an asterisk", strict, "https://*.example.com/", "letters, digits"},
		{"a comma", strict, "https://a,b.example.com/", "letters, digits"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			faults := tt.guard.CheckURL(tt.url)
			if tt.want == "" {
				if len(faults) > 0 {
					t.Fatalf("%q: got %v, want no fault", tt.url, faults)
				}
				return
			}
			if len(faults) != 1 || !strings.Contains(faults[0].Detail, tt.want) {
				t.Fatalf("%q: got %v, want one fault with %q", tt.url, faults, tt.want)
			}
			if faults[0].Field != "url" {
				t.Errorf("the field is %q", faults[0].Field)
			}
		})
	}
}

func TestCheckURLNamesEveryFault(t *testing.T) {
	t.Parallel()
	faults := sender.Guard{}.CheckURL("http://me:hunter2@localhost:0/#x")
	if len(faults) != 5 {
		t.Errorf("got %d faults, want 5: %v", len(faults), faults)
	}
	for _, fault := range faults {
		if strings.Contains(fault.Detail, "hunter2") {
			t.Errorf("%q shows the password", fault.Detail)
		}
	}
}

// FuzzCheckURL holds that a URL without a fault is what a request can be made of, and that none
// that spells out a special address is among them.
func FuzzCheckURL(f *testing.F) {
	for _, seed := range []string{
		"https://example.com/hooks", "https://127.0.0.1/", "https://0x7f.1/", "https://2130706433/", "https://[::1]:443/",
		"https://[fe80::1%25lo]/", "https://example.com./", "https://a@b/", "https://１２７.1/", "https:\\\\x", "https://%31%32%37.1/",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		faults := sender.Guard{}.CheckURL(raw)
		for _, fault := range faults {
			if fault.Field != "url" || fault.Detail == "" {
				t.Fatalf("%q: fault %+v", raw, fault)
			}
		}
		if len(faults) > 0 {
			return
		}
		u, err := url.Parse(raw)
		if err != nil || u.Scheme != "https" || u.User != nil || u.Fragment != "" || u.Hostname() == "" {
			t.Fatalf("%q is accepted: %+v, %v", raw, u, err)
		}
		host := strings.TrimSuffix(u.Hostname(), ".")
		if addr, err := netip.ParseAddr(host); err == nil {
			if (sender.Guard{}).Check(addr) != nil {
				t.Fatalf("%q is accepted", raw)
			}
			return
		}
		if last := host[strings.LastIndexByte(host, '.')+1:]; strings.Trim(last, "0123456789") == "" {
			t.Fatalf("%q is accepted, but its host could be read as an address", raw)
		}
	})
}
