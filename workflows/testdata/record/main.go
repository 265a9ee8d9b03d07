// Command record saves the histories of closed workflows, one of each kind that it finds, as
// workflows/testdata/history/<workflow>/<release>-<case>.json.gz for the replay test. Run it in the
// repository against a running Postrider of a released commit:
//
//	go run ./workflows/testdata/record -address 127.0.0.1:7233 -release v0.1.0
//
// A case is how the run ended and what happened in it, for example "failed-retried-parked". Let the server
// first deliver, retry, exhaust, cancel and hold something.
package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	enums "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/history/v1"
	"go.temporal.io/api/temporalproto"
	"go.temporal.io/api/workflow/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
)

func main() {
	r := recorder{saved: map[string]bool{}}
	address := flag.String("address", "127.0.0.1:7233", "Temporal's address")
	flag.StringVar(&r.release, "release", "", "the released version that the server runs (required)")
	flag.StringVar(&r.dir, "dir", "workflows/testdata/history", "where the histories go")
	flag.Parse()
	if r.release == "" {
		fmt.Fprintln(os.Stderr, "record: -release is missing")
		os.Exit(2)
	}
	if err := r.run(context.Background(), *address); err != nil {
		fmt.Fprintln(os.Stderr, "record:", err)
		os.Exit(1)
	}
}

type recorder struct {
	release, dir string
	client       client.Client
	saved        map[string]bool
}

func (r *recorder) run(ctx context.Context, address string) error {
	c, err := client.Dial(client.Options{HostPort: address})
	if err != nil {
		return err
	}
	defer c.Close()
	r.client = c
	request := &workflowservice.ListWorkflowExecutionsRequest{
		Query: `WorkflowType IN ("DeliverEvent", "DeliverChunk") AND ExecutionStatus != "Running"`, PageSize: 500,
	}
	for {
		page, err := c.ListWorkflow(ctx, request)
		if err != nil {
			return fmt.Errorf("list workflows: %w", err)
		}
		for _, execution := range page.GetExecutions() {
			if err := r.record(ctx, execution); err != nil {
				return fmt.Errorf("record %s: %w", execution.GetExecution().GetWorkflowId(), err)
			}
		}
		if request.NextPageToken = page.GetNextPageToken(); len(request.NextPageToken) == 0 {
			break
		}
	}
	if len(r.saved) == 0 {
		return errors.New("no closed DeliverEvent workflow was found")
	}
	return nil
}

func (r *recorder) record(ctx context.Context, execution *workflow.WorkflowExecutionInfo) error {
	id := execution.GetExecution()
	events := r.client.GetWorkflowHistory(ctx, id.GetWorkflowId(), id.GetRunId(), false, enums.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	var all history.History
	for events.HasNext() {
		event, err := events.Next()
		if err != nil {
			return err
		}
		all.Events = append(all.Events, event)
	}
	name := filepath.Join(execution.GetType().GetName(), r.release+"-"+caseOf(execution.GetStatus(), all.GetEvents())+".json.gz")
	if r.saved[name] {
		return nil
	}
	r.saved[name] = true
	fmt.Println(name)
	return write(filepath.Join(r.dir, name), &all)
}

// caseOf names what happened: how the run ended, then each kind of thing that it has seen.
func caseOf(status enums.WorkflowExecutionStatus, events []*history.HistoryEvent) string {
	words := []string{strings.ToLower(status.String())}
	seen := map[string]bool{}
	see := func(word string) {
		if !seen[word] {
			seen[word] = true
			words = append(words, word)
		}
	}
	for _, input := range events[0].GetWorkflowExecutionStartedEventAttributes().GetInput().GetPayloads() {
		if bytes.Contains(input.GetData(), []byte(`"outcome":`)) {
			see("told") // how deliveries stood, so that it did not ask
		}
	}
	for _, event := range events {
		switch event.GetEventType() {
		case enums.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED:
			see("retried")
		case enums.EVENT_TYPE_ACTIVITY_TASK_COMPLETED:
			see("answered")
		case enums.EVENT_TYPE_ACTIVITY_TASK_FAILED, enums.EVENT_TYPE_ACTIVITY_TASK_TIMED_OUT:
			see("gave-up")
		case enums.EVENT_TYPE_ACTIVITY_TASK_CANCELED:
			see("stopped")
		case enums.EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED:
			see(event.GetWorkflowExecutionSignaledEventAttributes().GetSignalName())
		case enums.EVENT_TYPE_WORKFLOW_EXECUTION_CANCEL_REQUESTED:
			see("cancel-requested")
		case enums.EVENT_TYPE_TIMER_STARTED:
			see("slept")
		case enums.EVENT_TYPE_START_CHILD_WORKFLOW_EXECUTION_INITIATED:
			see("chunked")
		}
	}
	return strings.Join(words, "-")
}

func write(name string, all *history.History) (err error) {
	text, err := temporalproto.CustomJSONMarshalOptions{Indent: " "}.Marshal(all)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return err
	}
	file, err := os.Create(name)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	zipped := gzip.NewWriter(file)
	if _, err := zipped.Write(text); err != nil {
		return err
	}
	return zipped.Close()
}
