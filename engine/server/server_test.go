package server_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"
	"time"

	sqle "github.com/dolthub/go-mysql-server"
	"github.com/dolthub/go-mysql-server/memory"
	host "github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/analyzer"
	"github.com/dolthub/go-mysql-server/sql/plan"
	hosttypes "github.com/dolthub/go-mysql-server/sql/types"
	wiremysql "github.com/dolthub/vitess/go/mysql"
	driver "github.com/go-sql-driver/mysql"

	"github.com/featuresql/featuresql/engine/parser"
	"github.com/featuresql/featuresql/engine/server"
	"github.com/featuresql/featuresql/engine/server/wire"
)

// harness is a server over an in-memory engine of the host, whose own statements run the functions of a test.
type harness struct {
	t    testing.TB
	s    *server.Server
	addr string
	db   *memory.Database

	mu       sync.Mutex
	bound    []parser.Statement
	failures []error
	run      map[string]func(ctx *host.Context, sink *wire.Sink) error // by the table of DESCRIBE DETAIL
	schemas  map[string]host.Schema
}

func start(t testing.TB, change func(*server.Config)) *harness {
	t.Helper()
	db := memory.NewDatabase("db")
	h := &harness{t: t, db: db, run: map[string]func(*host.Context, *wire.Sink) error{}, schemas: map[string]host.Schema{}}
	db.BaseDatabase.EnablePrimaryKeyIndexes()
	pro := memory.NewDBProvider(db)
	e := sqle.New(analyzer.NewBuilder(pro).Build(), nil)
	e.Parser = parser.New(h)
	e.Analyzer.Parser = e.Parser
	cfg := server.Config{
		Engine:  e,
		Address: "127.0.0.1:0",
		Sessions: func(_ context.Context, c *wiremysql.Conn, _ string) (host.Session, error) {
			base := host.NewBaseSessionWithClientServer("", host.Client{User: c.User, Address: "localhost", Capabilities: c.Capabilities}, c.ConnectionID)
			return memory.NewSession(base, pro), nil
		},
		OnFailure: func(_ *host.Context, err error) {
			h.mu.Lock()
			defer h.mu.Unlock()
			h.failures = append(h.failures, err)
		},
	}
	if change != nil {
		change(&cfg)
	}
	s, err := server.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	h.s, h.addr = s, s.Addr().String()
	done := make(chan struct{})
	go func() { defer close(done); _ = s.Serve(context.Background()) }()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
		defer cancel()
		_ = s.Shutdown(ctx)
		<-done
	})
	return h
}

// Bind implements parser.Binder: DESCRIBE DETAIL x runs h.run[x], BEGIN and COMMIT are the host's; all others return an OK with the number of children.
func (h *harness) Bind(st parser.Statement, children []any) (host.Node, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.bound = append(h.bound, st)
	name := st.TargetTable().Name
	if _, ok := st.(*parser.DescribeDetail); ok && h.run[name] != nil {
		return &node{schema: h.schemas[name], run: h.run[name]}, nil
	}
	if t, ok := st.(*parser.Transaction); ok {
		if t.What == "COMMIT" {
			return plan.NewCommit(), nil
		}
		return plan.NewStartTransaction(host.ReadWrite), nil
	}
	if strings.HasPrefix(name, "fail") {
		return nil, fmt.Errorf("table %s: %w", name, &parser.UnsupportedError{What: "this"})
	}
	out := &node{schema: hosttypes.OkResultSchema}
	for _, c := range children {
		out.children = append(out.children, c.(host.Node))
	}
	return out, nil
}

func (h *harness) open(params string) *sql.DB {
	h.t.Helper()
	db, err := sql.Open("mysql", "root@tcp("+h.addr+")/db?"+params)
	if err != nil {
		h.t.Fatal(err)
	}
	h.t.Cleanup(func() { db.Close() })
	return db
}

func (h *harness) conn(params string) *sql.Conn {
	h.t.Helper()
	c, err := h.open(params).Conn(context.Background())
	if err != nil {
		h.t.Fatal(err)
	}
	h.t.Cleanup(func() { c.Close() })
	return c
}

// node is a root node that writes to the statement's sink.
type node struct {
	schema   host.Schema
	children []host.Node
	run      func(*host.Context, *wire.Sink) error
}

func (n *node) Resolved() bool        { return true }
func (n *node) IsReadOnly() bool      { return false }
func (n *node) String() string        { return "test" }
func (n *node) Schema() host.Schema   { return n.schema }
func (n *node) Children() []host.Node { return n.children }
func (n *node) WithChildren(c ...host.Node) (host.Node, error) {
	return &node{n.schema, c, n.run}, nil
}
func (n *node) RowIter(ctx *host.Context, _ host.Row) (host.RowIter, error) {
	if n.run == nil {
		return host.RowsToRowIter(host.NewRow(hosttypes.OkResult{RowsAffected: uint64(len(n.children)), Info: plan.UpdateInfo{Matched: 1, Updated: 1}})), nil
	}
	return &nodeIter{n: n}, nil
}

type nodeIter struct{ n *node }

func (i *nodeIter) Next(ctx *host.Context) (host.Row, error) {
	sink := wire.Take(ctx)
	if sink == nil {
		return nil, errors.New("no sink")
	}
	if err := sink.Begin(i.n.schema, time.FixedZone("", 3600)); err != nil {
		return nil, err
	}
	if err := i.n.run(ctx, sink); err != nil {
		return nil, err
	}
	return nil, io.EOF
}
func (i *nodeIter) Close(*host.Context) error { return nil }

// mysqlError returns the code and SQLSTATE of err.
func mysqlError(err error) (uint16, string) {
	var e *driver.MySQLError
	if !errors.As(err, &e) {
		return 0, ""
	}
	return e.Number, string(e.SQLState[:])
}

// texts returns all rows as text, NULL as "NULL".
func texts(t *testing.T, rows *sql.Rows, err error) [][]string {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	cols, err := rows.Columns()
	if err != nil {
		t.Fatal(err)
	}
	var out [][]string
	for rows.Next() {
		raw := make([]sql.NullString, len(cols))
		ptr := make([]any, len(cols))
		for i := range raw {
			ptr[i] = &raw[i]
		}
		if err := rows.Scan(ptr...); err != nil {
			t.Fatal(err)
		}
		row := make([]string, len(cols))
		for i, v := range raw {
			if row[i] = v.String; !v.Valid {
				row[i] = "NULL"
			}
		}
		out = append(out, row)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return out
}
