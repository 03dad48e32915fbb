package planner

import (
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/expression"
	"github.com/dolthub/go-mysql-server/sql/plan"

	"github.com/featuresql/featuresql/engine/catalog"
	"github.com/featuresql/featuresql/engine/exec"
	"github.com/featuresql/featuresql/engine/expr"
	"github.com/featuresql/featuresql/engine/parser"
	"github.com/featuresql/featuresql/engine/types"
)

// UnsupportedError says that a construct cannot be executed at all, neither on batches nor row by row.
type UnsupportedError struct{ What string }

func (e *UnsupportedError) Error() string { return e.What + " is not supported" }

// errFallback makes the caller run a node row by row.
var errFallback = errors.New("row fallback")

// converter turns one statement's host plan into a rel tree.
type converter struct {
	ctx      *sql.Context
	env      *expr.Env
	rt       *Runtime
	outerRow []types.Value // values of the enclosing query's columns, when a correlated subquery runs
	// newest replaces the version of a table (by its location) that the binder pinned: a retried write reads the newest.
	newest    map[string]*catalog.Table
	fallbacks []string
	// rowIDsFor is the location of the table that the statement writes: its first scan puts out row ids.
	rowIDsFor   *string
	rowIDsFound bool
	// defaults gives the default of the i-th column of an INSERT's rows, where VALUES says DEFAULT.
	defaults func(i int) (expr.Expr, error)
	// defaultOf gives the default of a column of the table that is written.
	defaultOf func(column string) (expr.Expr, error)
	// onRead hears of the scans that run; nil: nobody has to know.
	onRead func(*scanRel) error
	// marks are the values that stand for open parameters, while a plan is made to be kept.
	marks map[any]int
	// lateral counts the columns of the joins' inputs to the left of the node that is converted, up to the enclosing
	// query; gaps are where the host counts such columns in the expressions that are converted.
	lateral int
	gaps    []gap
	file    *fileRel // what the file of LOAD DATA has
	// shares are the common table expressions converted so far.
	shares map[string]*sharedRel
}

// gap is a range of the host's column positions in which there is nothing: an ON condition counts the columns to the
// left of its join, too, if that is the right input of another one, though it cannot name them.
type gap struct{ at, n int }

// position is where a column that the host has at i is in outer ++ fields.
func (c *converter) position(i int) int {
	out := i
	for _, g := range c.gaps {
		if i >= g.at+g.n {
			out -= g.n
		}
	}
	return out
}

// within runs f over an expression's subquery, or over a derived table that sees nothing of what is around it.
func (c *converter) within(gaps []gap, f func() (rel, error)) (rel, error) {
	lateral, before := c.lateral, c.gaps
	defer func() { c.lateral, c.gaps = lateral, before }()
	c.lateral, c.gaps = 0, gaps
	return f()
}

// scopeOf is the scope of the expressions of a node over in.
func (c *converter) scopeOf(in rel, outer []exec.Field) scope {
	s := scope{fields: in.fields(), outer: outer}
	if n := len(s.fields); c.rowIDsFound && n >= 2 && s.fields[n-1] == rowIDFields[1] && s.fields[n-2] == rowIDFields[0] {
		s.hidden = 2
	}
	return s
}

func (c *converter) countFallback(what string) { c.fallbacks = append(c.fallbacks, what) }

// convert converts a node; outer are the columns of enclosing queries.
func (c *converter) convert(n sql.Node, outer []exec.Field) (rel, error) {
	r, err := c.convertNode(n, outer)
	if !errors.Is(err, errFallback) {
		return r, err
	}
	if _, leaf := n.(*plan.ResolvedTable); len(outer) > 0 && !leaf {
		return nil, &UnsupportedError{What: fmt.Sprintf("%T inside a correlated subquery", n)}
	}
	return c.fallbackNode(n)
}

func (c *converter) convertNode(n sql.Node, outer []exec.Field) (rel, error) {
	switch n := n.(type) {
	case *plan.ResolvedTable:
		return c.table(n)
	case *plan.TableAlias:
		return c.convert(n.Child, outer)
	case *plan.SubqueryAlias:
		if !n.OuterScopeVisibility {
			return c.within(nil, func() (rel, error) { return c.subqueryAlias(n, nil) })
		}
		return c.subqueryAlias(n, outer)
	case *plan.StripRowNode: // the host's executor hands the enclosing row down; here it does not
		return c.convert(n.Child, outer)
	case *plan.CachedResults:
		return c.convert(n.Child, outer)
	case *plan.Filter:
		return c.filter(n.Child, n.Expression, outer)
	case *plan.Having:
		return c.having(n, outer)
	case *plan.Project:
		return c.project(n, outer)
	case *plan.GroupBy:
		return c.groupBy(n, outer)
	case *plan.Sort:
		return c.sort(n.Child, n.SortFields, outer)
	case *plan.TopN:
		return c.topN(n, outer)
	case *plan.Limit:
		return c.limit(n, outer)
	case *plan.Offset:
		return c.offset(n, outer)
	case *plan.Distinct:
		return c.distinct(n.Child, outer)
	case *plan.OrderedDistinct:
		return c.distinct(n.Child, outer)
	case *plan.SetOp:
		return c.setOp(n, outer)
	case *plan.JoinNode:
		return c.join(n, outer)
	case *plan.Values:
		return c.values(n.ExpressionTuples, n.Schema(), outer)
	case *plan.ValueDerivedTable:
		return c.values(n.ExpressionTuples, n.Schema(), outer)
	case *plan.EmptyTable:
		return &valuesRel{out: fieldsOf(n.Schema())}, nil
	case *plan.Max1Row:
		r, err := c.convert(n.Child, outer)
		return &oneRowRel{r}, err
	}
	return nil, errFallback
}

// fallbackNode lets the host run n, over converted children.
func (c *converter) fallbackNode(n sql.Node) (rel, error) {
	kids := n.Children()
	if shown, err := c.rt.showTable(c.ctx, n); err != nil {
		return nil, err
	} else if shown != nil { // SHOW COLUMNS … LIKE: its table is not read
		n, kids = shown, nil
	}
	replaced := make([]sql.Node, len(kids))
	for i, k := range kids {
		r, err := c.convert(k, nil)
		if err != nil {
			return nil, err
		}
		replaced[i] = c.rt.newNode(c, r, k.Schema())
	}
	if len(kids) > 0 {
		m, err := n.WithChildren(replaced...)
		if err != nil {
			return nil, err
		}
		n = m
	}
	if _, isTable := n.(*plan.ResolvedTable); !isTable {
		c.countFallback(fmt.Sprintf("%T", n))
	}
	return &rowsRel{node: n, out: fieldsOf(n.Schema())}, nil
}

// fieldsOf gives the engine's view of a host schema; a type without a counterpart travels as text.
func fieldsOf(s sql.Schema) []exec.Field {
	out := make([]exec.Field, len(s))
	for i, col := range s {
		t, ok := EngineType(col.Type)
		if !ok {
			t = types.Of(types.String)
		}
		out[i] = exec.Field{Name: col.Name, Type: t, Nullable: col.Nullable}
	}
	return out
}

func underlying(t sql.Table) sql.Table {
	for {
		w, ok := t.(sql.TableWrapper)
		if !ok {
			return t
		}
		t = w.Underlying()
	}
}

func (c *converter) table(n *plan.ResolvedTable) (rel, error) {
	if plan.IsDualTable(n.Table) {
		null := &expr.Literal{Val: types.Value{Type: types.Of(types.Null)}}
		return &valuesRel{rows: [][]expr.Expr{{null}}, out: []exec.Field{{Name: "dual", Type: null.Type(), Nullable: true}}}, nil
	}
	t, ok := underlying(n.Table).(*catalog.Table)
	if !ok {
		return nil, errFallback
	}
	src := exec.Source(t.Source())
	if now, ok := c.newest[t.Location()]; ok && !t.AsOf() { // an older version stays what it is, also where its table is written
		if !now.SameColumns(t) {
			return nil, redefined(t, now)
		}
		src = now.Source()
	}
	r := &scanRel{source: src, label: t.Label(), location: t.Location(), table: t, rowCount: 1e6, distinct: &sync.Map{}}
	if c.rowIDsFor != nil && !c.rowIDsFound && *c.rowIDsFor == t.Location() && !t.AsOf() {
		r.rowIDs, c.rowIDsFound = true, true
	}
	if ex, ok := src.(exec.ExactSource); ok {
		if rows, ok := ex.RowCount(); ok {
			r.rowCount = float64(rows)
		}
	}
	for _, col := range n.Schema() {
		i := t.ColumnIndex(col.Name)
		if i < 0 {
			return nil, sql.ErrTableColumnNotFound.New(t.Name(), col.Name)
		}
		r.cols = append(r.cols, i)
	}
	return r, nil
}

func (c *converter) subqueryAlias(n *plan.SubqueryAlias, outer []exec.Field) (rel, error) {
	if c.file != nil && n.Name() == parser.FileAlias {
		return c.file, nil
	}
	if r := c.shares[definitionOf(n)]; r != nil {
		r.of.places++
		return r, nil
	}
	child, err := c.convert(n.Child, outer)
	if err != nil {
		return nil, err
	}
	if len(n.ColumnNames) > 0 {
		child = rename(child, n.ColumnNames)
	}
	return c.share(n, child), nil
}

// rename wraps r in a projection that changes only the names.
func rename(r rel, names []string) rel {
	in := r.fields()
	p := &projectRel{input: r}
	for i, f := range in {
		p.exprs = append(p.exprs, columnOf(in, i))
		f.Name = names[i]
		p.out = append(p.out, f)
	}
	return p
}

func columnOf(fields []exec.Field, i int) *expr.Column {
	f := fields[i]
	return &expr.Column{Index: i, Name: f.Name, Typ: f.Type, Null: f.Nullable}
}

func (c *converter) filter(child sql.Node, cond sql.Expression, outer []exec.Field) (rel, error) {
	in, err := c.convert(child, outer)
	if err != nil {
		return nil, err
	}
	return c.filterRel(in, cond, outer)
}

func (c *converter) project(n *plan.Project, outer []exec.Field) (rel, error) {
	p, err := c.repeatedKeys(n, outer)
	if err != nil {
		return nil, err
	}
	in, es, err := c.windowsBelow(p.Child, p.Projections, outer)
	if err != nil {
		return nil, err
	}
	return c.projection(in, es, n.Schema(), len(p.Child.Schema()), outer)
}

// projection computes es over in, of which the host knows the first columns; schema gives the names.
func (c *converter) projection(in rel, es []sql.Expression, schema sql.Schema, known int, outer []exec.Field) (rel, error) {
	base, keys := unordered(in)
	s := c.scopeOf(in, outer)
	s.attach = &attached{in: base}
	s.hidden = max(s.hidden, len(s.fields)-known) // windows come behind them
	p := &projectRel{}
	for i, e := range es {
		x, err := c.scalar(e, s)
		if err != nil {
			return nil, err
		}
		p.exprs = append(p.exprs, x)
		p.out = append(p.out, exec.Field{Name: schema[i].Name, Type: x.Type(), Nullable: x.Nullable()})
	}
	switch {
	case s.attach.in == base:
		p.input = in
	case keys != nil: // a join keeps no order
		p.input = &sortRel{input: s.attach.in, keys: keys}
	default:
		p.input = s.attach.in
	}
	return p, nil
}

// unordered takes the order off a relation: sorting by keys puts it on again; nil: there is none. The first columns of base are in's.
func unordered(in rel) (base rel, keys []exec.SortKey) {
	switch r := in.(type) {
	case *sortRel:
		return r.input, r.keys
	case *limitRel:
		if base, keys = unordered(r.input); keys != nil {
			l := *r
			l.input = &sortRel{input: base, keys: keys}
			return &l, keys
		}
	case *projectRel:
		below, by := unordered(r.input)
		if by == nil {
			break
		}
		p := &projectRel{input: below, exprs: slices.Clone(r.exprs), out: slices.Clone(r.out)}
		for _, k := range by {
			p.out = append(p.out, exec.Field{Name: "key", Type: k.Expr.Type(), Nullable: k.Expr.Nullable()})
			p.exprs = append(p.exprs, k.Expr)
			keys = append(keys, exec.SortKey{Expr: columnOf(p.out, len(p.out)-1), Desc: k.Desc})
		}
		return p, keys
	}
	return in, nil
}

func (c *converter) sort(child sql.Node, by sql.SortFields, outer []exec.Field) (rel, error) {
	if slices.ContainsFunc(by, func(f sql.SortField) bool { return hasWindow(f.Column) }) {
		r, _, err := c.windowedSort(child, by, nil, outer)
		if err != nil {
			return nil, err
		}
		fields := r.fields()[:len(child.Schema())]
		return restore(r, identity(len(fields)), fields), nil
	}
	in, err := c.convert(child, outer)
	if err != nil {
		return nil, err
	}
	s := scope{fields: in.fields(), outer: outer, attach: &attached{in: in}}
	keys, err := c.sortKeys(by, s)
	return reorder(&sortRel{input: s.attach.in, keys: keys}, identity(len(s.fields))), err
}

func (c *converter) sortKeys(by sql.SortFields, s scope) ([]exec.SortKey, error) {
	var keys []exec.SortKey
	for _, f := range by {
		x, err := c.ordered(f.Column, s)
		if err != nil {
			return nil, err
		}
		keys = append(keys, exec.SortKey{Expr: x, Desc: f.Order == sql.Descending})
	}
	return keys, nil
}

func (c *converter) topN(n *plan.TopN, outer []exec.Field) (rel, error) {
	if n.CalcFoundRows {
		return nil, errFallback
	}
	in, err := c.sort(n.Child, n.Fields, outer)
	if err != nil {
		return nil, err
	}
	k, err := c.count(n.Limit)
	return &limitRel{input: in, n: k}, err
}

func (c *converter) limit(n *plan.Limit, outer []exec.Field) (rel, error) {
	if n.CalcFoundRows {
		return nil, errFallback
	}
	in, err := c.convert(n.Child, outer)
	if err != nil {
		return nil, err
	}
	k, err := c.count(n.Limit)
	if err != nil {
		return nil, err
	}
	if o, ok := in.(*limitRel); ok && o.n < 0 {
		return &limitRel{input: o.input, n: k, offset: o.offset}, nil
	}
	return &limitRel{input: in, n: k}, nil
}

func (c *converter) offset(n *plan.Offset, outer []exec.Field) (rel, error) {
	in, err := c.convert(n.Child, outer)
	if err != nil {
		return nil, err
	}
	k, err := c.count(n.Offset)
	if l, ok := in.(*limitRel); ok && l.n >= 0 && l.offset == 0 { // the host limits to n+offset below the offset
		return &limitRel{input: l.input, n: max(0, l.n-k), offset: k}, err
	}
	return &limitRel{input: in, n: -1, offset: k}, err
}

// count evaluates a LIMIT or OFFSET operand.
func (c *converter) count(e sql.Expression) (int64, error) {
	v, err := e.Eval(c.ctx, nil)
	if err != nil {
		return 0, err
	}
	n, ok := intFromHost(v)
	if !ok || n < 0 {
		return 0, fmt.Errorf("LIMIT and OFFSET need a whole number that is not negative, not %v", v)
	}
	return n, nil
}

func (c *converter) distinct(child sql.Node, outer []exec.Field) (rel, error) {
	in, err := c.convert(child, outer)
	if err != nil {
		return nil, err
	}
	return c.distinctOf(in, child.Schema())
}

func (c *converter) values(tuples [][]sql.Expression, schema sql.Schema, outer []exec.Field) (rel, error) {
	v := &valuesRel{}
	for _, tuple := range tuples {
		row, err := c.valuesRow(tuple, scope{outer: outer})
		if err != nil {
			return nil, err
		}
		v.rows = append(v.rows, row)
	}
	for i, col := range schema {
		f := exec.Field{Name: col.Name, Type: types.Of(types.Null), Nullable: true}
		for _, row := range v.rows {
			f.Type = commonType(f.Type, row[i].Type())
		}
		v.out = append(v.out, f)
	}
	for _, row := range v.rows {
		for i := range row {
			row[i] = expr.Cast(row[i], v.out[i].Type)
		}
	}
	return v, nil
}

func (c *converter) valuesRow(tuple []sql.Expression, s scope) ([]expr.Expr, error) {
	row := make([]expr.Expr, len(tuple))
	for i, e := range tuple {
		var err error
		if d, ok := unalias(e).(*parser.DefaultValue); ok && d.Column == "" && c.defaults != nil {
			row[i], err = c.defaults(i)
		} else {
			row[i], err = c.scalar(e, s)
		}
		if err != nil {
			return nil, err
		}
	}
	return row, nil
}

// isAggregate reports whether e is an aggregate function of the host.
func isAggregate(e sql.Expression) bool {
	if _, ok := e.(sql.Aggregation); !ok {
		return false
	}
	return true
}

func unalias(e sql.Expression) sql.Expression {
	for {
		a, ok := e.(*expression.Alias)
		if !ok {
			return e
		}
		e = a.Child
	}
}
