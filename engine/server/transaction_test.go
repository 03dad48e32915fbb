package server_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	host "github.com/dolthub/go-mysql-server/sql"
	wiremysql "github.com/dolthub/vitess/go/mysql"

	"github.com/featuresql/featuresql/engine/server"
	"github.com/featuresql/featuresql/engine/server/wire"
)

// recorder is a session that writes down what happens to its transactions.
type recorder struct {
	*host.BaseSession
	mu  *sync.Mutex
	log *[]string
}

type tx struct{}

func (tx) String() string   { return "tx" }
func (tx) IsReadOnly() bool { return false }

func (r *recorder) note(s string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	*r.log = append(*r.log, s)
	return nil
}

func (r *recorder) StartTransaction(*host.Context, host.TransactionCharacteristic) (host.Transaction, error) {
	return tx{}, r.note("begin")
}
func (r *recorder) CommitTransaction(*host.Context, host.Transaction) error { return r.note("commit") }
func (r *recorder) Rollback(*host.Context, host.Transaction) error          { return r.note("rollback") }
func (r *recorder) CreateSavepoint(*host.Context, host.Transaction, string) error {
	return errors.New("no savepoints")
}
func (r *recorder) RollbackToSavepoint(*host.Context, host.Transaction, string) error {
	return errors.New("no savepoints")
}
func (r *recorder) ReleaseSavepoint(*host.Context, host.Transaction, string) error {
	return errors.New("no savepoints")
}

// TestFailedStatements watches what becomes of the transaction of a statement that fails.
func TestFailedStatements(t *testing.T) {
	var mu sync.Mutex
	var log []string
	h := start(t, func(c *server.Config) {
		c.Sessions = func(_ context.Context, conn *wiremysql.Conn, _ string) (host.Session, error) {
			return &recorder{host.NewBaseSessionWithClientServer("", host.Client{User: conn.User, Address: "localhost"}, conn.ConnectionID), &mu, &log}, nil
		}
	})
	h.schemas["bad"], h.schemas["panics"], h.schemas["good"] = host.Schema{bigint("id")}, host.Schema{bigint("id")}, host.Schema{bigint("id")}
	h.run["bad"] = func(*host.Context, *wire.Sink) error { return errors.New("no") }
	h.run["panics"] = func(*host.Context, *wire.Sink) error { panic("no") }
	h.run["good"] = func(*host.Context, *wire.Sink) error { return nil }
	c := h.dial(0)
	for _, tc := range []struct{ sql, want string }{
		{"DESCRIBE DETAIL good", "begin commit"}, {"DESCRIBE DETAIL bad", "begin rollback"}, {"DESCRIBE DETAIL panics", "begin rollback"}, {"SELECT nosuch()", "begin rollback"},
		{"SELEC", ""}, {"DESCRIBE DETAIL fails", "begin rollback"}, {"BEGIN", "begin"}, {"DESCRIBE DETAIL bad", ""}, {"DESCRIBE DETAIL good", ""}, {"COMMIT", "commit"},
		{"DESCRIBE DETAIL good", "begin commit"},
	} {
		mu.Lock()
		log = nil
		mu.Unlock()
		c.command(3, tc.sql)
		if p := c.read(); p[0] == 1 { // columns follow, and their end, and rows, and an end or an error
			c.read()
			c.read()
			c.read()
		}
		mu.Lock()
		got := strings.Join(log, " ")
		mu.Unlock()
		if tc.sql == "BEGIN" && strings.HasSuffix(got, "begin") { // the host begins one for the statement itself first
			got = "begin"
		}
		if got != tc.want {
			t.Errorf("%s: %s, want %s", tc.sql, fmt.Sprintf("%q", got), tc.want)
		}
	}
}
