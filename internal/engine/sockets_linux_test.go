package engine_test

import (
	"encoding/hex"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// socket is a TCP socket of this process.
type socket struct{ local, remote netip.Addr }

func sockets(t *testing.T) (own []socket) {
	t.Helper()
	inodes := map[string]bool{}
	links, err := filepath.Glob("/proc/self/fd/*")
	if err != nil {
		t.Fatal(err)
	}
	for _, link := range links {
		if to, err := os.Readlink(link); err == nil && strings.HasPrefix(to, "socket:[") {
			inodes[strings.Trim(to, "socket:[]")] = true
		}
	}
	for _, table := range []string{"/proc/self/net/tcp", "/proc/self/net/tcp6"} {
		text, err := os.ReadFile(table)
		if err != nil {
			t.Skip(err)
		}
		for line := range strings.Lines(string(text)) {
			if f := strings.Fields(line); len(f) > 9 && inodes[f[9]] {
				own = append(own, socket{address(t, f[1]), address(t, f[2])})
			}
		}
	}
	return own
}

// address reads the kernel's notation: words of four bytes, each in the machine's (little-endian) order.
func address(t *testing.T, text string) netip.Addr {
	t.Helper()
	host, _, _ := strings.Cut(text, ":")
	b, err := hex.DecodeString(host)
	if err != nil {
		t.Fatal(err)
	}
	for word := range slices.Chunk(b, 4) {
		slices.Reverse(word)
	}
	a, _ := netip.AddrFromSlice(b)
	return a.Unmap()
}

func TestNothingListensOnOrTalksToAnythingButLoopback(t *testing.T) {
	t.Parallel()
	shared(t)
	own := sockets(t)
	if len(own) < 5 {
		t.Fatalf("only %d sockets found", len(own))
	}
	for _, s := range own {
		if !s.local.IsLoopback() || !s.remote.IsLoopback() && !s.remote.IsUnspecified() {
			t.Errorf("socket from %s to %s", s.local, s.remote)
		}
	}
}
