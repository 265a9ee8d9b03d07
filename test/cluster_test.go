//go:build e2e

package e2e

import (
	"net/http"
	"testing"
	"time"

	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"github.com/postrider/postrider/internal/client"
	postgrestest "github.com/postrider/postrider/internal/testkit/postgres"
	"github.com/postrider/postrider/internal/testkit/receiver"
)

// wantSoon is for what has nothing left to wait for.
const wantSoon = 30 * time.Second

// cluster is one engine and two nodes on one Postgres.
type cluster struct {
	engine *process
	nodes  [2]*process
}

func startCluster(t *testing.T) cluster {
	t.Helper()
	database := postgrestest.Start(t).Database(t)
	c := cluster{engine: newProcess(t, "engine", t.TempDir())}
	c.engine.start()
	for i := range c.nodes {
		c.nodes[i] = newProcess(t, "serve", t.TempDir(), "--temporal-address", c.engine.temporal, "--database-url", database)
		c.nodes[i].start()
	}
	return c
}

func (c cluster) apis() []*client.Client { return []*client.Client{c.nodes[0].api, c.nodes[1].api} }

func TestTwoNodesDeliverOnceAndLearnOfEachOthersEndpoints(t *testing.T) {
	const events = 400
	r := startReceiver(t, receiver.ByPath(map[string]receiver.Script{
		"/ok":   receiver.Always(receiver.Answer{}),
		"/once": receiver.Statuses(500, 200),
	}))
	c := startCluster(t)
	c.nodes[0].endpoint(r, "/ok", nil, "ok", "both")
	c.nodes[1].endpoint(r, "/once", quick(5), "both")
	l := postAll(t.Context(), c.apis(), events, 8, "both")
	if l.refused > 0 {
		t.Fatalf("%d events were refused", l.refused)
	}
	if err := r.AwaitDeliveries(t.Context(), 2*events); err != nil {
		t.Fatal(err)
	}
	wantNothingOpen(t, c.nodes[0].api, wantSoon)
	wantWorkflows(t, dial(t, c.engine.temporal), events, workflowsSoon)
	if s := r.Summary(); s.Duplicates > 0 || s.BadSignatures > 0 || s.Requests != 3*events {
		t.Errorf("received %+v, want %d requests", s, 3*events)
	}
	endpoint := c.nodes[0].endpoint(r, "/ok", nil, "paused")
	if _, err := c.nodes[1].api.PauseEndpoint(t.Context(), "", endpoint.ID); err != nil {
		t.Fatal(err)
	}
	c.nodes[0].stop()
	c.nodes[1].stop()
}

func TestANodeThatIsKilledLosesNothing(t *testing.T) {
	for range kills(t) {
		r := slowReceiver(t)
		c := startCluster(t)
		c.nodes[0].endpoint(r, "/slow", quick(10))
		l, killed := killUnderLoad(t, c.apis(), c.nodes[0])
		wantNothingOpen(t, c.nodes[1].api, 90*time.Second)
		wantDelivered(t, r, l, killed)
		wantWorkflows(t, dial(t, c.engine.temporal), eventCount(t, c.nodes[1].api), workflowsSoon)
		c.nodes[1].kill()
		c.engine.kill()
	}
}

func TestAnEngineThatIsKilledLosesNothing(t *testing.T) {
	for range kills(t) {
		r := slowReceiver(t)
		c := startCluster(t)
		c.nodes[0].endpoint(r, "/slow", quick(10))
		l, killed := killUnderLoad(t, c.apis(), c.engine)
		if l.refused > 0 {
			t.Errorf("%d events were refused", l.refused)
		}
		c.engine.start()
		wantNothingOpen(t, c.nodes[1].api, 90*time.Second)
		wantDelivered(t, r, l, killed)
		wantWorkflows(t, dial(t, c.engine.temporal), eventCount(t, c.nodes[1].api), workflowsSoon)
		for _, n := range c.nodes {
			n.kill()
		}
		c.engine.kill()
	}
}

func TestNodesShareRetriesWhoeverAcceptedTheEvents(t *testing.T) {
	const events = 300
	r := startReceiver(t, receiver.ByPath(map[string]receiver.Script{"/once": receiver.Statuses(500, 200)}))
	c := startCluster(t)
	c.nodes[0].endpoint(r, "/once", quick(5))
	l := postAll(t.Context(), c.apis()[:1], events, 8, "one")
	if l.refused > 0 {
		t.Fatalf("%d events were refused", l.refused)
	}
	if err := r.AwaitDeliveries(t.Context(), events); err != nil {
		t.Fatal(err)
	}
	wantNothingOpen(t, c.nodes[0].api, wantSoon)
	if s := r.Summary(); s.Duplicates > 0 || s.Requests != 2*events {
		t.Errorf("received %+v, want %d requests", s, 2*events)
	}
	own, others := c.nodes[0].retries(), c.nodes[1].retries()
	t.Logf("%v retries by the node that accepted the events, %v by the other", own, others)
	if own+others != events {
		t.Errorf("%v and %v retries were counted, want %d in all", own, others, events)
	}
	if min(own, others) < 0.3*events {
		t.Errorf("one node made %v retries and the other %v", own, others)
	}
}

// retries is how many attempts beyond the first this node has made, by its metrics.
func (p *process) retries() float64 {
	p.t.Helper()
	request, err := http.NewRequestWithContext(p.t.Context(), http.MethodGet, p.url+"/metrics", http.NoBody)
	if err != nil {
		p.t.Fatal(err)
	}
	answer, err := new(http.Client).Do(request)
	if err != nil {
		p.t.Fatal(err)
	}
	defer answer.Body.Close()
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(answer.Body)
	if err != nil {
		p.t.Fatal(err)
	}
	made := 0.0
	for _, m := range families["postrider_attempts_total"].GetMetric() {
		for _, label := range m.GetLabel() {
			if label.GetName() == "first" && label.GetValue() == "false" {
				made += m.GetCounter().GetValue()
			}
		}
	}
	return made
}
