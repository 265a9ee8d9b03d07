package engine

import (
	"context"
	"fmt"
	"time"

	"go.temporal.io/api/namespace/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	sqliteschema "go.temporal.io/server/schema/sqlite"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/postrider/postrider/workflows"
)

// aliases maps columns of visibility to our search attributes. The columns are those that have an index in either store.
func aliases() map[string]string {
	return map[string]string{"Keyword01": workflows.AttributeTenant, "Keyword02": workflows.AttributeEventType}
}

// newNamespace is the namespace as a new store gets it.
func newNamespace(name string, retention time.Duration) (*sqliteschema.NamespaceConfig, error) {
	ns, err := sqliteschema.NewNamespaceConfig(clusterName, name, false, nil)
	if err != nil {
		return nil, fmt.Errorf("describe namespace %s: %w", name, err)
	}
	ns.Detail.Config.Retention = durationpb.New(retention)
	ns.Detail.Config.CustomSearchAttributeAliases = aliases()
	return ns, nil
}

// setRetention brings a namespace that was made with another retention up to date.
func setRetention(ctx context.Context, c client.Client, name string, want time.Duration) error {
	found, err := c.WorkflowService().DescribeNamespace(ctx, &workflowservice.DescribeNamespaceRequest{Namespace: name})
	if err != nil {
		return fmt.Errorf("describe namespace %s: %w", name, err)
	}
	if found.GetConfig().GetWorkflowExecutionRetentionTtl().AsDuration() == want {
		return nil
	}
	_, err = c.WorkflowService().UpdateNamespace(ctx, &workflowservice.UpdateNamespaceRequest{
		Namespace: name,
		Config:    &namespace.NamespaceConfig{WorkflowExecutionRetentionTtl: durationpb.New(want)},
	})
	if err != nil {
		return fmt.Errorf("set the retention of namespace %s to %s: %w", name, want, err)
	}
	return nil
}

// awaitHealthy returns when the frontend serves and knows the namespace.
func awaitHealthy(ctx context.Context, c client.Client, name string) error {
	return poll(ctx, func(ctx context.Context) error {
		if _, err := c.CheckHealth(ctx, nil); err != nil {
			return err
		}
		_, err := c.WorkflowService().DescribeNamespace(ctx, &workflowservice.DescribeNamespaceRequest{Namespace: name})
		return err
	})
}

// poll repeats try until it succeeds; when ctx is over first, the error is try's last.
func poll(ctx context.Context, try func(context.Context) error) error {
	tick := time.NewTicker(25 * time.Millisecond)
	defer tick.Stop()
	for {
		attempt, cancel := context.WithTimeout(ctx, 2*time.Second)
		err := try(attempt)
		cancel()
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return err
		case <-tick.C:
		}
	}
}
