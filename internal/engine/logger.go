package engine

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync/atomic"

	"go.temporal.io/server/common/log"
	"go.temporal.io/server/common/log/tag"
)

// fatal is the panic of Fatal: the server does not go on after one.
type fatal string

// serverLogger writes the server's warnings and errors to a slog.Logger, its attributes in the group "temporal".
// What the server calls information is written as debug, and its debug lines are dropped. Once stopping is set, its
// warnings are debug too: its parts complain of each other's end. So are those that isNoise knows.
type serverLogger struct {
	logger   *slog.Logger
	tags     []tag.Tag // of every line; the server makes a logger for each workflow, and hardly ever writes a line
	stopping *atomic.Bool
}

var (
	_ log.Logger     = serverLogger{}
	_ log.WithLogger = serverLogger{}
)

func newServerLogger(logger *slog.Logger, stopping *atomic.Bool) serverLogger {
	return serverLogger{logger: logger.WithGroup("temporal"), stopping: stopping}
}

func (l serverLogger) Debug(string, ...tag.Tag)           {}
func (l serverLogger) Info(msg string, tags ...tag.Tag)   { l.log(slog.LevelDebug, msg, tags) }
func (l serverLogger) Warn(msg string, tags ...tag.Tag)   { l.log(slog.LevelWarn, msg, tags) }
func (l serverLogger) Error(msg string, tags ...tag.Tag)  { l.log(slog.LevelError, msg, tags) }
func (l serverLogger) DPanic(msg string, tags ...tag.Tag) { l.log(slog.LevelError, msg, tags) }
func (l serverLogger) With(tags ...tag.Tag) log.Logger {
	l.tags = slices.Concat(l.tags, tags)
	return l
}

// Panic logs and panics.
func (l serverLogger) Panic(msg string, tags ...tag.Tag) {
	l.log(slog.LevelError, msg, tags)
	panic(msg)
}

// Fatal logs and panics; during start-up the panic becomes Start's error, later it ends the process.
func (l serverLogger) Fatal(msg string, tags ...tag.Tag) {
	l.log(slog.LevelError, msg, tags)
	for _, t := range tags {
		if t.Key() == "error" {
			msg = fmt.Sprintf("%s: %v", msg, t.Value())
		}
	}
	panic(fatal(msg))
}

func (l serverLogger) log(level slog.Level, msg string, tags []tag.Tag) {
	ctx := context.Background()
	if level == slog.LevelWarn && (l.stopping.Load() || isNoise(msg)) {
		level = slog.LevelDebug
	}
	if l.logger.Enabled(ctx, level) {
		l.logger.Log(ctx, level, msg, args(slices.Concat(l.tags, tags))...) //nolint:sloglint // the server's own messages
	}
}

// isNoise knows the warnings that tell an operator nothing: Nexus is not used, and the UI asks for long pages.
func isNoise(msg string) bool {
	return strings.HasPrefix(msg, "HTTP API port has not been set") || strings.HasPrefix(msg, "GetHistory page size is larger")
}

func args(tags []tag.Tag) []any {
	attrs := make([]any, len(tags))
	for i, t := range tags {
		attrs[i] = slog.Any(t.Key(), t.Value())
	}
	return attrs
}
