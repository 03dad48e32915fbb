package server_test

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/featuresql/featuresql/engine/server"
)

// stateOf returns what SHOW PROCESSLIST says of a connection, once it is as wanted or after some seconds.
func (w *warehouseServer) stateOf(other *sql.Conn, id int, wanted string) (state string) {
	w.t.Helper()
	for began := time.Now(); !strings.Contains(state, wanted) && time.Since(began) < 5*time.Second; time.Sleep(5 * time.Millisecond) {
		rows, err := other.QueryContext(w.t.Context(), "SHOW FULL PROCESSLIST")
		if err != nil {
			w.t.Fatal(err)
		}
		for rows.Next() {
			var number int
			var user, host, db, command, at, info sql.NullString
			var seconds int64
			if err := rows.Scan(&number, &user, &host, &db, &command, &seconds, &at, &info); err != nil {
				w.t.Fatal(err)
			}
			if number == id {
				state = command.String + "|" + at.String + "|" + info.String
			}
		}
		_ = rows.Close()
	}
	return state
}

// TestProgress watches a statement from another connection.
func TestProgress(t *testing.T) {
	w := startWarehouse(t, nil)
	other, self, _ := w.connect()
	bigTables(w, other)
	if got := w.stateOf(other, self, "Query|"); got != "Query|executing|SHOW FULL PROCESSLIST" {
		t.Errorf("of itself: %s", got)
	}
	for _, c := range []struct{ text, state string }{
		{longStatements["nested loop"], "reading: 4 of 4 files"}, {longStatements["unread"], "Sending to client"}, {longStatements["host"], "executing"},
	} {
		long, id, cut := w.connect()
		if got := w.stateOf(other, id, "Sleep"); got != "Sleep||" {
			t.Errorf("before: %s", got)
		}
		go func() { _, _ = long.QueryContext(context.WithoutCancel(t.Context()), c.text) }()
		if got := w.stateOf(other, id, c.state); got != "Query|"+c.state+"|"+c.text {
			t.Errorf("%s, want %s", got, c.state)
		}
		w.exec(other, fmt.Sprintf("KILL QUERY %d", id))
		cut()
	}
	if err := other.QueryRowContext(t.Context(), "SELECT id FROM big LIMIT 1").Scan(new(int)); err != nil {
		t.Fatal(err)
	}
	if got := w.stateOf(other, self, "Query|"); got != "Query|executing|SHOW FULL PROCESSLIST" {
		t.Errorf("the scans of the statement before still show: %s", got)
	}
}

// TestSlowStatements says which statements are slow: by the configuration, and by the session's variable.
func TestSlowStatements(t *testing.T) {
	for _, c := range []struct {
		configured time.Duration
		variable   string
		slow       bool
	}{{10 * time.Second, "", false}, {10 * time.Millisecond, "", true}, {10 * time.Second, "0.01", true}, {10 * time.Millisecond, "5", false}, {0, "0.01", false}} {
		w := startWarehouse(t, func(cfg *server.Config) { cfg.SlowQuery = c.configured })
		conn, id, _ := w.connect()
		if c.variable != "" {
			w.exec(conn, "SET long_query_time = "+c.variable)
		}
		w.exec(conn, "SELECT sleep(0.03)")
		w.idle()
		if e := w.last.Load(); e.Slow != c.slow || e.ConnectionID != uint32(id) || e.ID == 0 {
			t.Errorf("%v, long_query_time %q: %+v", c.configured, c.variable, e)
		}
	}
}
