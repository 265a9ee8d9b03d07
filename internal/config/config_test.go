package config_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/spf13/pflag"

	"github.com/postrider/postrider/internal/config"
	"github.com/postrider/postrider/internal/telemetry"
)

// load reads arguments and environment as a command does.
func load(t *testing.T, args []string, env map[string]string) (config.Config, error) {
	t.Helper()
	cfg := config.Default()
	fs := pflag.NewFlagSet("postrider", pflag.ContinueOnError)
	cfg.Bind(fs)
	if err := fs.Parse(args); err != nil {
		return cfg, err
	}
	err := cfg.ReadEnvironment(fs, func(name string) (string, bool) {
		value, ok := env[name]
		return value, ok
	})
	return cfg, err
}

func TestTheDefaultIsValidAndUnchangedByAnEmptyEnvironment(t *testing.T) {
	t.Parallel()
	got, err := load(t, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := got.Validate(); err != nil {
		t.Error(err)
	}
	if want := config.Default(); !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestEveryFieldHasAFlagAndAVariable(t *testing.T) {
	t.Parallel()
	env := map[string]string{
		"POSTRIDER_LISTEN": "0.0.0.0:80", "POSTRIDER_DATA_DIR": "/data", "POSTRIDER_DATABASE_URL": "postgres://db/postrider",
		"POSTRIDER_TEMPORAL_LISTEN": "127.0.0.1:1", "POSTRIDER_TEMPORAL_UI_LISTEN": "off", "POSTRIDER_TEMPORAL_ADDRESS": "temporal:7233",
		"POSTRIDER_TEMPORAL_NAMESPACE": "hooks", "POSTRIDER_DEV": "true", "POSTRIDER_ADMIN_KEY": "pr_admin",
		"POSTRIDER_FIRST_ATTEMPT": "ahead", "POSTRIDER_SENDERS": "8", "POSTRIDER_MAX_BODY_BYTES": "2MiB",
		"POSTRIDER_ALLOW_CIDRS": "10.1.2.3/16, fd00::/8", "POSTRIDER_EVENT_RETENTION": "7d", "POSTRIDER_TEMPORAL_RETENTION": "36h",
		"POSTRIDER_HELD_RETENTION": "2d", "POSTRIDER_BACKLOG_LIMIT": "10", "POSTRIDER_BACKLOG_BYTES": "3GiB",
		"POSTRIDER_MIN_FREE_DISK": "0", "POSTRIDER_STORE_LOG_LIMIT": "1GiB", "POSTRIDER_SHUTDOWN_TIMEOUT": "5s", "POSTRIDER_LOG_LEVEL": "debug",
		"POSTRIDER_LOG_FORMAT": "text", "POSTRIDER_NODE_NAME": "one",
		"POSTRIDER_ENGINE_STORE": "sqlite", "POSTRIDER_ENGINE_IN_PROCESS": "false", "POSTRIDER_ENGINE_FAULTS": "0.01",
		"POSTRIDER_CPU_PROFILE": "/data/cpu.prof",
	}
	want := config.Config{
		Listen: "0.0.0.0:80", DataDir: "/data", DatabaseURL: "postgres://db/postrider",
		TemporalListen: "127.0.0.1:1", TemporalUIListen: config.Off, TemporalAddress: "temporal:7233",
		EngineStore: config.EngineStoreSQLite, EngineFaults: 0.01, TemporalNamespace: "hooks", Dev: true, AdminKey: "pr_admin",
		FirstAttempt: config.FirstAttemptAhead, Senders: 8, MaxBodyBytes: 2 * config.MiB,
		AllowCIDRs:     []netip.Prefix{netip.MustParsePrefix("10.1.0.0/16"), netip.MustParsePrefix("fd00::/8")},
		EventRetention: 7 * 24 * time.Hour, TemporalRetention: 36 * time.Hour, HeldRetention: 48 * time.Hour,
		BacklogLimit: 10, BacklogBytes: 3 * config.GiB, MinFreeDisk: 0, StoreLogLimit: config.GiB, ShutdownTimeout: 5 * time.Second,
		LogLevel: slog.LevelDebug, LogFormat: telemetry.LogText, NodeName: "one", CPUProfile: "/data/cpu.prof",
	}
	got, err := load(t, nil, env)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("environment: got %+v, want %+v", got, want)
	}
	if fields := reflect.TypeFor[config.Config]().NumField(); len(env) != fields {
		t.Errorf("%d variables for %d fields", len(env), fields)
	}
	var args []string
	for name, value := range env {
		if name != config.AdminKeyVariable {
			args = append(args, "--"+strings.ReplaceAll(strings.ToLower(strings.TrimPrefix(name, "POSTRIDER_")), "_", "-")+"="+value)
		}
	}
	got, err = load(t, args, map[string]string{config.AdminKeyVariable: "pr_admin"})
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("flags: got %+v, want %+v", got, want)
	}
}

func TestPrecedence(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		args []string
		env  map[string]string
		want string
	}{
		"a flag wins over the environment":              {[]string{"--temporal-address", "flag:1"}, map[string]string{"POSTRIDER_TEMPORAL_ADDRESS": "env:1"}, "flag:1"},
		"an empty flag wins too":                        {[]string{"--temporal-address="}, map[string]string{"TEMPORAL_ADDRESS": "theirs:1"}, ""},
		"our variable wins over Temporal's":             {nil, map[string]string{"POSTRIDER_TEMPORAL_ADDRESS": "env:1", "TEMPORAL_ADDRESS": "theirs:1"}, "env:1"},
		"Temporal's variable wins over the default":     {nil, map[string]string{"TEMPORAL_ADDRESS": "theirs:1"}, "theirs:1"},
		"an empty variable is as good as none":          {nil, map[string]string{"POSTRIDER_TEMPORAL_ADDRESS": "", "TEMPORAL_ADDRESS": "theirs:1"}, "theirs:1"},
		"without any of them the default is what it is": {nil, nil, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := load(t, tc.args, tc.env)
			if err != nil || got.TemporalAddress != tc.want || got.External() != (tc.want != "") {
				t.Errorf("got %q external %v, %v; want %q", got.TemporalAddress, got.External(), err, tc.want)
			}
		})
	}
}

func TestDevNeedsNoValue(t *testing.T) {
	t.Parallel()
	got, err := load(t, []string{"--dev", "--senders", "3"}, nil)
	if err != nil || !got.Dev || got.Senders != 3 {
		t.Errorf("got dev %v, senders %d, %v", got.Dev, got.Senders, err)
	}
}

func TestOnlyTheNamedFlagsAreBound(t *testing.T) {
	t.Parallel()
	cfg := config.Default()
	fs := pflag.NewFlagSet("engine", pflag.ContinueOnError)
	cfg.Bind(fs, "data-dir", "temporal-listen")
	err := cfg.ReadEnvironment(fs, func(string) (string, bool) { return "/elsewhere", true })
	if fs.Lookup("senders") != nil || err != nil || cfg.DataDir != "/elsewhere" || cfg.Senders != 256 {
		t.Errorf("got %+v, %v", cfg, err)
	}
}

func TestEveryVariableThatCannotBeReadIsNamed(t *testing.T) {
	t.Parallel()
	_, err := load(t, nil, map[string]string{
		"POSTRIDER_SENDERS": "many", "POSTRIDER_MAX_BODY_BYTES": "1MB", "POSTRIDER_DEV": "perhaps",
		"POSTRIDER_EVENT_RETENTION": "a month", "POSTRIDER_ALLOW_CIDRS": "10.0.0.1", "POSTRIDER_LOG_LEVEL": "loud",
		"POSTRIDER_BACKLOG_LIMIT": "1e6",
	})
	var faults config.Faults
	if !errors.As(err, &faults) || len(faults) != 7 {
		t.Fatalf("got %v", err)
	}
	if strings.Contains(err.Error(), "\n") {
		t.Errorf("more than one line: %q", err)
	}
}

func TestHelpSaysDefaultAndUnit(t *testing.T) {
	t.Parallel()
	cfg := config.Default()
	fs := pflag.NewFlagSet("postrider", pflag.ContinueOnError)
	cfg.Bind(fs)
	usage := fs.FlagUsages()
	for _, want := range []string{
		"--listen host:port", "(default 127.0.0.1:8080)", "--max-body-bytes size", "(default 1MiB)",
		"--event-retention duration", "(default 30d)", "(default 10GiB)", "(default auto)", "--dev ",
	} {
		if !strings.Contains(usage, want) {
			t.Errorf("%q is not in\n%s", want, usage)
		}
	}
	fs.VisitAll(func(f *pflag.Flag) {
		if f.Usage == "" || strings.HasSuffix(f.Usage, ".") {
			t.Errorf("--%s: usage %q", f.Name, f.Usage)
		}
	})
}

func TestNothingShowsAPasswordOrTheAdminKey(t *testing.T) {
	t.Parallel()
	for _, database := range []config.DatabaseURL{
		"postgres://rider:hunter2@db:5432/postrider", "postgres:///postrider?host=/run&password=hunter2",
		"postgres://rider:hunter2@db:notaport/x", "host=db password=hunter2", "postgres:hunter2",
	} {
		cfg := config.Default()
		cfg.DatabaseURL, cfg.AdminKey = database, "hunter2"
		var out bytes.Buffer
		slog.New(slog.NewJSONHandler(&out, nil)).Info("starting", "config", cfg, "url", cfg.DatabaseURL, "key", cfg.AdminKey)
		fmt.Fprintf(&out, "%v %+v %#v %s %q %v", cfg, cfg, cfg, cfg.DatabaseURL, cfg.AdminKey, cfg.Redacted())
		if err := json.NewEncoder(&out).Encode(cfg); err != nil {
			t.Fatal(err)
		}
		cfg.Senders = 0
		fmt.Fprint(&out, cfg.Validate())
		fs := pflag.NewFlagSet("postrider", pflag.ContinueOnError)
		cfg.Bind(fs)
		fmt.Fprint(&out, fs.FlagUsages())
		if strings.Contains(out.String(), "hunter2") {
			t.Errorf("%s shows in %s", string(database), out.String())
		}
	}
}

func TestTheRedactedURLStillTellsWhichDatabase(t *testing.T) {
	t.Parallel()
	got := config.DatabaseURL("postgres://rider:hunter2@db:5432/postrider?sslmode=disable").String()
	if want := "postgres://rider:xxxxx@db:5432/postrider?sslmode=disable"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
