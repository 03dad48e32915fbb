package main

import (
	"context"
	"io"
	"log/slog"
	"time"

	"github.com/featuresql/featuresql/engine/server"
)

// logFlags say what the log on standard error looks like.
type logFlags struct {
	LogLevel  slog.Level    `help:"Least level of what is logged: debug, info, warn, error." default:"info" env:"FEATURESQL_LOG_LEVEL"`
	LogFormat string        `help:"Form of the log: text or json." enum:"text,json" default:"text" env:"FEATURESQL_LOG_FORMAT"`
	SlowQuery time.Duration `help:"Statements that take longer are logged; sessions change it by SET long_query_time. 0 logs none." default:"10s" env:"FEATURESQL_SLOW_QUERY"`
}

// logger returns the log of a server.
func (f logFlags) logger(w io.Writer) *slog.Logger {
	opts := &slog.HandlerOptions{Level: f.LogLevel}
	if f.LogFormat == "json" {
		return slog.New(slog.NewJSONHandler(w, opts))
	}
	return slog.New(slog.NewTextHandler(w, opts))
}

// maxLogged is how much of a statement a line of the log shows, in bytes.
const maxLogged = 4096

// internalError is the code of corrupted tables and of errors that should not be.
const internalError = 1105

// logStatement writes what ended in a way that whoever runs the server should know: slow statements, corrupted tables and
// internal errors. At level debug it writes all others, too.
func logStatement(log *slog.Logger, e server.StatementEvent) {
	level, message := slog.LevelDebug, "statement"
	switch {
	case len(e.Stack) > 0:
		level, message = slog.LevelError, "statement ended by a panic"
	case e.Code == internalError:
		level, message = slog.LevelError, "statement failed"
	case e.Slow:
		level, message = slog.LevelWarn, "slow statement"
	case e.Err != nil:
		message = "statement failed"
	}
	ctx := context.Background()
	if !log.Enabled(ctx, level) {
		return
	}
	attrs := []slog.Attr{
		slog.Uint64("query_id", e.ID), slog.Uint64("connection", uint64(e.ConnectionID)), slog.String("account", e.Account), slog.String("address", e.Address),
		slog.Float64("elapsed_ms", float64(e.Elapsed.Microseconds())/1000), slog.Int64("rows", e.Rows),
	}
	if r := e.Reads; r.Files > 0 {
		attrs = append(attrs, slog.Int64("files_read", r.FilesOpened), slog.Int64("files_skipped", r.FilesSkipped),
			slog.Int64("bytes_read", r.BytesRead), slog.Int64("rows_read", r.RowsRead))
	}
	if e.Err != nil {
		attrs = append(attrs, slog.Int("code", e.Code), slog.String("error", e.Err.Error()))
	}
	attrs = append(attrs, slog.String("statement", shortened(e.Text)))
	if len(e.Stack) > 0 {
		attrs = append(attrs, slog.String("stack", string(e.Stack)))
	}
	log.LogAttrs(ctx, level, message, attrs...) //nolint:sloglint // one of those above
}

func shortened(text string) string {
	if len(text) > maxLogged {
		return text[:maxLogged] + "…"
	}
	return text
}
