package engine_test

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/operatorservice/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"

	"github.com/postrider/postrider/internal/engine"
	"github.com/postrider/postrider/internal/testkit/temporaltest"
)

func start(t *testing.T, c client.Client, id, workflowType string, attributes ...temporal.SearchAttributeUpdate) client.WorkflowRun {
	t.Helper()
	run, err := c.ExecuteWorkflow(t.Context(), client.StartWorkflowOptions{
		ID: id, TaskQueue: "nobody-listens", TypedSearchAttributes: temporal.NewSearchAttributes(attributes...),
	}, workflowType)
	if err != nil {
		t.Fatal(err)
	}
	return run
}

// await repeats a check until it holds.
func await(t *testing.T, what string, check func() bool) {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	for !check() {
		select {
		case <-ctx.Done():
			t.Fatalf("%s: not in time", what)
		case <-tick.C:
		}
	}
}

func TestANewServerIsHealthyAndHasItsNamespaceAndSearchAttributes(t *testing.T) {
	t.Parallel()
	s := shared(t)
	c := temporaltest.Dial(t, s)
	if _, err := c.CheckHealth(t.Context(), nil); err != nil {
		t.Error(err)
	}
	found, err := c.WorkflowService().DescribeNamespace(t.Context(), &workflowservice.DescribeNamespaceRequest{Namespace: "default"})
	if err != nil {
		t.Fatal(err)
	}
	if got := found.GetConfig().GetWorkflowExecutionRetentionTtl().AsDuration(); got != 72*time.Hour {
		t.Errorf("retention is %s", got)
	}
	list, err := c.OperatorService().ListSearchAttributes(t.Context(), &operatorservice.ListSearchAttributesRequest{Namespace: "default"})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"PostriderTenant", "PostriderEventType"} {
		if got := list.GetCustomAttributes()[name]; got != enums.INDEXED_VALUE_TYPE_KEYWORD {
			t.Errorf("%s is %s", name, got)
		}
	}
}

func TestSearchAttributesAreRegisteredInAnotherNamespaceAndThenLeftAlone(t *testing.T) {
	t.Parallel()
	s := shared(t)
	c, err := s.Dial(t.Context(), engine.DialConfig{Namespace: "elsewhere"})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_, err = c.WorkflowService().RegisterNamespace(t.Context(), &workflowservice.RegisterNamespaceRequest{
		Namespace: "elsewhere", WorkflowExecutionRetentionPeriod: durationOf(time.Hour),
	})
	if err != nil {
		t.Fatal(err)
	}
	await(t, "namespace", func() bool {
		return engine.RegisterSearchAttributes(t.Context(), c, "elsewhere") == nil
	})
	if err := engine.RegisterSearchAttributes(t.Context(), c, "elsewhere"); err != nil {
		t.Errorf("the second time: %v", err)
	}
	start(t, c, "one", "DeliverEvent", tenant.ValueSet("acme"), eventType.ValueSet("invoice.paid"))
}

func TestASearchAttributeOfAnotherTypeIsRefused(t *testing.T) {
	t.Parallel()
	s := shared(t)
	c := temporaltest.Dial(t, s)
	_, err := c.WorkflowService().RegisterNamespace(t.Context(), &workflowservice.RegisterNamespaceRequest{
		Namespace: "mistyped", WorkflowExecutionRetentionPeriod: durationOf(time.Hour),
	})
	if err != nil {
		t.Fatal(err)
	}
	await(t, "namespace", func() bool {
		_, err := c.OperatorService().AddSearchAttributes(t.Context(), &operatorservice.AddSearchAttributesRequest{
			Namespace: "mistyped", SearchAttributes: map[string]enums.IndexedValueType{"PostriderTenant": enums.INDEXED_VALUE_TYPE_INT},
		})
		return err == nil
	})
	err = engine.RegisterSearchAttributes(t.Context(), c, "mistyped")
	if want := "namespace mistyped has a search attribute PostriderTenant, but of type Int instead of Keyword"; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

func TestARestartOnTheSameFilesKeepsWorkflowsAndTakesANewRetention(t *testing.T) {
	t.Parallel()
	onEach(t, restart)
}

func restart(t *testing.T, kind engine.StoreKind) {
	cfg := configOf(t, kind)
	first := temporaltest.StartWith(t, cfg)
	run := start(t, temporaltest.Dial(t, first), "survivor", "DeliverEvent", tenant.ValueSet("acme"))
	first.Stop()
	for _, name := range []string{"temporal.db-wal", "temporal-visibility.db-wal"} {
		if stat, err := os.Stat(filepath.Join(cfg.Dir, name)); err == nil && stat.Size() != 0 {
			t.Errorf("%s still holds %d bytes", name, stat.Size())
		}
	}

	cfg.Store, cfg.Retention = "", 5*time.Hour
	second := temporaltest.StartWith(t, cfg)
	c := temporaltest.Dial(t, second)
	found, err := c.DescribeWorkflowExecution(t.Context(), "survivor", run.GetRunID())
	if err != nil || found.GetWorkflowExecutionInfo().GetStatus() != enums.WORKFLOW_EXECUTION_STATUS_RUNNING {
		t.Errorf("got %v, %v", found, err)
	}
	if got := count(t, c, "PostriderTenant = 'acme'"); got != 1 {
		t.Errorf("%d are listed", got)
	}
	ns, err := c.WorkflowService().DescribeNamespace(t.Context(), &workflowservice.DescribeNamespaceRequest{Namespace: "default"})
	if got := ns.GetConfig().GetWorkflowExecutionRetentionTtl().AsDuration(); err != nil || got != 5*time.Hour {
		t.Errorf("retention is %s, %v", got, err)
	}
}

func TestAPathWithEverythingInItWorks(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), `50% off? #1 ünï&=;'"+`)
	for kind, want := range map[engine.StoreKind]string{
		engine.SQLite: "engine.lock temporal-visibility.db ", engine.Pebble: "engine.lock pebble ",
	} {
		in := filepath.Join(dir, string(kind))
		s := temporaltest.StartWith(t, engine.Config{Dir: in, Store: kind, UIListen: engine.Off})
		start(t, temporaltest.Dial(t, s), "one", "DeliverEvent")
		s.Stop()
		entries, err := os.ReadDir(in)
		if err != nil {
			t.Fatal(err)
		}
		var names strings.Builder
		for _, e := range entries {
			names.WriteString(e.Name() + " ")
		}
		if !strings.HasPrefix(names.String(), want) {
			t.Errorf("%s holds %s, want %s", in, names.String(), want)
		}
	}
}

func TestADirectoryInUseIsRefused(t *testing.T) {
	t.Parallel()
	s := shared(t)
	dir := sharedDirOf(engine.Pebble)
	_, err := engine.Start(t.Context(), engine.Config{Dir: dir, Listen: "127.0.0.1:0", UIListen: engine.Off})
	if want := "another process runs the embedded temporal of " + dir; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
	if _, err := temporaltest.Dial(t, s).CheckHealth(t.Context(), nil); err != nil {
		t.Errorf("the first one is hurt: %v", err)
	}
}

func TestAddressesThatCannotBeUsedAreRefusedBeforeAnythingIsMade(t *testing.T) {
	t.Parallel()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = taken.Close() })
	for name, tc := range map[string]struct{ listen, ui, want string }{
		"the frontend's is taken":        {taken.Addr().String(), "off", "temporal cannot listen on " + taken.Addr().String() + ": the address is taken"},
		"the UI's is taken":              {"127.0.0.1:0", taken.Addr().String(), "temporal UI cannot listen on " + taken.Addr().String() + ": the address is taken"},
		"all addresses":                  {":0", "off", `temporal must listen on a loopback address, not on ":0": it asks nobody for a password`},
		"all addresses, spelled out":     {"0.0.0.0:0", "off", `temporal must listen on a loopback address, not on "0.0.0.0:0": it asks nobody for a password`},
		"the UI on all addresses":        {"127.0.0.1:0", "[::]:0", `temporal UI must listen on a loopback address, not on "[::]:0": it asks nobody for a password`},
		"the frontend's is no address":   {"7233", "off", `temporal cannot listen on "7233": address 7233: missing port in address`},
		"an address of somebody else's":  {"192.0.2.1:7233", "off", `temporal must listen on a loopback address, not on "192.0.2.1:7233": it asks nobody for a password`},
		"the UI's is no address of ours": {"127.0.0.1:0", "127.0.0.1:http-oops", `temporal UI cannot listen on "127.0.0.1:http-oops": `},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := filepath.Join(t.TempDir(), "data")
			_, err := engine.Start(t.Context(), engine.Config{Dir: dir, Listen: tc.listen, UIListen: tc.ui})
			if err == nil || !strings.HasPrefix(err.Error(), tc.want) || strings.Contains(err.Error(), "\n") {
				t.Errorf("got %v, want %s", err, tc.want)
			}
			if _, err := os.Stat(dir); err == nil {
				t.Error("the directory was made")
			}
		})
	}
}

func TestStopFreesThePortsAndTheDirectory(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := temporaltest.StartWith(t, engine.Config{Dir: dir, Logger: slog.New(slog.DiscardHandler)})
	s.Stop()
	s.Stop()
	again := temporaltest.StartWith(t, engine.Config{Dir: dir, Listen: s.Addr(), UIListen: s.UIAddr()})
	if again.Addr() != s.Addr() || again.UIAddr() != s.UIAddr() {
		t.Errorf("got %s and %s, want %s and %s", again.Addr(), again.UIAddr(), s.Addr(), s.UIAddr())
	}
}

// onFirstLine calls do at the first line that is logged.
type onFirstLine struct{ do func() }

func (h onFirstLine) Enabled(context.Context, slog.Level) bool  { return true }
func (h onFirstLine) Handle(context.Context, slog.Record) error { h.do(); return nil }
func (h onFirstLine) WithAttrs([]slog.Attr) slog.Handler        { return h }
func (h onFirstLine) WithGroup(string) slog.Handler             { return h }

func TestAStartThatIsGivenUpLeavesNothingRunning(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	logger := slog.New(onFirstLine{cancel}) // the server's, when it is about to start
	_, err := engine.Start(ctx, engine.Config{Dir: dir, Listen: "127.0.0.1:0", UIListen: engine.Off, Logger: logger})
	if err == nil || !errors.Is(ctx.Err(), context.Canceled) {
		t.Fatalf("got %v", err)
	}
	temporaltest.StartWith(t, engine.Config{Dir: dir, UIListen: engine.Off})
}
