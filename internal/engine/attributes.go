package engine

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/operatorservice/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"

	"github.com/postrider/postrider/workflows"
)

// searchAttributes are those that the namespace must have.
func searchAttributes() map[string]enums.IndexedValueType {
	return map[string]enums.IndexedValueType{
		workflows.AttributeTenant:    enums.INDEXED_VALUE_TYPE_KEYWORD,
		workflows.AttributeEventType: enums.INDEXED_VALUE_TYPE_KEYWORD,
	}
}

// RegisterSearchAttributes adds ours to the namespace and returns when workflows can be started with them. Those that
// are there are left alone. Its error says what to do when the cluster does not let us.
func RegisterSearchAttributes(ctx context.Context, c client.Client, namespace string) error {
	missing, err := missingSearchAttributes(ctx, c, namespace)
	if err != nil || len(missing) == 0 {
		return err
	}
	_, err = c.OperatorService().AddSearchAttributes(ctx, &operatorservice.AddSearchAttributesRequest{
		Namespace: namespace, SearchAttributes: missing,
	})
	var exists *serviceerror.AlreadyExists // another node was faster
	if err != nil && !errors.As(err, &exists) {
		return fmt.Errorf("%s: %w", instruction(namespace, missing), err)
	}
	return awaitSearchAttributes(ctx, c, namespace)
}

func missingSearchAttributes(ctx context.Context, c client.Client, namespace string) (map[string]enums.IndexedValueType, error) {
	missing := searchAttributes()
	list, err := c.OperatorService().ListSearchAttributes(ctx, &operatorservice.ListSearchAttributesRequest{Namespace: namespace})
	if err != nil {
		return nil, fmt.Errorf("list the search attributes of namespace %s: %w", namespace, err)
	}
	for name, want := range searchAttributes() {
		got, there := list.GetCustomAttributes()[name]
		if there && got != want {
			return nil, fmt.Errorf("namespace %s has a search attribute %s, but of type %s instead of %s", namespace, name, got, want)
		}
		if there {
			delete(missing, name)
		}
	}
	return missing, nil
}

// awaitSearchAttributes returns when the frontend, which caches namespaces for some seconds, knows ours.
func awaitSearchAttributes(ctx context.Context, c client.Client, namespace string) error {
	query := workflows.AttributeTenant + " = '' AND " + workflows.AttributeEventType + " = ''"
	err := poll(ctx, func(ctx context.Context) error {
		_, err := c.CountWorkflow(ctx, &workflowservice.CountWorkflowExecutionsRequest{Namespace: namespace, Query: query})
		return err
	})
	if err != nil {
		return fmt.Errorf("wait for the search attributes of namespace %s: %w", namespace, err)
	}
	return nil
}

func instruction(namespace string, missing map[string]enums.IndexedValueType) string {
	names := slices.Sorted(maps.Keys(missing))
	return fmt.Sprintf("namespace %[1]s lacks the search attributes %[2]s and they could not be added; have an operator run "+
		"temporal operator search-attribute create --namespace %[1]s --type Keyword --name %[3]s",
		namespace, strings.Join(names, ", "), strings.Join(names, " --type Keyword --name "))
}
