package planner

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"

	"github.com/dolthub/go-mysql-server/sql"
	ast "github.com/dolthub/vitess/go/vt/sqlparser"

	"github.com/featuresql/featuresql/engine/catalog"
	"github.com/featuresql/featuresql/engine/exec"
	"github.com/featuresql/featuresql/engine/expr"
	"github.com/featuresql/featuresql/engine/types"
)

// template is the tree of a SELECT with open parameters, over tables that are bound to a version at each execution.
type template struct {
	root   rel
	schema sql.Schema
	tables map[string]*boundTable // by location
}

// boundTable is a table as the template was made for it, and as it was last read.
type boundTable struct {
	first *catalog.Table
	last  atomic.Pointer[catalog.Table]
}

// paramExpr is an open parameter. It is an operand of deferredCalls only.
type paramExpr struct {
	index int
	typ   types.Type
}

func (p *paramExpr) Type() types.Type      { return p.typ }
func (p *paramExpr) Nullable() bool        { return false }
func (p *paramExpr) Children() []expr.Expr { return nil }
func (p *paramExpr) String() string        { return "?" }

// deferredCall is a comparison with an open parameter. It is resolved when the value is known, since the value decides
// how the sides are converted; its type does not depend on it.
type deferredCall struct {
	name string
	args []expr.Expr
}

func (d *deferredCall) Type() types.Type      { return types.Of(types.Bool) }
func (d *deferredCall) Nullable() bool        { return true }
func (d *deferredCall) Children() []expr.Expr { return d.args }
func (d *deferredCall) String() string        { return d.name + "(…)" }

var deferrable = map[string]bool{"=": true, "<=>": true, "<": true, "<=": true, ">": true, ">=": true, "in": true, "like": true}

// deferred returns the call with its resolution put off, if an operand is an open parameter.
func deferred(name string, args []expr.Expr) (expr.Expr, bool) {
	if !deferrable[name] || !slices.ContainsFunc(args, isParam) {
		return nil, false
	}
	return &deferredCall{name, args}, true
}

func isParam(e expr.Expr) bool {
	_, ok := e.(*paramExpr)
	return ok
}

type marksKey struct{}

// marksFrom returns the values that stand for open parameters while a template is made.
func marksFrom(ctx *sql.Context) map[any]int {
	m, _ := ctx.Value(marksKey{}).(map[any]int)
	return m
}

// openParameter returns the open parameter for which the value of a literal stands, nil if it is just a value.
func (c *converter) openParameter(v any) expr.Expr {
	switch v.(type) {
	case int64, string:
	default:
		return nil
	}
	i, ok := c.marks[v]
	if !ok {
		return nil
	}
	if _, text := v.(string); text {
		return &paramExpr{i, types.Of(types.String)}
	}
	return &paramExpr{i, types.Of(types.Int64)}
}

// makeTemplate binds the statement with marks in place of its parameters; nil if its plan cannot be kept.
func (rt *Runtime) makeTemplate(ctx *sql.Context, text string, key planKey, values []types.Value) *template {
	if asOf, _ := key.settings[len(planSettings)-1].(string); strings.TrimSpace(asOf) != "" {
		return nil
	}
	parsed, _, rest, err := sql.GlobalParser.Parse(ctx, text, false)
	if err != nil || rest != "" {
		return nil
	}
	names, ok := plainSelect(parsed, ctx.GetCurrentDatabase())
	if !ok {
		return nil
	}
	marks, bindings := map[any]int{}, map[string]ast.Expr{}
	for i := range values {
		e, m := markOf(key.kinds[i], i)
		marks[m], bindings["v"+strconv.Itoa(i+1)] = i, e
	}
	sub := ctx.WithContext(context.WithValue(ctx.Context, marksKey{}, marks))
	node, err := rt.host.BoundQueryPlan(sub, text, parsed, bindings)
	if err != nil {
		return nil
	}
	q, ok := node.(*queryNode)
	if !ok || len(q.conv.fallbacks) > 0 {
		return nil
	}
	t := &template{root: q.rel, schema: q.schema, tables: map[string]*boundTable{}}
	if !t.bindTables(names) || !t.complete(len(values)) {
		return nil
	}
	return t
}

// tableRef is a table as a statement names it.
type tableRef struct{ database, name string }

// bindTables notes the tables of the plan; false if one is not what the statement names: a view, a link, an old version.
func (t *template) bindTables(names []tableRef) bool {
	named := map[string]bool{}
	for _, n := range names {
		named[catalog.Location(n.database, n.name)] = true
	}
	scans := 0
	fits := true
	eachRel(t.root, func(r rel) {
		s, ok := r.(*scanRel)
		if !ok {
			return
		}
		scans++
		if fits = fits && named[s.location] && s.table != nil && !s.table.AsOf(); fits && t.tables[s.location] == nil {
			t.tables[s.location] = &boundTable{first: s.table}
			t.tables[s.location].last.Store(s.table)
		}
	})
	return fits && scans == len(names)
}

// complete reports whether the plan is made of what can be instantiated and has every parameter in a comparison.
func (t *template) complete(params int) bool {
	found := map[int]bool{}
	fits := true
	eachRel(t.root, func(r rel) {
		switch r.(type) {
		case *scanRel, *filterRel, *projectRel, *aggRel, *sortRel, *limitRel, *distinctRel, *unionRel, *joinRel:
		default:
			fits = false
			return
		}
		eachExpr(r, func(e expr.Expr) { fits = closed(e, found) && fits })
	})
	return fits && len(found) == params
}

// closed reports whether e can be instantiated, and notes its parameters.
func closed(e expr.Expr, found map[int]bool) bool {
	switch e := e.(type) {
	case *deferredCall:
		for _, a := range e.args {
			if p, ok := a.(*paramExpr); ok {
				found[p.index] = true
			} else if !closed(a, found) {
				return false
			}
		}
		return true
	case *expr.Column, *expr.Literal, *expr.Call:
		for _, a := range e.Children() {
			if !closed(a, found) {
				return false
			}
		}
		return true
	}
	return false
}

// instantiate returns the tree with the values and the versions that the session reads; false if the plan does not fit.
func (t *template) instantiate(ctx *sql.Context, session *catalog.Session, values []types.Value) (rel, bool) {
	sources := make(map[string]*catalog.Table, len(t.tables))
	for loc, b := range t.tables {
		tbl, ok := b.current(ctx, session)
		if !ok {
			return nil, false
		}
		sources[loc] = tbl
	}
	in := instantiation{values: values, sources: sources}
	r := in.rel(t.root)
	return r, in.failed == nil
}

// current returns the version of the table that the session reads; false if the plan does not fit it.
func (b *boundTable) current(ctx *sql.Context, session *catalog.Session) (*catalog.Table, bool) {
	last := b.last.Load()
	tbl, err := session.Current(ctx, last)
	if err != nil || !tbl.SameDefinition(b.first) {
		return nil, false
	}
	if tbl != last {
		b.last.Store(tbl)
	}
	return tbl, true
}

// instantiation fills in one execution's values.
type instantiation struct {
	values  []types.Value
	sources map[string]*catalog.Table
	failed  error
}

func (in *instantiation) rel(r rel) rel {
	if s, ok := r.(*scanRel); ok {
		return in.scan(s)
	}
	kids := r.inputs()
	fresh := make([]rel, len(kids))
	for i, k := range kids {
		fresh[i] = in.rel(k)
	}
	return mapExprs(withInputs(r, fresh), in.expr)
}

func (in *instantiation) scan(s *scanRel) rel {
	tbl := in.sources[s.location]
	n := *s
	n.source, n.label = tbl.Source(), tbl.Label()
	if ex, ok := n.source.(exec.ExactSource); ok {
		if rows, ok := ex.RowCount(); ok {
			n.rowCount = float64(rows)
		}
	}
	if n.filter != nil {
		n.filter = in.expr(n.filter)
	}
	return &n
}

func (in *instantiation) expr(e expr.Expr) expr.Expr {
	if d, ok := e.(*deferredCall); ok {
		args := make([]expr.Expr, len(d.args))
		for i, a := range d.args {
			if p, ok := a.(*paramExpr); ok {
				args[i] = &expr.Literal{Val: in.values[p.index]}
			} else {
				args[i] = in.expr(a)
			}
		}
		out, err := expr.New(d.name, args...)
		if err != nil {
			in.failed = err // the host's way gives the statement's error
			return e
		}
		return out
	}
	kids := e.Children()
	var fresh []expr.Expr
	for i, k := range kids {
		if n := in.expr(k); n != k && fresh == nil {
			fresh = slices.Clone(kids)
			fresh[i] = n
		} else if fresh != nil {
			fresh[i] = n
		}
	}
	if fresh == nil {
		return e
	}
	return withChildren(e, fresh)
}

// eachRel calls f for every node of a tree.
func eachRel(r rel, f func(rel)) {
	f(r)
	for _, k := range r.inputs() {
		eachRel(k, f)
	}
}
