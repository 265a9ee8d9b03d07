package engine

import (
	"bytes"
	"errors"
	"log/slog"
	"sync/atomic"
	"testing"

	"go.temporal.io/server/common/log"
	"go.temporal.io/server/common/log/tag"
)

func TestTheServersLogKeepsWarningsAndErrorsAndTheirTags(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		write func(log.Logger)
		want  string
	}{
		"debug is dropped":       {func(l log.Logger) { l.Debug("x") }, ""},
		"information is dropped": {func(l log.Logger) { l.Info("x") }, ""},
		"a warning":              {func(l log.Logger) { l.Warn("slow", tag.WorkflowID("evt_1")) }, "level=WARN msg=slow temporal.wf-id=evt_1\n"},
		"an error": {
			func(l log.Logger) { l.Error("broken", tag.Error(errors.New("disk full")), tag.ShardID(1)) },
			"level=ERROR msg=broken temporal.error=\"disk full\" temporal.shard-id=1\n",
		},
		"tags given before":                  {func(l log.Logger) { log.With(l, tag.ShardID(3)).Error("broken") }, "level=ERROR msg=broken temporal.shard-id=3\n"},
		"a warning in development is no end": {func(l log.Logger) { l.DPanic("odd") }, "level=ERROR msg=odd\n"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var out bytes.Buffer
			tc.write(newServerLogger(slog.New(slog.NewTextHandler(&out, &slog.HandlerOptions{ReplaceAttr: withoutTime})), new(atomic.Bool)))
			if got := out.String(); got != tc.want {
				t.Errorf("got %q, want %q", got, tc.want)
			}
		})
	}
}

func withoutTime(_ []string, a slog.Attr) slog.Attr {
	if a.Key == slog.TimeKey {
		return slog.Attr{}
	}
	return a
}

func TestAFatalErrorOfTheServerPanicsWithItsCause(t *testing.T) {
	t.Parallel()
	defer func() {
		if got, want := recover(), fatal("cannot listen: taken"); got != want {
			t.Errorf("got %v, want %v", got, want)
		}
	}()
	newServerLogger(slog.New(slog.DiscardHandler), new(atomic.Bool)).Fatal("cannot listen", tag.Error(errors.New("taken")))
}

func TestWarningsOfAServerThatStopsAreNotShown(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	stopping := new(atomic.Bool)
	l := log.With(newServerLogger(slog.New(slog.NewTextHandler(&out, &slog.HandlerOptions{ReplaceAttr: withoutTime})), stopping))
	stopping.Store(true)
	l.Warn("frontend is away")
	l.Error("broken")
	if got, want := out.String(), "level=ERROR msg=broken\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
