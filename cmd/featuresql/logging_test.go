package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/featuresql/featuresql/engine/exec"
	"github.com/featuresql/featuresql/engine/server"
)

// TestLogLines checks what is logged of a statement, and at which level.
func TestLogLines(t *testing.T) {
	base := server.StatementEvent{ID: 9, ConnectionID: 7, Account: "u@%", Address: "10.0.0.1", Text: "SELECT 1", Elapsed: 1500 * time.Microsecond, Rows: 3}
	slow, wrong, broken, panicked := base, base, base, base
	slow.Slow, slow.Reads = true, exec.ScanStats{Files: 5, FilesSkipped: 3, FilesOpened: 2, BytesRead: 100, RowsRead: 10}
	wrong.Err, wrong.Code = errors.New("no such table"), 1146
	broken.Err, broken.Code = errors.New("broken file"), 1105
	panicked.Err, panicked.Code, panicked.Stack = errors.New("internal error"), 1105, []byte("goroutine 1")
	for _, c := range []struct {
		event          server.StatementEvent
		level, message string // empty: nothing at level info
	}{
		{base, "", ""}, {wrong, "", ""}, {slow, "WARN", "slow statement"}, {broken, "ERROR", "statement failed"}, {panicked, "ERROR", "statement ended by a panic"},
	} {
		var out bytes.Buffer
		logStatement(logFlags{LogFormat: "json"}.logger(&out), c.event)
		if c.level == "" {
			if out.Len() > 0 {
				t.Errorf("logged %s", out.String())
			}
			continue
		}
		var line map[string]any
		if err := json.Unmarshal(out.Bytes(), &line); err != nil {
			t.Fatalf("%s: %v", out.String(), err)
		}
		if line["level"] != c.level || line["msg"] != c.message || line["query_id"] != 9.0 || line["connection"] != 7.0 || line["elapsed_ms"] != 1.5 ||
			line["statement"] != "SELECT 1" || line["rows"] != 3.0 {
			t.Errorf("%v, want %s %s", line, c.level, c.message)
		}
		if c.event.Slow && (line["files_read"] != 2.0 || line["files_skipped"] != 3.0 || line["bytes_read"] != 100.0 || line["rows_read"] != 10.0) {
			t.Errorf("%v", line)
		}
		if c.event.Stack != nil && line["stack"] != "goroutine 1" {
			t.Errorf("%v has no stack", line)
		}
	}
	var out bytes.Buffer
	long := base
	long.Text = strings.Repeat("x", 10*maxLogged)
	logStatement(logFlags{LogLevel: slog.LevelDebug}.logger(&out), long)
	if out.Len() > 2*maxLogged || !strings.Contains(out.String(), "query_id=9") {
		t.Errorf("text of %d bytes", out.Len())
	}
}
