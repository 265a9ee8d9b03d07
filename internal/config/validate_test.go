package config_test

import (
	"errors"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/postrider/postrider/internal/config"
)

func TestValidate(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		change func(*config.Config)
		want   string // the faulty settings
	}{
		"an empty data directory":                   {func(c *config.Config) { c.DataDir = "" }, "--data-dir"},
		"a database that is not Postgres":           {func(c *config.Config) { c.DatabaseURL = "mysql://db/x" }, "--database-url"},
		"a database URL without a host":             {func(c *config.Config) { c.DatabaseURL = "postgres:" }, "--database-url"},
		"Postgres on a socket":                      {func(c *config.Config) { c.DatabaseURL = "postgres:///x?host=/run/postgresql" }, ""},
		"listening on every address":                {func(c *config.Config) { c.Listen = ":8080" }, ""},
		"a listen address without port":             {func(c *config.Config) { c.Listen = "127.0.0.1" }, "--listen"},
		"a port by name":                            {func(c *config.Config) { c.Listen = "127.0.0.1:http" }, "--listen"},
		"a port past the last":                      {func(c *config.Config) { c.Listen = "127.0.0.1:65536" }, "--listen"},
		"the embedded Temporal open to the network": {func(c *config.Config) { c.TemporalListen = "0.0.0.0:7233" }, "--temporal-listen"},
		"the Temporal UI open to the network":       {func(c *config.Config) { c.TemporalUIListen = ":8233" }, "--temporal-ui-listen"},
		"no Temporal UI":                            {func(c *config.Config) { c.TemporalUIListen = "off" }, ""},
		"no embedded Temporal and no other":         {func(c *config.Config) { c.TemporalListen = "off" }, "--temporal-listen"},
		"loopback by name and on IPv6":              {func(c *config.Config) { c.TemporalListen, c.TemporalUIListen = "localhost:1", "[::1]:2" }, ""},
		"one address twice":                         {func(c *config.Config) { c.TemporalListen = c.Listen }, "--temporal-listen"},
		"free ports throughout": {func(c *config.Config) {
			c.Listen, c.TemporalListen, c.TemporalUIListen = "127.0.0.1:0", "127.0.0.1:0", "127.0.0.1:0"
		}, ""},
		"an external Temporal without port":         {func(c *config.Config) { c.TemporalAddress = "temporal" }, "--temporal-address"},
		"an external Temporal without host":         {func(c *config.Config) { c.TemporalAddress = ":7233" }, "--temporal-address"},
		"embedded addresses beside an external one": {func(c *config.Config) { c.TemporalAddress, c.TemporalListen = "temporal:7233", "0.0.0.0:7233" }, ""},
		"no namespace":                         {func(c *config.Config) { c.TemporalNamespace = "" }, "--temporal-namespace"},
		"an admin key with a line break":       {func(c *config.Config) { c.AdminKey = "pr_xxxxxxxxxxxxxxxx\n" }, "POSTRIDER_ADMIN_KEY"},
		"an admin key that can be guessed":     {func(c *config.Config) { c.AdminKey = "pr_x" }, "POSTRIDER_ADMIN_KEY"},
		"an engine store that is none":         {func(c *config.Config) { c.EngineStore = "leveldb" }, "--engine-store"},
		"an engine in a database that is none": {func(c *config.Config) { c.EngineStore = config.EngineStorePostgres }, "--engine-store"},
		"an engine in the store's database": {func(c *config.Config) {
			c.EngineStore, c.DatabaseURL = config.EngineStorePostgres, "postgres://localhost/postrider"
		}, ""},
		"a first attempt by nobody":                   {func(c *config.Config) { c.FirstAttempt = "never" }, "--first-attempt"},
		"no senders":                                  {func(c *config.Config) { c.Senders = 0 }, "--senders"},
		"no body":                                     {func(c *config.Config) { c.MaxBodyBytes = 0 }, "--max-body-bytes"},
		"a body larger than the backlog":              {func(c *config.Config) { c.MaxBodyBytes, c.BacklogBytes = 8*config.MiB, config.MiB }, "--backlog-bytes"},
		"a network that is none":                      {func(c *config.Config) { c.AllowCIDRs = []netip.Prefix{{}} }, "--allow-cidrs"},
		"events kept for less long than in Temporal":  {func(c *config.Config) { c.EventRetention = 71 * time.Hour }, "--event-retention"},
		"events kept for just as long as in Temporal": {func(c *config.Config) { c.EventRetention = 72 * time.Hour }, ""},
		"events kept for less long than Temporal elsewhere might": {func(c *config.Config) {
			c.TemporalAddress, c.EventRetention = "temporal:7233", time.Hour
		}, ""},
		"events hardly kept at all": {func(c *config.Config) {
			c.TemporalAddress, c.EventRetention = "temporal:7233", time.Minute
		}, "--event-retention"},
		"a retention that Temporal refuses":  {func(c *config.Config) { c.TemporalRetention = time.Minute }, "--temporal-retention"},
		"nothing may be held":                {func(c *config.Config) { c.HeldRetention = 0 }, "--held-retention"},
		"no backlog":                         {func(c *config.Config) { c.BacklogLimit = 0 }, "--backlog-limit"},
		"disk space never looked at":         {func(c *config.Config) { c.MinFreeDisk = 0 }, ""},
		"a log shorter than it is by itself": {func(c *config.Config) { c.StoreLogLimit = 64 * config.MiB }, "--store-log-limit"},
		"a log as long as it may get":        {func(c *config.Config) { c.StoreLogLimit = 0 }, ""},
		"no time to shut down":               {func(c *config.Config) { c.ShutdownTimeout = 0 }, "--shutdown-timeout"},
		"a log format of another kind":       {func(c *config.Config) { c.LogFormat = "xml" }, "--log-format"},
		"a node name with a slash":           {func(c *config.Config) { c.NodeName = "a/b" }, "--node-name"},
		"several faults are all listed": {func(c *config.Config) {
			c.Senders, c.FirstAttempt, c.Listen, c.LogFormat = -1, "", "", ""
		}, "--first-attempt --senders --log-format --listen"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg := config.Default()
			tc.change(&cfg)
			err := cfg.Validate()
			var faults config.Faults
			if err != nil && !errors.As(err, &faults) {
				t.Fatalf("not Faults: %v", err)
			}
			var got []string
			for _, f := range faults {
				got = append(got, f.Setting)
			}
			if strings.Join(got, " ") != tc.want {
				t.Errorf("got faults %v, want %q", err, tc.want)
			}
		})
	}
}

func TestBytesReadWhatTheyWrite(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]config.Bytes{
		"0B": 0, "1B": 1, "1023B": 1023, "1KiB": 1 << 10, "1025B": 1025, "512KiB": 512 << 10,
		"1MiB": 1 << 20, "10GiB": 10 << 30, "3TiB": 3 << 40,
	} {
		got, err := config.ParseBytes(text)
		if err != nil || got != want || got.String() != text {
			t.Errorf("%s: got %d (%s), %v; want %d", text, got, got, err, want)
		}
	}
	if got, err := config.ParseBytes("4096"); err != nil || got != 4*config.KiB {
		t.Errorf("4096: got %d, %v", got, err)
	}
}

func TestSizesThatAreNone(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "KiB", "-1KiB", "1MB", "1.5GiB", "1 KiB", "9999999TiB", "9223372036854775808", "0x10", "1iB"} {
		if got, err := config.ParseBytes(text); err == nil {
			t.Errorf("%q: got %d", text, got)
		}
	}
}
