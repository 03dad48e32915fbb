package planner

import (
	"sync"

	"github.com/dolthub/go-mysql-server/sql"

	"github.com/featuresql/featuresql/engine/catalog"
	"github.com/featuresql/featuresql/engine/exec"
	"github.com/featuresql/featuresql/engine/expr"
	"github.com/featuresql/featuresql/engine/types"
)

// rel is a node of the relational tree between the host's plan and the executable one. Columns are
// positional: an expr.Column's Index is a position in the input's fields (for a join: left, then right).
type rel interface {
	fields() []exec.Field
	inputs() []rel
	// estimate guesses the number of rows, for the order of joins and the choice of build sides.
	estimate() float64
}

// scanRel reads a version of a table. cols are positions in the source's fields; filter is over the
// source's fields, too.
type scanRel struct {
	source   exec.Source
	label    string // table and version, for EXPLAIN
	location string
	table    *catalog.Table // nil: not of the catalog
	cols     []int
	filter   expr.Expr
	rowIDs   bool
	limit    int64 // rows that are needed, if not all; else 0
	rowCount float64
	distinct *sync.Map // of source columns: the answers of values
}

func (r *scanRel) fields() []exec.Field {
	all := r.source.Fields()
	out := make([]exec.Field, 0, len(r.cols)+2)
	for _, c := range r.cols {
		out = append(out, all[c])
	}
	if r.rowIDs {
		out = append(out, rowIDFields...)
	}
	return out
}
func (r *scanRel) inputs() []rel { return nil }
func (r *scanRel) estimate() float64 {
	return r.rowCount * selectivity(r.filter)
}

// values guesses the number of different values of a column of the source. A log of many files is asked once.
func (r *scanRel) values(col int) float64 {
	if !r.source.Fields()[col].Type.IsInteger() || r.distinct == nil {
		return r.rowCount
	}
	if n, known := r.distinct.Load(col); known {
		return n.(float64)
	}
	out := r.rowCount
	if src, ok := r.source.(exec.ExactSource); ok {
		if lo, hi, ok := src.MinMax(col); ok && lo.Valid && hi.Valid {
			out = min(out, float64(hi.I)-float64(lo.I)+1)
		}
	}
	r.distinct.Store(col, out)
	return out
}

// rowIDFields are the columns with which a scan for a write names its rows; they come last.
var rowIDFields = []exec.Field{{Name: "_file", Type: types.Of(types.Int32)}, {Name: "_row", Type: types.Of(types.Int64)}}

type filterRel struct {
	input rel
	pred  expr.Expr
}

func (r *filterRel) fields() []exec.Field { return r.input.fields() }
func (r *filterRel) inputs() []rel        { return []rel{r.input} }
func (r *filterRel) estimate() float64    { return r.input.estimate() * selectivity(r.pred) }

type projectRel struct {
	input rel
	exprs []expr.Expr
	out   []exec.Field
}

func (r *projectRel) fields() []exec.Field { return r.out }
func (r *projectRel) inputs() []rel        { return []rel{r.input} }
func (r *projectRel) estimate() float64    { return r.input.estimate() }

// aggRel puts out the keys, then the aggregates.
type aggRel struct {
	input rel
	keys  []expr.Expr
	aggs  []exec.Aggregate
	out   []exec.Field
}

func (r *aggRel) fields() []exec.Field { return r.out }
func (r *aggRel) inputs() []rel        { return []rel{r.input} }
func (r *aggRel) estimate() float64 {
	if len(r.keys) == 0 {
		return 1
	}
	rows, groups := r.input.estimate(), 1.0
	for _, k := range r.keys {
		if n, ok := distinctValues(r.input, k, func(c int) (int, bool) { return c, true }); ok && n < baseRows(r.input) {
			groups *= n
		} else if ok { // nothing is known of it
			groups *= max(10, rows/10)
		}
	}
	return max(1, min(rows, groups))
}

type sortRel struct {
	input rel
	keys  []exec.SortKey
}

func (r *sortRel) fields() []exec.Field { return r.input.fields() }
func (r *sortRel) inputs() []rel        { return []rel{r.input} }
func (r *sortRel) estimate() float64    { return r.input.estimate() }

// limitRel passes n rows after the first offset; n below 0 is no limit.
type limitRel struct {
	input     rel
	n, offset int64
}

func (r *limitRel) fields() []exec.Field { return r.input.fields() }
func (r *limitRel) inputs() []rel        { return []rel{r.input} }
func (r *limitRel) estimate() float64 {
	if r.n < 0 {
		return r.input.estimate()
	}
	return min(float64(r.n), r.input.estimate())
}

type distinctRel struct{ input rel }

func (r *distinctRel) fields() []exec.Field { return r.input.fields() }
func (r *distinctRel) inputs() []rel        { return []rel{r.input} }
func (r *distinctRel) estimate() float64    { return r.input.estimate() }

type unionRel struct {
	parts []rel
	out   []exec.Field
}

func (r *unionRel) fields() []exec.Field { return r.out }
func (r *unionRel) inputs() []rel        { return r.parts }
func (r *unionRel) estimate() float64 {
	n := 0.0
	for _, p := range r.parts {
		n += p.estimate()
	}
	return n
}

// asofSpec makes a join a point-in-time join: the newest right row at or before (strictly: before) the left time.
type asofSpec struct {
	leftTime, rightTime expr.Expr // over the left, over the right input
	strict              bool
	ties                []expr.Expr // over the right input: among equal times the greatest wins
}

// joinRel joins on a conjunction over left ++ right columns.
type joinRel struct {
	kind        exec.JoinKind
	left, right rel
	on          []expr.Expr
	asof        *asofSpec
	rows        float64 // estimate, once the order of joins is chosen; else 0
}

func (r *joinRel) fields() []exec.Field {
	l := r.left.fields()
	if r.kind == exec.JoinSemi || r.kind == exec.JoinAnti || r.kind == exec.JoinAntiNullAware {
		return l
	}
	out := make([]exec.Field, 0, len(l)+8)
	for _, f := range l {
		f.Nullable = f.Nullable || r.kind == exec.JoinRight || r.kind == exec.JoinFull
		out = append(out, f)
	}
	for _, f := range r.right.fields() {
		f.Nullable = f.Nullable || r.kind == exec.JoinLeft || r.kind == exec.JoinFull
		out = append(out, f)
	}
	return out
}
func (r *joinRel) inputs() []rel { return []rel{r.left, r.right} }
func (r *joinRel) estimate() float64 {
	if r.rows > 0 {
		return r.rows
	}
	l := r.left.estimate()
	switch {
	case r.asof != nil || r.kind == exec.JoinLeft:
		return l
	case r.kind == exec.JoinSemi || r.kind == exec.JoinAnti || r.kind == exec.JoinAntiNullAware:
		return max(1, l*r.matched())
	}
	width := len(r.left.fields())
	n := l * r.right.estimate()
	if d := matchingKeys(r.left, r.right, r.on, func(c int) (int, bool) { return c, c < width }, func(c int) (int, bool) { return c - width, c >= width }); d > 0 {
		return max(1, n/d)
	}
	return n
}

// matched guesses the share of left rows that a semi or anti join puts out: those whose key is among the right's.
func (r *joinRel) matched() float64 {
	width := len(r.left.fields())
	share := 0.5
	for _, p := range r.on {
		if _, b, ok := equiKeys(p, width); ok {
			if n, ok := distinctValues(r.right, b, func(c int) (int, bool) { return c, true }); ok {
				share = min(1, r.right.estimate()/n)
			}
		}
	}
	if r.kind != exec.JoinSemi {
		return max(0.1, 1-share)
	}
	return share
}

// matchingKeys guesses how many different values the equalities between l and r have in the table that has fewer: each row
// of one side meets the share 1/n of the other. It is 0 if there is no equality. inL and inR give the positions of columns.
func matchingKeys(l, r rel, on []expr.Expr, inL, inR func(int) (int, bool)) float64 {
	left, right, found := 1.0, 1.0, false
	for _, p := range on {
		c, ok := p.(*expr.Call)
		if !ok || c.Name != "=" {
			continue
		}
		for i, a := range c.Args {
			dl, okL := distinctValues(l, a, inL)
			dr, okR := distinctValues(r, c.Args[1-i], inR)
			if okL && okR {
				left, right, found = left*dl, right*dr, true
				break
			}
		}
	}
	if !found {
		return 0
	}
	return max(1, min(left, baseRows(l), right, baseRows(r)))
}

// distinctValues guesses the number of different values of e, which reads columns of r alone.
func distinctValues(r rel, e expr.Expr, position func(int) (int, bool)) (float64, bool) {
	cols := expr.Columns(e)
	if len(cols) == 0 {
		return 0, false
	}
	n := 1.0
	for _, c := range cols {
		at, ok := position(c)
		if !ok {
			return 0, false
		}
		n *= columnValues(r, at)
	}
	return n, true
}

// columnValues follows a column to its table, whose log has the least and greatest value of a whole number.
func columnValues(r rel, at int) float64 {
	switch n := r.(type) {
	case *scanRel:
		if at < len(n.cols) {
			return n.values(n.cols[at])
		}
		return n.rowCount
	case *projectRel:
		if c, ok := n.exprs[at].(*expr.Column); ok {
			return columnValues(n.input, c.Index)
		}
	case *filterRel, *sortRel, *limitRel, *distinctRel:
		return columnValues(r.inputs()[0], at)
	case *joinRel:
		if w := len(n.left.fields()); at < w {
			return columnValues(n.left, at)
		} else {
			return columnValues(n.right, at-w)
		}
	case *sharedRel:
		if len(n.of.where) > 0 {
			at = n.of.where[at]
		}
		if at >= 0 {
			return columnValues(n.of.input, at)
		}
	case *aggRel:
		if at < len(n.keys) {
			if c, ok := n.keys[at].(*expr.Column); ok {
				return min(n.estimate(), columnValues(n.input, c.Index))
			}
		}
	}
	return baseRows(r)
}

// baseRows is the size of the greatest table under r, without its filters.
func baseRows(r rel) float64 {
	switch n := r.(type) {
	case *scanRel:
		return n.rowCount
	case *sharedRel:
		return baseRows(n.of.input)
	case *aggRel, *valuesRel, *rowsRel, *fileRel, *limitRel:
		return r.estimate()
	}
	rows := 1.0
	for _, in := range r.inputs() {
		rows = max(rows, baseRows(in))
	}
	return rows
}

// valuesRel is a list of rows of expressions without columns.
type valuesRel struct {
	rows [][]expr.Expr
	out  []exec.Field
}

func (r *valuesRel) fields() []exec.Field { return r.out }
func (r *valuesRel) inputs() []rel        { return nil }
func (r *valuesRel) estimate() float64    { return float64(len(r.rows)) }

// rowsRel is the row fallback: a host node, its children already converted, run by the host.
type rowsRel struct {
	node sql.Node
	out  []exec.Field
}

func (r *rowsRel) fields() []exec.Field { return r.out }
func (r *rowsRel) inputs() []rel        { return nil }
func (r *rowsRel) estimate() float64    { return 1000 }

// oneRowRel fails when its input has more than one row (a scalar subquery's rule).
type oneRowRel struct{ input rel }

func (r *oneRowRel) fields() []exec.Field { return r.input.fields() }
func (r *oneRowRel) inputs() []rel        { return []rel{r.input} }
func (r *oneRowRel) estimate() float64    { return 1 }

// selectivity is a rule-of-thumb guess of the share of rows that a predicate lets through.
func selectivity(e expr.Expr) float64 {
	if e == nil {
		return 1
	}
	s := 1.0
	for _, c := range expr.Conjuncts(e) {
		call, ok := c.(*expr.Call)
		if !ok {
			continue
		}
		switch call.Name {
		case "=", "<=>":
			s *= 0.05
		case "in":
			s *= min(0.5, 0.05*float64(len(call.Args)-1))
		case "like":
			s *= 0.1
		case "<", "<=", ">", ">=", "or":
			s *= 0.35
		default:
			s *= 0.7
		}
	}
	return max(s, 1e-4)
}
