//go:build e2e

package e2e

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.temporal.io/api/workflowservice/v1"
	sdkclient "go.temporal.io/sdk/client"

	"github.com/postrider/postrider/internal/client"
	"github.com/postrider/postrider/webhook"
)

// load is events posted by several clients at once. Only those that got a 2xx count as accepted.
type load struct {
	mu       sync.Mutex
	accepted []string
	refused  int
}

// postAll posts n events from so many clients, to each of the APIs in turn, until ctx ends or all are
// posted. An error of one call is no failure: the process may have been killed.
func postAll(ctx context.Context, apis []*client.Client, n, clients int, eventType string) *load {
	l := &load{}
	l.post(ctx, apis, n, clients, eventType)
	return l
}

func (l *load) post(ctx context.Context, apis []*client.Client, n, clients int, eventType string) {
	var next atomic.Int64
	var wg sync.WaitGroup
	for range clients {
		wg.Go(func() {
			for {
				i := next.Add(1)
				if i > int64(n) || ctx.Err() != nil {
					return
				}
				id := webhook.NewID(webhook.EventIDPrefix)
				_, err := apis[int(i)%len(apis)].PostEvent(ctx, client.NewEvent{ID: id, Type: eventType, Data: fmt.Appendf(nil, `{"n":%d}`, i)})
				l.mu.Lock()
				if err == nil {
					l.accepted = append(l.accepted, id)
				} else {
					l.refused++
				}
				l.mu.Unlock()
			}
		})
	}
	wg.Wait()
}

func (l *load) count() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.accepted)
}

// wantNothingOpen waits until no event is accepted or delivering.
func wantNothingOpen(t *testing.T, api *client.Client, atMost time.Duration) {
	t.Helper()
	await(t, atMost, "nothing to be open", func(ctx context.Context) error {
		for _, state := range []webhook.EventState{webhook.EventAccepted, webhook.EventDelivering} {
			answer, err := api.Events(ctx, map[string][]string{"state": {string(state)}, "limit": {"1"}})
			if err != nil {
				return err
			}
			if len(answer.Value.Data) > 0 {
				return fmt.Errorf("open: %s", answer.JSON)
			}
		}
		return nil
	})
}

// workflowsSoon is how long workflows may take to follow their events. How fast they are, the benchmark
// measures.
const workflowsSoon = 5 * time.Minute

// wantWorkflows waits until Temporal itself counts so many DeliverEvent workflows, and none of them
// running.
func wantWorkflows(t *testing.T, temporal sdkclient.Client, want int, atMost time.Duration) {
	t.Helper()
	await(t, atMost, fmt.Sprintf("%d workflows", want), func(ctx context.Context) error {
		all, err := countWorkflows(ctx, temporal, "WorkflowType = 'DeliverEvent'")
		if err != nil {
			return err
		}
		running, err := countWorkflows(ctx, temporal, "WorkflowType = 'DeliverEvent' AND ExecutionStatus = 'Running'")
		if err != nil {
			return err
		}
		if all != int64(want) || running != 0 {
			pause(ctx, time.Second) // counting costs the server more than it tells
			return fmt.Errorf("%d workflows, %d of them running", all, running)
		}
		return nil
	})
}

func countWorkflows(ctx context.Context, temporal sdkclient.Client, query string) (int64, error) {
	answer, err := temporal.CountWorkflow(ctx, &workflowservice.CountWorkflowExecutionsRequest{Query: query})
	if err != nil {
		return 0, err
	}
	return answer.GetCount(), nil
}
