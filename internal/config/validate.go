package config

import (
	"net"
	"net/netip"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// Validate lists everything that is wrong, as Faults. No fault shows a password or a key.
func (c Config) Validate() error {
	var faults Faults
	check := func(ok bool, flag, detail string) {
		if !ok {
			faults = append(faults, Fault{"--" + flag, detail})
		}
	}
	check(c.DataDir != "", "data-dir", "must not be empty")
	check(c.DatabaseURL == "" || isPostgresURL(string(c.DatabaseURL)), "database-url", "must be a URL such as postgres://user:password@host/database")
	check(c.FirstAttempt.Valid(), "first-attempt", "must be auto, workflow or ahead")
	check(c.EngineStore.Valid(), "engine-store", "must be pebble, sqlite or postgres")
	check(c.EngineStore != EngineStorePostgres || c.DatabaseURL != "" || c.External(), "engine-store", "postgres needs --database-url")
	check(c.EngineFaults >= 0 && c.EngineFaults < 1, "engine-faults", "must be a share of 1, such as 0.01")
	check(c.Senders >= 1 && c.Senders <= 65_536, "senders", "must be between 1 and 65536")
	check(c.MaxBodyBytes >= KiB && c.MaxBodyBytes <= 64*MiB, "max-body-bytes", "must be between 1KiB and 64MiB")
	for _, p := range c.AllowCIDRs {
		check(p.IsValid(), "allow-cidrs", "must be networks such as 10.1.0.0/16")
	}
	check(c.TemporalRetention >= time.Hour, "temporal-retention", "must be at least 1h")
	if c.External() {
		check(c.EventRetention >= time.Hour, "event-retention", "must be at least 1h")
	} else {
		check(c.EventRetention >= c.TemporalRetention, "event-retention", "must not be less than --temporal-retention ("+formatDuration(c.TemporalRetention)+")")
	}
	check(c.HeldRetention >= time.Minute, "held-retention", "must be at least 1m")
	check(c.BacklogLimit >= 1, "backlog-limit", "must be at least 1")
	check(c.BacklogBytes >= c.MaxBodyBytes, "backlog-bytes", "must not be less than --max-body-bytes ("+c.MaxBodyBytes.String()+")")
	check(c.MinFreeDisk >= 0, "min-free-disk", "must not be negative")
	check(c.StoreLogLimit == 0 || c.StoreLogLimit >= 128*MiB, "store-log-limit", "must be at least 128MiB, or 0B")
	check(c.ShutdownTimeout > 0 && c.ShutdownTimeout <= time.Hour, "shutdown-timeout", "must be more than 0 and at most 1h")
	check(c.LogFormat.Valid(), "log-format", "must be json or text")
	check(c.NodeName == "" || nodeName(c.NodeName), "node-name", "must be 1 to 64 letters, digits, dots, dashes or underscores")
	check(c.TemporalNamespace != "" && !strings.ContainsAny(c.TemporalNamespace, " /\n"), "temporal-namespace", "must be a name without spaces and slashes")
	faults = append(faults, c.addressFaults()...)
	if n := len(c.AdminKey); n != 0 && (n < 16 || n > 512) { // 512 is what the API reads
		faults = append(faults, Fault{AdminKeyVariable, "must be 16 to 512 characters"})
	}
	if strings.ContainsFunc(string(c.AdminKey), func(r rune) bool { return r <= ' ' || r > '~' }) {
		faults = append(faults, Fault{AdminKeyVariable, "must be printable ASCII without spaces"})
	}
	return faults.err()
}

func (c Config) addressFaults() Faults {
	var faults Faults
	const anAddress = "must be an address such as 127.0.0.1:8080"
	if !address(c.Listen) {
		faults = append(faults, Fault{"--listen", anAddress})
	}
	if c.External() {
		if host, _, _ := net.SplitHostPort(c.TemporalAddress); !address(c.TemporalAddress) || host == "" {
			faults = append(faults, Fault{"--temporal-address", "must be an address such as temporal.example:7233"})
		}
		return faults
	}
	taken := map[string]string{c.Listen: "--listen"}
	for _, a := range []struct{ flag, value string }{
		{"--temporal-listen", c.TemporalListen}, {"--temporal-ui-listen", c.TemporalUIListen},
	} {
		switch {
		case a.value == Off && a.flag == "--temporal-ui-listen":
		case !address(a.value):
			faults = append(faults, Fault{a.flag, anAddress})
		case !loopback(a.value):
			faults = append(faults, Fault{a.flag, "must be a loopback address: the embedded Temporal asks nobody for a password"})
		case taken[a.value] != "" && !strings.HasSuffix(a.value, ":0"):
			faults = append(faults, Fault{a.flag, "must not be the address of " + taken[a.value]})
		}
		taken[a.value] = a.flag
	}
	return faults
}

// address reports whether a is host:port; the host may be empty and the port 0.
func address(a string) bool {
	_, port, err := net.SplitHostPort(a)
	if err != nil {
		return false
	}
	n, err := strconv.ParseUint(port, 10, 16)
	return err == nil && strconv.FormatUint(n, 10) == port
}

func loopback(a string) bool {
	host, _, _ := net.SplitHostPort(a)
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.IsLoopback()
}

func isPostgresURL(text string) bool {
	u, err := url.Parse(text)
	return err == nil && (u.Scheme == "postgres" || u.Scheme == "postgresql") && u.Opaque == "" &&
		(u.Host != "" || u.Query().Has("host"))
}

func nodeName(name string) bool {
	ok, err := regexp.MatchString(`^[A-Za-z0-9._-]{1,64}$`, name)
	return ok && err == nil
}
