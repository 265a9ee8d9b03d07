//go:build e2e

package e2e

import (
	"bufio"
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/postrider/postrider/internal/client"
	"github.com/postrider/postrider/internal/testkit/receiver"
	"github.com/postrider/postrider/signing"
	"github.com/postrider/postrider/webhook"
)

// Packages that the test takes from the npm registry; nothing of them is kept here.
const (
	payloadPackage = "@octokit/webhooks-examples@7.6.1"
	clientPackage  = "standardwebhooks@1.1.1"
)

// TestRealEventsArriveByteForByteAndVerifyWithTheReferenceClient posts every example of GitHub's
// webhooks and has each delivery verified in Node by the client of Standard Webhooks.
func TestRealEventsArriveByteForByteAndVerifyWithTheReferenceClient(t *testing.T) {
	t.Parallel()
	modules := npmInstall(t, payloadPackage, clientPackage)
	payloads := realPayloads(t, modules)
	r := startReceiver(t, nil)
	p := serve(t)
	secret := p.endpoint(r, "/github", nil, "github.*").Secret

	sent := map[string][]byte{}
	large := 0
	for _, payload := range payloads {
		accepted := p.post(client.NewEvent{Type: "github." + payload.Name, Data: []byte(payload.Payload)})
		sent[accepted.ID] = []byte(payload.Payload)
		if len(payload.Payload) > 20_000 {
			large++
		}
	}
	if len(sent) < 200 || large == 0 {
		t.Fatalf("only %d payloads, %d of them over 20 KB: is the package what it was?", len(sent), large)
	}
	if err := r.AwaitDeliveries(t.Context(), len(sent)); err != nil {
		t.Fatal(err)
	}
	for id, want := range sent {
		requests := r.RequestsOf(id)
		if len(requests) != 1 {
			t.Errorf("%s came %d times", id, len(requests))
		} else if !bytes.Equal(requests[0].Body, want) {
			t.Errorf("%s is not byte for byte what was posted", id)
		}
	}
	if got := verifyInNode(t, modules, secret, r.Requests()); got != len(sent) {
		t.Errorf("the reference client verified %d of %d deliveries", got, len(sent))
	}
	wantNothingOpen(t, p.api, wantSoon)
	t.Logf("%d payloads, %d of them over 20 KB", len(sent), large)
}

// payload is one example.
type payload struct {
	Name    string `json:"name"`
	Payload string `json:"payload"`
}

// npmInstall installs packages into a directory of the test's and returns it.
func npmInstall(t *testing.T, packages ...string) string {
	t.Helper()
	dir := t.TempDir()
	for _, tool := range []string{"node", "npm"} {
		if _, err := exec.LookPath(tool); err != nil {
			missing(t, tool+" is not installed (Debian: apt-get install nodejs npm)")
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "package.json"), []byte(`{"private":true}`), 0o600); err != nil {
		t.Fatal(err)
	}
	install := exec.CommandContext(t.Context(), "npm", append([]string{"install", "--no-audit", "--no-fund", "--ignore-scripts"}, packages...)...)
	install.Dir = dir
	if out, err := install.CombinedOutput(); err != nil {
		missing(t, "npm can't install: "+string(out))
	}
	return dir
}

// missing skips the test, or fails it where everything must be there.
func missing(t *testing.T, what string) {
	t.Helper()
	if os.Getenv("POSTRIDER_TEST_REQUIRE_ALL") == "1" {
		t.Fatal(what)
	}
	t.Skip(what)
}

func realPayloads(t *testing.T, modules string) []payload {
	t.Helper()
	script, err := filepath.Abs("testdata/payloads.mjs")
	if err != nil {
		t.Fatal(err)
	}
	out, err := exec.CommandContext(t.Context(), "node", script, modules).Output()
	if err != nil {
		t.Fatal(err)
	}
	var all []payload
	lines := bufio.NewScanner(bytes.NewReader(out))
	lines.Buffer(nil, webhook.MaxBodyBytes*2)
	for lines.Scan() {
		var p payload
		if err := json.Unmarshal(lines.Bytes(), &p); err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
	return all
}

func verifyInNode(t *testing.T, modules, secret string, requests []receiver.Request) int {
	t.Helper()
	var in bytes.Buffer
	for _, q := range requests {
		headers := map[string]string{}
		for _, name := range []string{signing.HeaderID, signing.HeaderTimestamp, signing.HeaderSignature} {
			headers[name] = q.Header.Get(name)
		}
		line, err := json.Marshal(map[string]any{"secret": secret, "headers": headers, "body": q.Body})
		if err != nil {
			t.Fatal(err)
		}
		in.Write(append(line, '\n'))
	}
	script, err := filepath.Abs("testdata/verify.mjs")
	if err != nil {
		t.Fatal(err)
	}
	verify := exec.CommandContext(t.Context(), "node", script, modules)
	verify.Stdin, verify.Stderr = &in, os.Stderr
	out, err := verify.Output()
	if err != nil {
		t.Fatal("the reference client does not verify a delivery: ", err)
	}
	n, err := strconv.Atoi(strings.TrimSpace(string(out)))
	if err != nil {
		t.Fatal(err)
	}
	return n
}
