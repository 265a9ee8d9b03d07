package pebblestore_test

import (
	"bytes"
	"fmt"
	"math"
	"testing"

	"go.temporal.io/server/common/persistence"
	"go.temporal.io/server/service/history/tasks"
)

// A page token comes back from clients. Whatever they make of it, a list gives its own records or an error.
func TestAnyPageTokenStaysWithinItsList(t *testing.T) {
	t.Parallel()
	db := open(t)
	f := factory(db)
	executions, queues := made(t, f.NewExecutionStore), made(t, f.NewTaskStore)
	namespaces, clusters := made(t, f.NewMetadataStore), made(t, f.NewClusterMetadataStore)
	endpoints := made(t, f.NewNexusEndpointStore)
	rangeID := own(t, f, 0)
	for i := range 3 {
		p := &progress{run: newRun(0, i)}
		if err := p.drive(t.Context(), executions, rangeID, 3, func(int64) {}); err != nil {
			t.Fatal(err)
		}
		if _, err := namespaces.CreateNamespace(t.Context(), &persistence.InternalCreateNamespaceRequest{
			ID: p.runID, Name: p.workflowID, Namespace: text("namespace"),
		}); err != nil {
			t.Fatal(err)
		}
	}
	r := newRun(0, 1)
	ctx := t.Context()
	lists := map[string]func(token []byte) (n int, err error){
		"tasks of history": func(token []byte) (n int, err error) {
			got, err := executions.GetHistoryTasks(ctx, &persistence.GetHistoryTasksRequest{
				TaskCategory: tasks.CategoryTransfer, ExclusiveMaxTaskKey: tasks.MaximumKey, BatchSize: 100, NextPageToken: token,
			})
			if err == nil {
				n = len(got.Tasks)
			}
			return n, err
		},
		"timers of history": func(token []byte) (n int, err error) {
			got, err := executions.GetHistoryTasks(ctx, &persistence.GetHistoryTasksRequest{
				TaskCategory: tasks.CategoryTimer, ExclusiveMaxTaskKey: tasks.MaximumKey, BatchSize: 100, NextPageToken: token,
			})
			if err == nil {
				n = len(got.Tasks)
			}
			return n, err
		},
		"nodes": func(token []byte) (n int, err error) {
			got, err := executions.ReadHistoryBranch(ctx, &persistence.InternalReadHistoryBranchRequest{
				BranchToken: r.token(), BranchID: r.runID, MinNodeID: 1, MaxNodeID: math.MaxInt64, PageSize: 100, NextPageToken: token,
			})
			if err == nil {
				n = len(got.Nodes)
			}
			return n, err
		},
		"branches": func(token []byte) (n int, err error) {
			got, err := executions.GetAllHistoryTreeBranches(ctx, &persistence.GetAllHistoryTreeBranchesRequest{PageSize: 100, NextPageToken: token})
			if err == nil {
				n = len(got.Branches)
			}
			return n, err
		},
		"namespaces": func(token []byte) (n int, err error) {
			got, err := namespaces.ListNamespaces(ctx, &persistence.InternalListNamespacesRequest{PageSize: 100, NextPageToken: token})
			if err == nil {
				n = len(got.Namespaces)
			}
			return n, err
		},
		"task queues": func(token []byte) (n int, err error) {
			_, err = queues.ListTaskQueue(ctx, &persistence.ListTaskQueueRequest{PageSize: 100, PageToken: token})
			return 0, err
		},
		"clusters": func(token []byte) (n int, err error) {
			_, err = clusters.ListClusterMetadata(ctx, &persistence.InternalListClusterMetadataRequest{PageSize: 100, NextPageToken: token})
			return 0, err
		},
		"endpoints": func(token []byte) (n int, err error) {
			_, err = endpoints.ListNexusEndpoints(ctx, &persistence.ListNexusEndpointsRequest{PageSize: 100, NextPageToken: token})
			return 0, err
		},
	}
	most := map[string]int{"tasks of history": 9, "timers of history": 9, "nodes": 3, "branches": 3, "namespaces": 3}
	for name, list := range lists {
		if n, err := list(nil); n != most[name] || err != nil {
			t.Fatalf("%s: %d, %v", name, n, err)
		}
		for _, length := range []int{1, 8, 16, 17, 40} {
			for _, fill := range []byte{0, 1, 0x7f, 0xff} {
				token := bytes.Repeat([]byte{fill}, length)
				t.Run(fmt.Sprintf("%s %x", name, token), func(t *testing.T) {
					if n, err := list(token); err == nil && n > most[name] {
						t.Errorf("%d records", n)
					}
				})
			}
		}
	}
}
