// Command lean is the least that a service on Postrider's embedded Temporal can be, for a look at that Temporal alone:
// one workflow per event, started eagerly, that posts it from a local activity. Like the naive service beside it, it
// keeps nothing but Temporal's history, signs nothing and guards against nothing.
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	sdkclient "go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"
	sdkworker "go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"github.com/postrider/postrider/bench/internal/load"
	"github.com/postrider/postrider/internal/engine"
	"github.com/postrider/postrider/internal/tuning"
)

const taskQueue = "lean"

// Event is what is posted here, and the workflow's input.
type Event struct {
	ID   string          `json:"id"`
	Type string          `json:"type"`
	Data json.RawMessage `json:"data"`
}

// DeliverLeanly is the workflow.
func DeliverLeanly(ctx workflow.Context, e Event) error {
	ctx = workflow.WithLocalActivityOptions(ctx, workflow.LocalActivityOptions{
		StartToCloseTimeout: 15 * time.Second, RetryPolicy: &temporal.RetryPolicy{MaximumAttempts: 1},
	})
	var r *receiver
	return workflow.ExecuteLocalActivity(ctx, r.Post, e).Get(ctx, nil)
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
func intake(client sdkclient.Client) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /readyz", func(http.ResponseWriter, *http.Request) {})
	mux.HandleFunc("POST /v1/events", func(w http.ResponseWriter, r *http.Request) {
		var e Event
		if err := json.NewDecoder(r.Body).Decode(&e); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		options := sdkclient.StartWorkflowOptions{ID: e.ID, TaskQueue: taskQueue, EnableEagerStart: true}
		if _, err := client.ExecuteWorkflow(r.Context(), options, DeliverLeanly, e); err != nil {
			http.Error(w, err.Error(), http.StatusServiceUnavailable)
			return
		}
		w.WriteHeader(http.StatusAccepted)
	})
	mux.Handle("POST "+load.InsidePath, load.Inside(mux))
	return mux
}

func main() {
	tuning.Memory(224 << 20) // postrider, which has more to keep, takes 288 MiB
	var cfg engine.Config
	listen := flag.String("listen", "127.0.0.1:8080", "address of the API")
	url := flag.String("url", "", "where events are posted to")
	flag.StringVar(&cfg.Listen, "temporal", "127.0.0.1:7233", "address of the embedded Temporal")
	flag.StringVar(&cfg.Dir, "dir", "", "its directory")
	flag.StringVar((*string)(&cfg.Store), "store", "pebble", "its store: pebble, sqlite or postgres")
	flag.StringVar(&cfg.DatabaseURL, "database", "", "postgres: URL of its database")
	flag.BoolVar(&cfg.OverGRPC, "over-grpc", false, "call it over the network")
	flag.Parse()
	cfg.UIListen = engine.Off
	cfg.Logger = slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, cfg, *listen, *url); err != nil {
		fmt.Fprintln(os.Stderr, "lean:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, cfg engine.Config, listen, url string) error {
	server, err := engine.Start(ctx, cfg)
	if err != nil {
		return err
	}
	defer server.Stop()
	client, err := server.Dial(ctx, engine.DialConfig{})
	if err != nil {
		return err
	}
	defer client.Close()
	tuner, err := tuning.Worker(1000, 1000)
	if err != nil {
		return err
	}
	worker := sdkworker.New(client, taskQueue, sdkworker.Options{Tuner: tuner})
	worker.RegisterWorkflow(DeliverLeanly)
	worker.RegisterActivity(&receiver{url: url, http: &http.Client{
		Timeout: 10 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: 100},
	}})
	if err := worker.Start(); err != nil {
		return err
	}
	defer worker.Stop()
	api := &http.Server{Addr: listen, Handler: intake(client), ReadHeaderTimeout: 10 * time.Second}
	defer context.AfterFunc(ctx, func() { _ = api.Close() })()
	if err := api.ListenAndServe(); ctx.Err() == nil {
		return err
	}
	return nil
}
