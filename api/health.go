package api

import (
	"context"
	"net/http"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/postrider/postrider/internal/telemetry"
)

// readyTimeout is how long the store may take to show that it can be written to.
const readyTimeout = 2 * time.Second

// healthView says that the process lives.
type healthView struct {
	Status  string `json:"status" example:"ok"`
	Version string `json:"version" example:"1.0.0"`
}

type healthOutput struct{ Body healthView }

func (s *server) health(context.Context, *struct{}) (*healthOutput, error) {
	return &healthOutput{healthView{Status: "ok", Version: s.Version}}, nil
}

// readyView says whether the process does its work.
type readyView struct {
	Status  string  `json:"status" enum:"ready,not_ready" example:"ready"`
	Store   string  `json:"store" enum:"writable,unwritable" example:"writable"`
	Senders string  `json:"senders" enum:"up,down" example:"up"`
	Intake  string  `json:"intake" enum:"accepting,refusing" example:"accepting"`
	Engine  string  `json:"engine" enum:"up,away" doc:"Temporal. While it is away events are accepted and first attempts made, so that alone does not make this not ready." example:"up"`
	Backlog int64   `json:"backlog" doc:"Deliveries that wait for the dispatcher." example:"0"`
	Reason  *string `json:"reason" doc:"Why the intake refuses."`
}

type readyOutput struct {
	Status int
	Body   readyView
}

func (s *server) ready(ctx context.Context, _ *struct{}) (*readyOutput, error) {
	ctx, cancel := context.WithTimeout(ctx, readyTimeout)
	defer cancel()
	status := s.Intake.Status()
	out := &readyOutput{http.StatusOK, readyView{
		Status: "ready", Store: "writable", Senders: "up", Intake: "accepting", Engine: "up",
		Backlog: status.Backlog, Reason: optional(status.Reason),
	}}
	if err := s.Store.Ready(ctx); err != nil {
		s.Logger.WarnContext(ctx, "store is not writable", telemetry.KeyError, err)
		out.Body.Store = "unwritable"
	}
	if !status.SendersUp {
		out.Body.Senders = "down"
	}
	if status.Refusing {
		out.Body.Intake = "refusing"
	}
	if status.EngineAway {
		out.Body.Engine = "away"
	}
	if out.Body.Store != "writable" || !status.SendersUp || status.Refusing {
		out.Status, out.Body.Status = http.StatusServiceUnavailable, "not_ready"
	}
	return out, nil
}

// metrics serves what the metrics handler has.
func (s *server) metrics(c *gin.Context) {
	if s.Metrics == nil {
		s.noRoute(c)
		return
	}
	s.Metrics.ServeHTTP(c.Writer, c.Request)
}
