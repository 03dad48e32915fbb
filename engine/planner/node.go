package planner

import (
	"fmt"
	"io"
	"strings"

	"github.com/dolthub/go-mysql-server/sql"
	hosttypes "github.com/dolthub/go-mysql-server/sql/types"

	"github.com/featuresql/featuresql/engine/exec"
	"github.com/featuresql/featuresql/engine/expr"
	"github.com/featuresql/featuresql/engine/types"
	"github.com/featuresql/featuresql/engine/vector"
)

// queryNode is a converted query in the host's plan.
type queryNode struct {
	rt     *Runtime
	conv   *converter
	rel    rel
	schema sql.Schema
	root   bool // its rows may go straight to the client
}

var _ sql.ExecSourceRel = (*queryNode)(nil)

// newNode wraps r. The columns keep the host's names and sources and get the engine's types.
func (rt *Runtime) newNode(c *converter, r rel, host sql.Schema) *queryNode {
	fields := r.fields()
	schema := make(sql.Schema, len(fields))
	for i, f := range fields {
		col := &sql.Column{Name: f.Name}
		if i < len(host) {
			copied := *host[i]
			if col = &copied; isShown(r) { // the host's names of SHOW are not all MySQL's
				col.Name = f.Name
			}
		}
		if et, ok := EngineType(col.Type); !ok || et != f.Type {
			col.Type = HostType(f.Type)
		}
		if hasFraction(r, i) {
			col.Type = hosttypes.DatetimeMaxPrecision
		}
		col.Nullable = f.Nullable
		schema[i] = col
	}
	return &queryNode{rt: rt, conv: c, rel: r, schema: schema}
}

// isShown reports whether r selects from the rows of a SHOW statement.
func isShown(r rel) bool {
	if f, ok := r.(*filterRel); ok {
		r = f.input
	}
	rows, ok := r.(*rowsRel)
	if !ok {
		return false
	}
	_, ok = rows.node.(*shownRows)
	return ok
}

// hasFraction reports whether column i of r is a time plus an interval, which the host takes for whole seconds.
func hasFraction(r rel, i int) bool {
	switch r := r.(type) {
	case *limitRel:
		return hasFraction(r.input, i)
	case *distinctRel:
		return hasFraction(r.input, i)
	case *projectRel:
		switch e := r.exprs[i].(type) {
		case *expr.Literal:
			return e.Val.Valid && e.Val.Type.Kind == types.TimestampNTZ && e.Val.I%types.MicrosPerSecond != 0
		case *expr.Call:
			return (e.Name == "date_add" || e.Name == "date_sub") && e.Typ.Kind == types.TimestampNTZ
		}
	}
	return false
}

func (n *queryNode) Resolved() bool       { return true }
func (n *queryNode) IsReadOnly() bool     { return true }
func (n *queryNode) Schema() sql.Schema   { return n.schema }
func (n *queryNode) Children() []sql.Node { return nil }
func (n *queryNode) WithChildren(kids ...sql.Node) (sql.Node, error) {
	if len(kids) != 0 {
		return nil, sql.ErrInvalidChildrenNumber.New(n, len(kids), 0)
	}
	return n, nil
}
func (n *queryNode) String() string { return "Query" }

// RowIter implements sql.ExecSourceRel.
func (n *queryNode) RowIter(ctx *sql.Context, _ sql.Row) (sql.RowIter, error) {
	c := *n.conv
	c.ctx = ctx
	n.rt.noteFallbacks(&c)
	op, err := n.rt.plan(ctx, &c, n.rel)
	if err != nil {
		return nil, err
	}
	if n.root {
		if sink := sinkFrom(ctx); sink != nil {
			return &sinkIter{run: func() error { return n.stream(ctx, &c, op, sink) }}, nil
		}
	}
	return n.rt.rowIter(ctx, &c, op), nil
}

// stream sends the result to the client as it is computed.
func (n *queryNode) stream(ctx *sql.Context, c *converter, op exec.Operator, sink resultSink) error {
	if err := sink.Begin(n.schema, c.env.Location); err != nil {
		return err
	}
	return exec.Run(ctx, n.rt.query(ctx, c.env), op, func(b *vector.Batch) error { return sink.WriteBatch(b) })
}

// sinkIter does its work on the first Next and yields no rows: they have gone to the client already.
type sinkIter struct{ run func() error }

func (it *sinkIter) Next(*sql.Context) (sql.Row, error) {
	if it.run != nil {
		run := it.run
		it.run = nil
		if err := run(); err != nil {
			return nil, err
		}
	}
	return nil, io.EOF
}
func (it *sinkIter) Close(*sql.Context) error { return nil }

// render shows an executable plan as a tree, with what its scans skip, and what ran row by row.
func (rt *Runtime) render(ctx *sql.Context, c *converter, op exec.Operator, analyzed bool, rows int64, memory *exec.Budget) (string, error) {
	var b strings.Builder
	if err := rt.describe(ctx, c, &b, op, 0, analyzed); err != nil {
		return "", err
	}
	if analyzed {
		fmt.Fprintf(&b, "rows: %d\n", rows)
		if n := memory.SpilledBytes(); n > 0 {
			fmt.Fprintf(&b, "memory: %d bytes at most; spilled to files: %d bytes\n", memory.PeakBytes(), n)
		}
	}
	for _, f := range c.fallbacks {
		fmt.Fprintf(&b, "row fallback: %s\n", f)
	}
	return b.String(), nil
}

func (rt *Runtime) describe(ctx *sql.Context, c *converter, b *strings.Builder, op exec.Operator, depth int, analyzed bool) error {
	indent := strings.Repeat("  ", depth)
	fmt.Fprintf(b, "%s%s\n", indent, op.Describe())
	if s, ok := op.(*tableScan); ok {
		sc, err := s.Plan(ctx, rt.query(ctx, c.env))
		if err != nil {
			return err
		}
		st := sc.Stats()
		fmt.Fprintf(b, "%s  files: %d of %d read, %d skipped\n", indent, st.Files-st.FilesSkipped, st.Files, st.FilesSkipped)
		if analyzed {
			fmt.Fprintf(b, "%s  row groups: %d, %d skipped; pages: %d, %d skipped; bytes read: %d; rows read: %d\n", indent,
				st.RowGroups, st.RowGroupsSkipped, st.Pages, st.PagesSkipped, st.BytesRead, st.RowsRead)
			if st.LateFiles+st.LateRowGroups+st.LateRows > 0 {
				fmt.Fprintf(b, "%s  spared by the keys of joins: files: %d; row groups: %d; rows: %d\n", indent, st.LateFiles, st.LateRowGroups, st.LateRows)
			}
		}
	}
	for _, k := range op.Children() {
		if err := rt.describe(ctx, c, b, k, depth+1, analyzed); err != nil {
			return err
		}
	}
	return nil
}
