package config

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/pflag"
)

// AdminKeyVariable sets Config.AdminKey. There is no flag: command lines are seen by everybody on
// the machine.
const AdminKeyVariable = "POSTRIDER_ADMIN_KEY"

// Variable is the environment variable of a flag: POSTRIDER_DATA_DIR of data-dir.
func Variable(flag string) string {
	return "POSTRIDER_" + strings.ToUpper(strings.ReplaceAll(flag, "-", "_"))
}

// Bind adds a flag for each field to the set, with the field's present value as default; or, if
// names are given, only those flags.
func (c *Config) Bind(fs *pflag.FlagSet, only ...string) {
	for _, f := range c.flags() {
		if len(only) > 0 && !slices.Contains(only, f.name) {
			continue
		}
		flag := fs.VarPF(f.value, f.name, "", f.usage)
		if f.value.Type() == "bool" {
			flag.NoOptDefVal = "true" // --dev alone
		}
	}
}

// ReadEnvironment sets what no flag of fs set from the environment, which lookup reads (normally
// os.LookupEnv), and notes in fs that it is set. It lists all variables that cannot be read. Call it after the flags were parsed.
func (c *Config) ReadEnvironment(fs *pflag.FlagSet, lookup func(string) (string, bool)) error {
	var faults Faults
	for _, f := range c.flags() {
		flag := fs.Lookup(f.name)
		if flag == nil || flag.Changed {
			continue
		}
		for _, variable := range append([]string{Variable(f.name)}, f.also...) {
			text, ok := lookup(variable)
			if !ok || text == "" {
				continue
			}
			if err := f.value.Set(text); err != nil {
				faults = append(faults, Fault{variable, err.Error()})
			}
			flag.Changed = true
			break
		}
	}
	if key, ok := lookup(AdminKeyVariable); ok {
		c.AdminKey = Credential(key)
	}
	return faults.err()
}

// Setting is one field as it may be shown.
type Setting struct{ Name, Value string }

// Redacted lists every field under its flag's name, without passwords and keys.
func (c Config) Redacted() []Setting {
	var settings []Setting
	for _, f := range c.flags() {
		settings = append(settings, Setting{strings.ReplaceAll(f.name, "-", "_"), f.value.String()})
	}
	return append(settings, Setting{"admin_key", c.AdminKey.String()})
}

// flag is one field on the command line. also are the names that others gave its variable.
type flag struct {
	name  string
	value pflag.Value
	usage string
	also  []string
}

// flags is the table of all of them. The default is appended to a usage text by pflag.
func (c *Config) flags() []flag {
	return []flag{
		{"listen", stringOf(&c.Listen, "host:port"), "address of the API, which speaks plain HTTP: put TLS in front of it before it leaves the machine", nil},
		{"data-dir", stringOf(&c.DataDir, "path"), "directory of the databases, the admin key and the node's name; one process at a time", nil},
		{"database-url", stringOf(&c.DatabaseURL, "url"), "postgres:// URL of the store; empty: SQLite in the data directory", nil},
		{"temporal-listen", stringOf(&c.TemporalListen, "host:port"), "loopback address of the embedded Temporal; not used with --temporal-address", nil},
		{"temporal-ui-listen", stringOf(&c.TemporalUIListen, "host:port"), "loopback address of the Temporal UI, or off; not used with --temporal-address", nil},
		{
			"temporal-address", stringOf(&c.TemporalAddress, "host:port"),
			"external Temporal to use instead of the embedded one; TEMPORAL_ADDRESS says the same",
			[]string{"TEMPORAL_ADDRESS"},
		},
		{"engine-store", stringOf(&c.EngineStore, "store"), "in what the embedded Temporal keeps its data: pebble, sqlite, or postgres (the store's database); empty: where it is already, or postgres with --database-url, or pebble", nil},
		{"engine-in-process", parsedBy(&c.EngineInProcess, "bool", parseBool, strconv.FormatBool), "call the embedded Temporal's hot methods without the network", nil},
		{"engine-faults", parsedBy(&c.EngineFaults, "share", parseFloat, formatFloat), "for tests: this share of the embedded Temporal's calls to its data fails, such as 0.01", nil},
		{
			"temporal-namespace", stringOf(&c.TemporalNamespace, "name"),
			"Temporal namespace of the workflows; TEMPORAL_NAMESPACE says the same",
			[]string{"TEMPORAL_NAMESPACE"},
		},
		{"dev", parsedBy(&c.Dev, "bool", parseBool, strconv.FormatBool), "allow loopback and private receivers and http:// URLs; not for production", nil},
		{"first-attempt", stringOf(&c.FirstAttempt, "mode"), "who makes first attempts: workflow, ahead (at once; the workflow follows), or auto (workflow while Temporal keeps up, else ahead)", nil},
		{"senders", parsedBy(&c.Senders, "count", strconv.Atoi, strconv.Itoa), "requests to receivers in flight at once", nil},
		{"max-body-bytes", parsedBy(&c.MaxBodyBytes, "size", ParseBytes, Bytes.String), "largest request body the API reads, such as 512KiB; 413 above", nil},
		{"allow-cidrs", prefixesOf(&c.AllowCIDRs), "networks to send to though they are private, comma-separated, such as 10.1.0.0/16", nil},
		{"event-retention", durationOf(&c.EventRetention), "how long a finished event is kept, such as 30d or 12h; not less than --temporal-retention", nil},
		{"temporal-retention", durationOf(&c.TemporalRetention), "how long Temporal keeps a finished workflow, at least 1h; an external namespace has its own", nil},
		{"held-retention", durationOf(&c.HeldRetention), "how long a delivery may be held for a paused or disabled endpoint before it expires", nil},
		{"backlog-limit", parsedBy(&c.BacklogLimit, "count", parseInt64, formatInt64), "deliveries waiting to be sent past which posted events are answered 429", nil},
		{"backlog-bytes", parsedBy(&c.BacklogBytes, "size", ParseBytes, Bytes.String), "event data waiting to be sent past which posted events are answered 429", nil},
		{"min-free-disk", parsedBy(&c.MinFreeDisk, "size", ParseBytes, Bytes.String), "free disk space below which posted events are answered 503; 0B: do not look", nil},
		{"store-log-limit", parsedBy(&c.StoreLogLimit, "size", ParseBytes, Bytes.String), "length of SQLite's write-ahead log, held up by something that reads, past which posted events are answered 503; 0B: do not look", nil},
		{"shutdown-timeout", durationOf(&c.ShutdownTimeout), "how long attempts in flight may take to end after SIGTERM", nil},
		{"log-level", parsedBy(&c.LogLevel, "level", parseLevel, formatLevel), "least level of log lines: debug, info, warn or error", nil},
		{"log-format", stringOf(&c.LogFormat, "format"), "json or text", nil},
		{"node-name", stringOf(&c.NodeName, "name"), "name of this node among those that share a database; empty: the one kept in the data directory", nil},
		{"cpu-profile", stringOf(&c.CPUProfile, "path"), "write a CPU profile of the whole run to this file, for go tool pprof", nil},
	}
}

// Fault is one thing wrong with the configuration.
type Fault struct {
	Setting string // the flag, such as --senders, or the environment variable
	Detail  string
}

// Faults is everything wrong with the configuration, as one error on one line.
type Faults []Fault

// Error names each setting and what is wrong with it.
func (f Faults) Error() string {
	var parts []string
	for _, fault := range f {
		parts = append(parts, fmt.Sprintf("%s: %s", fault.Setting, fault.Detail))
	}
	return strings.Join(parts, "; ")
}

func (f Faults) err() error {
	if len(f) == 0 {
		return nil
	}
	return f
}
