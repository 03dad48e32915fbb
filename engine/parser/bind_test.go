package parser_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	sqle "github.com/dolthub/go-mysql-server"
	"github.com/dolthub/go-mysql-server/memory"
	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/analyzer"
	"github.com/dolthub/go-mysql-server/sql/plan"
	"github.com/dolthub/go-mysql-server/sql/transform"
	"github.com/dolthub/go-mysql-server/sql/types"
	ast "github.com/dolthub/vitess/go/vt/sqlparser"

	"github.com/featuresql/featuresql/engine/parser"
)

// versioned is a database of empty tables that remembers which versions it was asked for.
type versioned struct {
	tables map[string]*table
	views  map[string]sql.ViewDefinition
	seen   []any
}

func (d *versioned) Name() string { return "db" }

func (d *versioned) GetTableInsensitive(_ *sql.Context, name string) (sql.Table, bool, error) {
	t, ok := d.tables[strings.ToLower(name)]
	if !ok {
		return nil, false, nil
	}
	return t, true, nil
}

func (d *versioned) GetTableNames(*sql.Context) ([]string, error) { return []string{"t"}, nil }

func (d *versioned) GetTableInsensitiveAsOf(ctx *sql.Context, name string, asOf any) (sql.Table, bool, error) {
	d.seen = append(d.seen, asOf)
	return d.GetTableInsensitive(ctx, name)
}

func (d *versioned) GetTableNamesAsOf(ctx *sql.Context, asOf any) ([]string, error) {
	d.seen = append(d.seen, asOf)
	return d.GetTableNames(ctx)
}

func (d *versioned) CreateView(_ *sql.Context, name, sel, create string) error {
	d.views[name] = sql.ViewDefinition{Name: name, TextDefinition: sel, CreateViewStatement: create}
	return nil
}

func (d *versioned) DropView(*sql.Context, string) error { return nil }

func (d *versioned) GetViewDefinition(_ *sql.Context, name string) (sql.ViewDefinition, bool, error) {
	v, ok := d.views[name]
	return v, ok, nil
}

func (d *versioned) AllViews(*sql.Context) ([]sql.ViewDefinition, error) { return nil, nil }

type table struct {
	name   string
	schema sql.Schema
}

func (t *table) Name() string               { return t.name }
func (t *table) String() string             { return t.name }
func (t *table) Schema() sql.Schema         { return t.schema }
func (t *table) Collation() sql.CollationID { return sql.Collation_Default }
func (t *table) Partitions(*sql.Context) (sql.PartitionIter, error) {
	return sql.PartitionsToPartitionIter(), nil
}
func (t *table) PartitionRows(*sql.Context, sql.Partition) (sql.RowIter, error) {
	return sql.RowsToRowIter(), nil
}

// host is an engine of the host with our parser, and a binder that remembers what it got.
type host struct {
	t        *testing.T
	db       *versioned
	e        *sqle.Engine
	ctx      *sql.Context
	stmt     parser.Statement
	children []any
}

func newHost(t *testing.T) *host {
	h := &host{t: t, db: &versioned{tables: map[string]*table{}, views: map[string]sql.ViewDefinition{}}}
	pro := memory.NewDBProvider(h.db)
	a := analyzer.NewBuilder(pro).Build()
	h.e = sqle.New(a, nil)
	h.e.Parser = parser.New(h)
	a.Parser = h.e.Parser
	h.ctx = sql.NewContext(context.Background(), sql.WithSession(sql.NewBaseSession()))
	h.ctx.SetCurrentDatabase("db")
	for _, name := range []string{"t", "s", "l", "f"} {
		h.db.tables[name] = &table{name, sql.Schema{
			{Name: "id", Type: types.Int64, Source: name, DatabaseSource: "db"}, {Name: "v", Type: types.Int32, Source: name, DatabaseSource: "db", Nullable: true},
			{Name: "ts", Type: types.DatetimeMaxPrecision, Source: name, DatabaseSource: "db", Nullable: true},
		}}
	}
	return h
}

// Bind implements parser.Binder.
func (h *host) Bind(st parser.Statement, children []any) (sql.Node, error) {
	h.stmt, h.children = st, children
	return plan.NothingImpl, nil
}

func (h *host) query(q string, bindings map[string]ast.Expr) ([]sql.Row, error) {
	_, iter, _, err := h.e.QueryWithBindings(h.ctx, q, nil, bindings, nil)
	if err != nil {
		return nil, err
	}
	return sql.RowIterToRows(h.ctx, iter)
}

func TestAsOfValues(t *testing.T) {
	h := newHost(t)
	for _, q := range []string{"SET @v = 4", "SET @ts = '2026-01-01 12:00'", "SET time_zone = '+02:00'", "CREATE VIEW w AS SELECT * FROM t@v8"} {
		if _, err := h.query(q, nil); err != nil {
			t.Fatal(q, err)
		}
	}
	at := func(s string) parser.AsOf {
		x, err := time.Parse(time.RFC3339Nano, s)
		if err != nil {
			t.Fatal(err)
		}
		return parser.AsOf{Time: x}
	}
	version := func(n int64) parser.AsOf { return parser.AsOf{IsVersion: true, Version: n} }
	str := func(s string) map[string]ast.Expr { return map[string]ast.Expr{"v1": ast.NewStrVal([]byte(s))} }
	num := func(s string) map[string]ast.Expr { return map[string]ast.Expr{"v1": ast.NewIntVal([]byte(s))} }
	for _, tc := range []struct {
		sql      string
		bindings map[string]ast.Expr
		want     parser.AsOf
	}{
		{"SELECT * FROM t AS OF VERSION 3", nil, version(3)}, {"SELECT * FROM t AS OF 3", nil, version(3)}, {"SELECT * FROM t AS OF '3'", nil, version(3)},
		{"SELECT * FROM t VERSION AS OF 1 + 2 * 3 x", nil, version(7)}, {"SELECT * FROM t VERSION AS OF @v", nil, version(4)}, {"SELECT * FROM t AS OF @v - 1", nil, version(3)},
		{"SELECT * FROM t VERSION AS OF abs(-5)", nil, version(5)}, {"SELECT * FROM t AS OF 3.0", nil, version(3)}, {"SELECT * FROM t VERSION AS OF 4 | 1", nil, version(5)},
		{"SELECT * FROM t AS OF '2026-01-01'", nil, at("2025-12-31T22:00:00Z")}, {"SELECT * FROM t AS OF TIMESTAMP '2026-01-01 10:00:00.123456'", nil, at("2026-01-01T08:00:00.123456Z")},
		{"SELECT * FROM t TIMESTAMP AS OF '2026-01-01T10:00:00Z'", nil, at("2026-01-01T10:00:00Z")}, {"SELECT * FROM t TIMESTAMP AS OF '2026-01-01 10:00:00+05:30'", nil, at("2026-01-01T04:30:00Z")},
		{"SELECT * FROM t@20260101120000500", nil, at("2026-01-01T10:00:00.5Z")}, {"SELECT * FROM t AS OF TIMESTAMP @ts", nil, at("2026-01-01T10:00:00Z")},
		{"SELECT * FROM t TIMESTAMP AS OF date_sub('2026-01-02', interval 1 day)", nil, at("2025-12-31T22:00:00Z")},
		{"SELECT * FROM t AS OF CAST('2026-01-01' AS DATETIME)", nil, at("2025-12-31T22:00:00Z")}, {"SELECT * FROM t TIMESTAMP AS OF 20260101", nil, at("2025-12-31T22:00:00Z")},
		{"SELECT * FROM t AS OF ?", num("9"), version(9)}, {"SELECT * FROM t VERSION AS OF ? + 1", num("9"), version(10)}, {"SELECT * FROM t AS OF ?", str("2026-01-01"), at("2025-12-31T22:00:00Z")},
		{"SELECT * FROM t AS OF ?", map[string]ast.Expr{"v1": ast.NewFloatVal([]byte("3e+00"))}, version(3)},
		{"SELECT * FROM w", nil, version(8)}, {"SHOW CREATE TABLE t AS OF VERSION 2", nil, version(2)}, {"DESCRIBE t AS OF VERSION 2", nil, version(2)},
		{"SHOW TABLES AS OF 6", nil, version(6)}, {"SELECT (SELECT count(*) FROM t@v2)", nil, version(2)},
		{"INSERT INTO t SELECT * FROM s VERSION AS OF ?", num("1"), version(1)}, {"MERGE INTO t USING s@v5 ON t.id = s.id WHEN MATCHED THEN DELETE", nil, version(5)},
	} {
		h.db.seen = nil
		if _, err := h.query(tc.sql, tc.bindings); err != nil {
			t.Errorf("%s: %v", tc.sql, err)
			continue
		}
		if len(h.db.seen) == 0 {
			t.Errorf("%s: no version asked for", tc.sql)
			continue
		}
		got, err := parser.DecodeAsOf(h.db.seen[len(h.db.seen)-1])
		if err != nil || got.IsVersion != tc.want.IsVersion || got.Version != tc.want.Version || !got.Time.Equal(tc.want.Time) || got.Newest {
			t.Errorf("%s: %v is %+v, want %+v (%v)", tc.sql, h.db.seen, got, tc.want, err)
		}
	}
	for _, q := range []string{"SELECT * FROM t AS OF NULL", "SELECT * FROM t VERSION AS OF 'x'", "SELECT * FROM t VERSION AS OF -1", "SELECT * FROM t AS OF 1.5",
		"SELECT * FROM t AS OF TIMESTAMP 'yesterday'", "SELECT * FROM t AS OF VERSION now()", "SELECT * FROM t TIMESTAMP AS OF '2026-13-01'"} {
		var bad *parser.AsOfError
		if _, err := h.query(q, nil); !errors.As(err, &bad) {
			t.Errorf("%s: %v", q, err)
		}
	}
}

// TestPrepareAsOf prepares reads of a version that is not known yet.
func TestPrepareAsOf(t *testing.T) {
	h := newHost(t)
	for _, q := range []string{"SELECT * FROM t AS OF ?", "SELECT * FROM t VERSION AS OF ? + 1", "SELECT * FROM t TIMESTAMP AS OF ? JOIN s AS OF ?",
		"MERGE INTO t USING s AS OF ? ON t.id = s.id AND s.v = ? WHEN MATCHED THEN UPDATE SET v = ?"} {
		h.db.seen = nil
		if _, err := h.e.PrepareQuery(h.ctx, q); err != nil {
			t.Errorf("%s: %v", q, err)
			continue
		}
		for _, v := range h.db.seen {
			if got, err := parser.DecodeAsOf(v); err != nil || !got.Newest || got.Time.Year() != 9999 {
				t.Errorf("%s: %v is %+v, %v", q, v, got, err)
			}
		}
	}
}

func TestParseAsOf(t *testing.T) {
	for _, v := range []any{nil, "", "x", "2026", true, 1.5, "v:x", "t:x", "v:-1", []any{}} {
		if got, err := parser.DecodeAsOf(v); err == nil && v != "2026" {
			t.Errorf("%v is %+v", v, got)
		}
	}
	for _, a := range []parser.AsOf{{IsVersion: true, Version: 1 << 40}, {Time: time.Date(2026, 1, 2, 3, 4, 5, 6000, time.UTC)}} {
		if got, err := parser.DecodeAsOf(a.Encode()); err != nil || got.IsVersion != a.IsVersion || got.Version != a.Version || !got.Time.Equal(a.Time) {
			t.Errorf("%s is %+v, %v", a.Encode(), got, err)
		}
	}
}

// TestChildren checks that the host binds what the statements are documented to have.
func TestChildren(t *testing.T) {
	h := newHost(t)
	columns := func(i int) string {
		var out []string
		for _, c := range h.children[i].(sql.Node).Schema() {
			out = append(out, strings.ToLower(c.Name)+" "+c.Type.String())
		}
		return strings.Join(out, ", ")
	}
	const three = "id bigint, v int, ts datetime(6)"
	for _, tc := range []struct{ sql, want string }{
		{"UPDATE t SET v = v + 1 WHERE id = 1", three + ", (t.v + 1) bigint"},
		{"DELETE FROM t x WHERE x.id IN (SELECT id FROM s)", three},
		{"MERGE INTO t USING s ON t.id = s.id WHEN MATCHED AND s.v > 1 THEN UPDATE SET v = s.v WHEN NOT MATCHED THEN INSERT (id) VALUES (id)", three + ", (s.v > 1) tinyint(1), v int, id bigint"},
		{"MERGE INTO t USING (SELECT id, v + 1 AS w FROM s) AS q ON t.id = q.id WHEN NOT MATCHED BY SOURCE THEN DELETE WHEN MATCHED THEN UPDATE SET *", "id bigint, w bigint"},
		{"INSERT INTO t SELECT * FROM s", three}, {"CREATE TABLE n AS SELECT id, v FROM t", "id bigint, v int"}, {"EXPLAIN SELECT id FROM t", "id bigint"},
	} {
		if _, err := h.query(tc.sql, nil); err != nil {
			t.Errorf("%s: %v", tc.sql, err)
			continue
		}
		if got := columns(0); got != tc.want {
			t.Errorf("%s: child has %s, want %s", tc.sql, got, tc.want)
		}
	}
	if _, err := h.query("INSERT INTO t (id, v) VALUES (1, DEFAULT), (2 + 1, (SELECT max(v) FROM s)) ON DUPLICATE KEY UPDATE v = VALUES(v) + v", nil); err != nil {
		t.Fatal(err)
	}
	values, ok := h.children[0].(*plan.Values)
	if !ok || len(values.ExpressionTuples) != 2 || len(h.children) != 2 {
		t.Fatalf("children %T", h.children)
	}
	if _, ok := values.ExpressionTuples[0][1].(*parser.DefaultValue); !ok {
		t.Errorf("DEFAULT is bound to %T", values.ExpressionTuples[0][1])
	}
	var tables []string
	transform.Inspect(h.children[1].(sql.Node), func(n sql.Node) bool {
		switch n := n.(type) {
		case *plan.TableAlias:
			tables = append(tables, n.Name())
		case *plan.ResolvedTable:
			tables = append(tables, n.Name())
		}
		return true
	})
	if got := fmt.Sprint(tables); got != "[t featuresql_new t]" {
		t.Errorf("the child of ON DUPLICATE KEY UPDATE reads %s", got)
	}
	for _, q := range []string{"UPDATE t SET v = nosuch", "MERGE INTO t USING s ON t.id = s.nosuch WHEN MATCHED THEN DELETE", "DELETE FROM nosuch", "UPDATE nosuch SET v = 1"} {
		if _, err := h.query(q, nil); err == nil {
			t.Errorf("%s is bound", q)
		}
	}
}

// TestAsOfJoinIsBound looks for the mark in the join that the host builds.
func TestAsOfJoinIsBound(t *testing.T) {
	h := newHost(t)
	for q, want := range map[string]string{
		"EXPLAIN SELECT * FROM l ASOF JOIN f ON l.id = f.id AND l.ts >= f.ts":                                     "featuresql_asof(l.ts, f.ts, '>=')",
		"EXPLAIN SELECT * FROM l ASOF LEFT JOIN f AS OF VERSION 3 ON f.ts < l.ts AND l.id = f.id":                 "featuresql_asof(l.ts, f.ts, '>')",
		"EXPLAIN SELECT * FROM l ASOF JOIN f MATCH_CONDITION (l.ts >= f.ts) ON l.id = f.id AND l.v < f.v":         "featuresql_asof(l.ts, f.ts, '>=')",
		"EXPLAIN SELECT * FROM (SELECT * FROM l ASOF JOIN f MATCH_CONDITION (l.ts > f.ts - interval 1 day)) AS x": "featuresql_asof(l.ts, (f.ts - INTERVAL 1 DAY), '>')",
	} {
		if _, err := h.query(q, nil); err != nil {
			t.Errorf("%s: %v", q, err)
			continue
		}
		found := ""
		transform.InspectExpressions(h.children[0].(sql.Node), func(e sql.Expression) bool {
			if m, ok := e.(*parser.AsOfCondition); ok {
				found = m.String()
			}
			return true
		})
		if found != want {
			t.Errorf("%s: %s, want %s", q, found, want)
		}
	}
}
