// Command naive is the webhook service on Temporal that everybody writes first: one workflow per event, one
// ordinary activity that posts it, default options. It keeps nothing but Temporal's history, signs nothing and
// guards against nothing. The benchmark measures Postrider beside it.
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	sdkclient "go.temporal.io/sdk/client"
	sdkworker "go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"github.com/postrider/postrider/bench/internal/load"
)

const taskQueue = "naive"

// Event is what is posted here, and the workflow's input.
type Event struct {
	ID   string          `json:"id"`
	Type string          `json:"type"`
	Data json.RawMessage `json:"data"`
}

// DeliverNaively is the workflow.
func DeliverNaively(ctx workflow.Context, e Event) error {
	ctx = workflow.WithActivityOptions(ctx, workflow.ActivityOptions{StartToCloseTimeout: 15 * time.Second})
	var r *receiver
	return workflow.ExecuteActivity(ctx, r.Post, e).Get(ctx, nil)
}

// receiver is where all events go.
type receiver struct {
	url  string
	http *http.Client
}

// Post is the activity.
func (r *receiver) Post(ctx context.Context, e Event) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, r.url, bytes.NewReader(e.Data))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Webhook-Id", e.ID)
	resp, err := r.http.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	if _, err := io.Copy(io.Discard, resp.Body); err != nil {
		return err
	}
	if resp.StatusCode >= 300 {
		return errors.New(resp.Status)
	}
	return nil
}

// intake starts a workflow for each event that is posted.
func intake(temporal sdkclient.Client) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /readyz", func(http.ResponseWriter, *http.Request) {})
	mux.HandleFunc("POST /v1/events", func(w http.ResponseWriter, r *http.Request) {
		var e Event
		if err := json.NewDecoder(r.Body).Decode(&e); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		options := sdkclient.StartWorkflowOptions{ID: e.ID, TaskQueue: taskQueue}
		if _, err := temporal.ExecuteWorkflow(r.Context(), options, DeliverNaively, e); err != nil {
			http.Error(w, err.Error(), http.StatusServiceUnavailable)
			return
		}
		w.WriteHeader(http.StatusAccepted)
	})
	mux.Handle("POST "+load.InsidePath, load.Inside(mux))
	return mux
}

func main() {
	listen := flag.String("listen", "127.0.0.1:8080", "address of the API")
	temporal := flag.String("temporal", "127.0.0.1:7233", "address of Temporal")
	url := flag.String("url", "", "where events are posted to")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, *listen, *temporal, *url); err != nil {
		fmt.Fprintln(os.Stderr, "naive:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, listen, temporal, url string) error {
	client, err := sdkclient.DialContext(ctx, sdkclient.Options{HostPort: temporal})
	if err != nil {
		return err
	}
	defer client.Close()
	worker := sdkworker.New(client, taskQueue, sdkworker.Options{})
	worker.RegisterWorkflow(DeliverNaively)
	worker.RegisterActivity(&receiver{url: url, http: &http.Client{
		Timeout: 10 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: 100},
	}})
	if err := worker.Start(); err != nil {
		return err
	}
	defer worker.Stop()
	server := &http.Server{Addr: listen, Handler: intake(client), ReadHeaderTimeout: 10 * time.Second}
	defer context.AfterFunc(ctx, func() { _ = server.Close() })()
	if err := server.ListenAndServe(); ctx.Err() == nil {
		return err
	}
	return nil
}
