package workflows_test

import (
	"bytes"
	"compress/gzip"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.temporal.io/sdk/client"
	sdklog "go.temporal.io/sdk/log"
	sdkworker "go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"github.com/postrider/postrider/workflows"
)

// histories are recorded from a released commit, never from a branch, by
//
//	go run ./workflows/testdata/record -address 127.0.0.1:7233 -release v0.1.0
//
// against a `postrider serve` that has delivered, retried, exhausted and cancelled something. A change
// that alters commands adds a version (workflow.GetVersion) and a history in the same commit.
const histories = "testdata/history"

func TestHistoryReplay(t *testing.T) {
	t.Parallel()
	var files []string
	err := filepath.WalkDir(histories, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() && (strings.HasSuffix(path, ".json") || strings.HasSuffix(path, ".json.gz")) {
			files = append(files, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(files) == 0 {
		t.Fatalf("%s holds no history", histories)
	}
	for _, file := range files {
		t.Run(strings.TrimPrefix(filepath.ToSlash(file), histories+"/"), func(t *testing.T) {
			t.Parallel()
			history, err := client.HistoryFromJSON(bytes.NewReader(read(t, file)), client.HistoryJSONOptions{})
			if err != nil {
				t.Fatal(err)
			}
			replayer := sdkworker.NewWorkflowReplayer()
			replayer.RegisterWorkflowWithOptions(workflows.DeliverEvent, workflow.RegisterOptions{Name: workflows.DeliverEventName})
			replayer.RegisterWorkflowWithOptions(workflows.DeliverChunk, workflow.RegisterOptions{Name: workflows.DeliverChunkName})
			started := history.GetEvents()[0].GetWorkflowExecutionStartedEventAttributes()
			options := sdkworker.ReplayWorkflowHistoryOptions{
				// The IDs of child workflows are made of it.
				OriginalExecution: workflow.Execution{ID: started.GetWorkflowId(), RunID: started.GetOriginalExecutionRunId()},
			}
			logger := sdklog.NewStructuredLogger(slog.New(slog.DiscardHandler))
			if err := replayer.ReplayWorkflowHistoryWithOptions(logger, history, options); err != nil {
				t.Error(err)
			}
		})
	}
}

func read(t *testing.T, file string) []byte {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasSuffix(file, ".gz") {
		return data
	}
	unzipped, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	if data, err = io.ReadAll(unzipped); err != nil {
		t.Fatal(err)
	}
	return data
}
