package engine_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.temporal.io/api/workflowservice/v1"

	"github.com/postrider/postrider/internal/engine"
)

// noTemporalEnvironment keeps what the machine is configured with out of a test.
func noTemporalEnvironment(t *testing.T) {
	t.Helper()
	for _, setting := range os.Environ() {
		if name, _, _ := strings.Cut(setting, "="); strings.HasPrefix(name, "TEMPORAL_") {
			t.Setenv(name, "")
			os.Unsetenv(name)
		}
	}
	t.Setenv("XDG_CONFIG_HOME", t.TempDir())
}

func TestAnExternalClusterIsDialledByTemporalsEnvironment(t *testing.T) {
	noTemporalEnvironment(t)
	t.Setenv("TEMPORAL_ADDRESS", shared(t).Addr())
	t.Setenv("TEMPORAL_NAMESPACE", "temporal-system")
	c, err := engine.Dial(t.Context(), engine.DialConfig{})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	// A request without a namespace of its own is for the client's.
	if _, err := c.CountWorkflow(t.Context(), &workflowservice.CountWorkflowExecutionsRequest{}); err != nil {
		t.Error(err)
	}
	if _, err := c.CountWorkflow(t.Context(), &workflowservice.CountWorkflowExecutionsRequest{Query: "PostriderTenant = 'x'"}); err == nil {
		t.Error("it is not the namespace of the environment")
	}
}

func TestWhatIsGivenWinsOverTemporalsEnvironment(t *testing.T) {
	noTemporalEnvironment(t)
	t.Setenv("TEMPORAL_ADDRESS", "127.0.0.1:1")
	t.Setenv("TEMPORAL_NAMESPACE", "temporal-system")
	c, err := engine.Dial(t.Context(), engine.DialConfig{Address: shared(t).Addr(), Namespace: "default"})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := c.CountWorkflow(t.Context(), &workflowservice.CountWorkflowExecutionsRequest{Query: "PostriderTenant = 'x'"}); err != nil {
		t.Error(err)
	}
}

func TestTheEmbeddedServerIsDialledWhateverTheEnvironmentSays(t *testing.T) {
	noTemporalEnvironment(t)
	t.Setenv("TEMPORAL_ADDRESS", "127.0.0.1:1")
	t.Setenv("TEMPORAL_NAMESPACE", "elsewhere")
	t.Setenv("TEMPORAL_TLS", "true")
	t.Setenv("TEMPORAL_API_KEY", "key")
	c, err := shared(t).Dial(t.Context(), engine.DialConfig{Identity: "me"})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := c.CountWorkflow(t.Context(), &workflowservice.CountWorkflowExecutionsRequest{Query: "PostriderTenant = 'x'"}); err != nil {
		t.Error(err)
	}
}

func TestAProfileIsAskedForOnPurposeOnly(t *testing.T) {
	const content = "[profile.default]\naddress = \"one.example:7233\"\n[profile.two]\naddress = \"two.example:7233\"\nnamespace = \"two\"\n"
	for name, tc := range map[string]struct {
		env                map[string]string
		address, namespace string
	}{
		"nothing is set":              {nil, "", ""},
		"a profile":                   {map[string]string{"TEMPORAL_PROFILE": "two"}, "two.example:7233", "two"},
		"a file":                      {map[string]string{"TEMPORAL_CONFIG_FILE": "temporal.toml"}, "one.example:7233", ""},
		"an address and a profile":    {map[string]string{"TEMPORAL_ADDRESS": "cluster.example:7233", "TEMPORAL_PROFILE": "two"}, "cluster.example:7233", "two"},
		"a namespace and a profile":   {map[string]string{"TEMPORAL_NAMESPACE": "mine", "TEMPORAL_PROFILE": "two"}, "two.example:7233", "mine"},
		"only a namespace":            {map[string]string{"TEMPORAL_NAMESPACE": "prod"}, "", ""},
		"an empty address names none": {map[string]string{"TEMPORAL_ADDRESS": ""}, "", ""},
		"only an address":             {map[string]string{"TEMPORAL_ADDRESS": "cluster.example:7233"}, "", ""},
		"an empty address hides none": {map[string]string{"TEMPORAL_ADDRESS": "", "TEMPORAL_PROFILE": "two"}, "two.example:7233", "two"},
	} {
		t.Run(name, func(t *testing.T) {
			noTemporalEnvironment(t)
			dir := filepath.Join(os.Getenv("XDG_CONFIG_HOME"), "temporalio")
			if err := os.MkdirAll(dir, 0o700); err != nil {
				t.Fatal(err)
			}
			path := filepath.Join(dir, "temporal.toml")
			if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
				t.Fatal(err)
			}
			for key, value := range tc.env {
				if key == "TEMPORAL_CONFIG_FILE" {
					value = path
				}
				t.Setenv(key, value)
			}
			address, namespace, err := engine.Profile()
			if address != tc.address || namespace != tc.namespace || err != nil {
				t.Errorf("got %q, %q, %v, want %q, %q", address, namespace, err, tc.address, tc.namespace)
			}
		})
	}
}

func TestAProfileThatIsNotThereIsAnError(t *testing.T) {
	noTemporalEnvironment(t)
	t.Setenv("TEMPORAL_PROFILE", "nowhere")
	if address, _, err := engine.Profile(); err == nil {
		t.Errorf("got %q", address)
	}
}

func TestAClusterThatIsAwayIsAnErrorUnlessDialledLazily(t *testing.T) {
	noTemporalEnvironment(t)
	ctx, cancel := contextWithTimeout(t, 500*time.Millisecond)
	defer cancel()
	if _, err := engine.Dial(ctx, engine.DialConfig{Address: "127.0.0.1:1"}); err == nil || !strings.Contains(err.Error(), "dial temporal at 127.0.0.1:1: ") {
		t.Errorf("got %v", err)
	}
	c, err := engine.Dial(ctx, engine.DialConfig{Address: "127.0.0.1:1", Lazy: true})
	if err != nil {
		t.Fatal(err)
	}
	c.Close()
}
