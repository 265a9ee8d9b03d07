package main

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/postrider/postrider/bench/internal/load"
)

// binary is a file that stands for Postrider's.
func binary(t *testing.T) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "postrider")
	if err := os.WriteFile(name, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

func TestScenariosAndFlagsOfServeAreToldApart(t *testing.T) {
	t.Parallel()
	o, err := parseOptions([]string{"--runs", "3", "spike", "dead", "--n", "10", "--postrider", binary(t), "--", "--senders", "64"})
	if err != nil {
		t.Fatal(err)
	}
	if got, want := o.scenarios, []string{"spike", "dead"}; !slices.Equal(got, want) {
		t.Errorf("scenarios %q, want %q", got, want)
	}
	if got, want := o.serveArgs, []string{"--senders", "64"}; !slices.Equal(got, want) {
		t.Errorf("flags of serve %q, want %q", got, want)
	}
	if o.runs != 3 || o.n != 10 {
		t.Errorf("%d runs of %d events", o.runs, o.n)
	}
}

func TestWithoutScenarioThereAreSpikeAndSteady(t *testing.T) {
	t.Parallel()
	o, err := parseOptions([]string{"--postrider", binary(t)})
	if want := []string{"spike", "steady"}; err != nil || !slices.Equal(o.scenarios, want) {
		t.Errorf("got %q, %v", o.scenarios, err)
	}
}

func TestWhatCannotBeMeasuredIsRefused(t *testing.T) {
	t.Parallel()
	for _, args := range []string{
		"surge", "--runs 0", "--n 0", "--connections -1", "--batch 0", "--rate 0", "--seconds 100000", "--size -1", "--postrider /nonexistent",
		"--seconds 0", "--waiting -1", "--endpoints 0", "--endpoints 1,20000", "--idle 0s", "--back-off -1s", "--minutes 0",
	} {
		if _, err := parseOptions(append([]string{"--postrider", binary(t)}, strings.Fields(args)...)); err == nil {
			t.Errorf("%s: taken", args)
		}
	}
}

func TestWhatWasNotSaidIsTheScenariosOwnDefault(t *testing.T) {
	t.Parallel()
	o, err := parseOptions([]string{"--postrider", binary(t), "--rate", "7"})
	if err != nil {
		t.Fatal(err)
	}
	if o := o.or(scenarios()["retries"].usual); o.rate != 7 || o.seconds != 30 || o.waiting != 0 {
		t.Errorf("retries: %g a second for %g s, %d waiting", o.rate, o.seconds, o.waiting)
	}
	if o := o.or(scenarios()["waiting"].usual); o.rate != 7 || o.n != 5000 || o.waiting != 10_000 || o.returns() != 310*time.Second {
		t.Errorf("waiting: %g a second, %d events, %d waiting for %s", o.rate, o.n, o.waiting, o.returns())
	}
}

func TestTheNaiveServiceRunsBesidePostriderWhereItCan(t *testing.T) {
	t.Parallel()
	told := options{n: 5000, naiveN: 1000, firstAttempt: "ahead", serveArgs: []string{"--senders", "64"}}
	for name, want := range map[string]string{
		"spike": "postrider naive", "steady": "postrider naive", "batch": "postrider", "dead": "postrider",
		"engine": "pebble pebble over gRPC sqlite naive", "large": "few many",
	} {
		var names []string
		for _, s := range subjects(told, scenarios()[name], services{naive: "/naive", lean: "/lean"}) {
			names = append(names, s.name)
			if s.name == "naive" && (s.told.n != 1000 || strings.Contains(scenarios()[name].says(s.told), "serve")) {
				t.Errorf("%s: the naive service is told %+v", name, s.told)
			}
		}
		if got := strings.Join(names, " "); got != want {
			t.Errorf("%s: got %s, want %s", name, got, want)
		}
	}
	told.only = []string{"naive", "sqlite"}
	if all := subjects(told, scenarios()["engine"], services{naive: "/naive", lean: "/lean"}); len(all) != 2 || all[0].name != "sqlite" || all[1].name != "naive" {
		t.Errorf("of those that were asked for there are %d", len(all))
	}
	told.only = nil
	if all := subjects(told, scenarios()["spike"], services{}); len(all) != 1 {
		t.Errorf("without its binary there are %d", len(all))
	}
}

func TestTheLoadGeneratorReadsAPlanAndReportsPosts(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusAccepted) }))
	defer server.Close()
	plan, err := json.Marshal(load.Plan{URL: server.URL, EventType: aliveType, N: 7, Connections: 2})
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := runLoad(t.Context(), bytes.NewReader(plan), &out); err != nil {
		t.Fatal(err)
	}
	if posts, err := load.Read(&out); err != nil || len(posts) != 7 {
		t.Errorf("%d posts, %v", len(posts), err)
	}
}

func TestWhatIsStillMissingWhenTimeIsOverIsAFigure(t *testing.T) {
	t.Parallel()
	b := &bed{options: options{wait: 30 * time.Millisecond}, system: &system{}}
	count := 0
	missing, err := b.await(t.Context(), time.Millisecond, 1000, func(context.Context) (int, error) { count = min(count+1, 3); return count, nil })
	if missing != 997 || err != nil {
		t.Errorf("%d missing, %v", missing, err)
	}
	if missing, err := b.await(t.Context(), time.Millisecond, 3, func(context.Context) (int, error) { return 4, nil }); missing != 0 || err != nil {
		t.Errorf("all there: %d missing, %v", missing, err)
	}
}
