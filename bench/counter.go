package main

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"go.temporal.io/api/workflowservice/v1"
	sdkclient "go.temporal.io/sdk/client"
	sdklog "go.temporal.io/sdk/log"

	"github.com/postrider/postrider/bench/internal/payload"
)

// counter counts a system's workflows by asking Temporal itself.
type counter struct {
	client       sdkclient.Client
	workflowType string
}

// awaitTemporal waits, for at most a minute, until a Temporal that the system has just started answers.
func (s *system) awaitTemporal(ctx context.Context, address, workflowType string) (c *counter, err error) {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	err = poll(ctx, 100*time.Millisecond, func() (bool, error) {
		if err := s.failure(); err != nil {
			return false, err
		}
		dialled, err := dialWorkflows(ctx, address, workflowType)
		if err != nil {
			return false, nil //nolint:nilerr // not there yet
		}
		if _, err := dialled.all(ctx); err != nil { // nor is its namespace
			dialled.close()
			return false, nil //nolint:nilerr // not there yet
		}
		c = dialled
		return true, nil
	})
	return c, err
}

func dialWorkflows(ctx context.Context, address, workflowType string) (*counter, error) {
	client, err := sdkclient.DialContext(ctx, sdkclient.Options{
		HostPort: address, Logger: sdklog.NewStructuredLogger(slog.New(slog.DiscardHandler)),
	})
	if err != nil {
		return nil, fmt.Errorf("dial temporal: %w", err)
	}
	return &counter{client, workflowType}, nil
}

func (c *counter) close() { c.client.Close() }

// all is how many there are, open and closed.
func (c *counter) all(ctx context.Context) (int, error) { return c.count(ctx, "") }

// completed is how many ended well: every delivery was made.
func (c *counter) completed(ctx context.Context) (int, error) {
	return c.count(ctx, completedOnly)
}

// lastCompleted is when the last of them ended, by Temporal's own record, as a time of payload.Now.
func (c *counter) lastCompleted(ctx context.Context) (int64, error) {
	answer, err := c.client.ListWorkflow(ctx, &workflowservice.ListWorkflowExecutionsRequest{
		PageSize: 1, Query: c.query(completedOnly), // a list begins with the one that was closed last
	})
	if err != nil {
		return 0, fmt.Errorf("list the workflows: %w", err)
	}
	if len(answer.GetExecutions()) == 0 {
		return 0, nil
	}
	return payload.Now() - time.Since(answer.GetExecutions()[0].GetCloseTime().AsTime()).Nanoseconds(), nil
}

// ofType is how many of another type there are.
func (c *counter) ofType(ctx context.Context, workflowType string) (int, error) {
	return (&counter{c.client, workflowType}).all(ctx)
}

const completedOnly = " AND ExecutionStatus = 'Completed'"

func (c *counter) query(and string) string {
	return fmt.Sprintf("WorkflowType = '%s'%s", c.workflowType, and)
}

func (c *counter) count(ctx context.Context, and string) (int, error) {
	answer, err := c.client.CountWorkflow(ctx, &workflowservice.CountWorkflowExecutionsRequest{
		Query: c.query(and),
	})
	if err != nil {
		return 0, fmt.Errorf("count the workflows: %w", err)
	}
	return int(answer.GetCount()), nil
}
