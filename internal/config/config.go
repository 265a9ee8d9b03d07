// Package config is what a Postrider process can be told: one Config, filled from flags, the
// environment and defaults in that order of precedence, and checked as a whole.
package config

import (
	"log/slog"
	"net/netip"
	"time"

	"github.com/postrider/postrider/internal/telemetry"
	"github.com/postrider/postrider/webhook"
)

// Off as TemporalUIListen runs without the Temporal UI.
const Off = "off"

// Config is everything that a Postrider process can be told. Start from Default: the zero value is
// not valid.
type Config struct { //nolint:recvcheck // Bind points into it; everything else only reads
	Listen           string // host:port of the API
	DataDir          string
	DatabaseURL      DatabaseURL // empty: SQLite in DataDir
	TemporalListen   string      // host:port of the embedded Temporal; loopback
	TemporalUIListen string      // host:port of its UI, loopback; or Off
	TemporalAddress  string      // host:port of an external Temporal; empty: the embedded one
	EngineStore      EngineStore
	EngineFaults     float64 // share of the embedded Temporal's calls to its data that fail on purpose
	EngineInProcess  bool    // calls to the embedded Temporal's hot methods do not cross the network
	// TemporalNamespace is where the workflows are. The embedded Temporal makes it.
	TemporalNamespace string
	Dev               bool       // loopback and private receivers, and http:// URLs
	AdminKey          Credential // empty: the one in DataDir, made if need be
	FirstAttempt      FirstAttempt
	Senders           int // requests in flight at once
	MaxBodyBytes      Bytes
	AllowCIDRs        []netip.Prefix // receivers in them are sent to though the guard would refuse

	EventRetention    time.Duration // how long a finished event is kept; not less than TemporalRetention
	TemporalRetention time.Duration // how long Temporal keeps a finished workflow
	HeldRetention     time.Duration // how long a delivery may be held before it expires
	BacklogLimit      int64         // undelivered deliveries past which intake answers 429
	BacklogBytes      Bytes         // undelivered data past which intake answers 429
	MinFreeDisk       Bytes         // free disk below which intake answers 503
	StoreLogLimit     Bytes         // length of SQLite's log, held up by a reader, past which intake answers 503

	ShutdownTimeout time.Duration // how long attempts in flight may take to end
	LogLevel        slog.Level
	LogFormat       telemetry.LogFormat
	NodeName        string // empty: the one in DataDir
	CPUProfile      string // file that a CPU profile of the whole run is written to; empty: none
}

// EngineStore says in what the embedded Temporal keeps its data; empty: where it is already, or in Postgres if there
// is a DatabaseURL, or in Pebble.
type EngineStore string

// Stores of the embedded Temporal.
const (
	EngineStorePebble EngineStore = "pebble"
	EngineStoreSQLite EngineStore = "sqlite"

	EngineStorePostgres EngineStore = "postgres" // the database of DatabaseURL
)

// Valid reports whether s is empty or one of the constants.
func (s EngineStore) Valid() bool {
	return s == "" || s == EngineStorePebble || s == EngineStoreSQLite || s == EngineStorePostgres
}

// FirstAttempt says who makes a delivery's first attempt.
type FirstAttempt string

// Ways to make first attempts.
const (
	FirstAttemptAuto     FirstAttempt = "auto"     // by the workflow while Temporal keeps up, else ahead
	FirstAttemptWorkflow FirstAttempt = "workflow" // by the event's workflow, always
	FirstAttemptAhead    FirstAttempt = "ahead"    // at once, always; the workflow follows
)

// Valid reports whether f is one of the constants.
func (f FirstAttempt) Valid() bool {
	return f == FirstAttemptAuto || f == FirstAttemptWorkflow || f == FirstAttemptAhead
}

const day = 24 * time.Hour

// Default is the configuration of whoever says nothing.
func Default() Config {
	return Config{
		Listen:            "127.0.0.1:8080",
		DataDir:           "./postrider-data",
		TemporalListen:    "127.0.0.1:7233",
		TemporalUIListen:  "127.0.0.1:8233",
		EngineInProcess:   true,
		TemporalNamespace: "default",
		FirstAttempt:      FirstAttemptAuto,
		Senders:           256,
		MaxBodyBytes:      webhook.MaxBodyBytes,
		EventRetention:    30 * day,
		TemporalRetention: 3 * day,
		HeldRetention:     30 * day,
		BacklogLimit:      1_000_000,
		BacklogBytes:      10 * GiB,
		MinFreeDisk:       1 * GiB,
		StoreLogLimit:     192 * MiB,
		ShutdownTimeout:   30 * time.Second,
		LogLevel:          slog.LevelInfo,
		LogFormat:         telemetry.LogJSON,
	}
}

// External reports whether Temporal runs elsewhere.
func (c Config) External() bool { return c.TemporalAddress != "" }

// UI reports whether the Temporal UI is run here.
func (c Config) UI() bool { return c.TemporalUIListen != Off && !c.External() }

// LogValue shows the configuration without what must not be seen.
func (c Config) LogValue() slog.Value {
	var attrs []slog.Attr
	for _, s := range c.Redacted() {
		attrs = append(attrs, slog.String(s.Name, s.Value))
	}
	return slog.GroupValue(attrs...)
}
