package server_test

import (
	"database/sql"
	"errors"
	"testing"
	"time"

	driver "github.com/go-sql-driver/mysql"

	host "github.com/dolthub/go-mysql-server/sql"
)

// prepareCode prepares a statement that stays prepared, and returns the number of its error.
func prepareCode(t *testing.T, c *sql.Conn, text string) (*sql.Stmt, uint16) {
	t.Helper()
	st, err := c.PrepareContext(t.Context(), text)
	var my *driver.MySQLError
	if err != nil && !errors.As(err, &my) {
		t.Fatal(err)
	}
	if my != nil {
		return nil, my.Number
	}
	return st, 0
}

// TestPreparedStatementsAreBounded: the statements that clients prepare and do not close are at most max_prepared_stmt_count on all connections. What cannot be
// prepared, is closed, or goes with its connection or its session does not count.
func TestPreparedStatementsAreBounded(t *testing.T) {
	w := startWarehouse(t, nil)
	a, _, _ := w.connect()
	b, _, cut := w.connect()
	_, before, _ := host.SystemVariables.GetGlobal("max_prepared_stmt_count")
	t.Cleanup(func() { _ = host.SystemVariables.AssignValues(map[string]any{"max_prepared_stmt_count": before}) })
	if before != int64(16382) {
		t.Fatalf("by default %v", before)
	}
	w.exec(a, "SET GLOBAL max_prepared_stmt_count = 4")
	expect := func(c *sql.Conn, text string, want uint16) *sql.Stmt {
		t.Helper()
		st, got := prepareCode(t, c, text)
		if got != want {
			t.Fatalf("%s: %d", text, got)
		}
		return st
	}
	for range 20 {
		expect(a, "SELECT nope FROM nothing", 1146)
		expect(a, "SELECT (", 1064)
	}
	expect(b, "SELECT 1", 0)
	expect(b, "SELECT 1", 0)
	one := expect(a, "SELECT ?", 0)
	expect(a, "SELECT ?", 0)
	expect(a, "SELECT 2", 1461)
	if err := one.Close(); err != nil {
		t.Fatal(err)
	}
	expect(a, "SELECT 3", 0)
	expect(b, "SELECT 2", 1461)
	cut()
	for began := time.Now(); ; time.Sleep(time.Millisecond) {
		if _, code := prepareCode(t, a, "SELECT 4"); code == 0 {
			break
		}
		if time.Since(began) > 20*time.Second {
			t.Fatal("the statements of a connection that is gone count")
		}
	}
	expect(a, "SELECT 5", 0)
	expect(a, "SELECT 6", 1461)
}

// TestResetForgetsStatements: COM_RESET_CONNECTION makes room.
func TestResetForgetsStatements(t *testing.T) {
	h := start(t, nil)
	c := h.dial(0)
	_, before, _ := host.SystemVariables.GetGlobal("max_prepared_stmt_count")
	t.Cleanup(func() { _ = host.SystemVariables.AssignValues(map[string]any{"max_prepared_stmt_count": before}) })
	c.command(3, "SET GLOBAL max_prepared_stmt_count = 1")
	c.read()
	for range 3 {
		c.prepare("SELECT 1, ?")
		c.command(0x16, "SELECT 1, ?")
		if p := c.read(); p[0] != 0xff || string(p[1:3]) != "\xb5\x05" {
			t.Errorf("one more: %q", p)
		}
		c.command(0x1f, "")
		if p := c.read(); p[0] != 0 {
			t.Errorf("reset: %q", p)
		}
	}
}
