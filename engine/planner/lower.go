package planner

import (
	"context"
	"fmt"
	"math"
	"time"

	"github.com/dolthub/go-mysql-server/sql"

	"github.com/featuresql/featuresql/engine/exec"
	"github.com/featuresql/featuresql/engine/expr"
	"github.com/featuresql/featuresql/engine/types"
	"github.com/featuresql/featuresql/engine/vector"
)

// lowering builds the executable plan of one execution: subqueries run now and become literals.
type lowering struct {
	ctx *sql.Context
	c   *converter
	rt  *Runtime
	// dry leaves subqueries unevaluated: EXPLAIN shows the plan without running anything.
	dry    bool
	shared map[*definition]*exec.Materialized
}

func (l *lowering) lower(r rel) (exec.Operator, error) {
	r, err := l.resolveSubqueries(r)
	if err != nil {
		return nil, err
	}
	if op, s := l.answerFromLog(r); op != nil {
		return op, l.noteRead(s)
	}
	switch r := r.(type) {
	case *scanRel:
		if err := l.noteRead(r); err != nil {
			return nil, err
		}
		return &tableScan{exec.NewScan(r.source, exec.ScanSpec{Columns: r.cols, Filter: r.filter, RowIDs: r.rowIDs, Limit: r.limit, Env: l.c.env}), r.label}, nil
	case *filterRel:
		return l.unary(r.input, func(in exec.Operator) exec.Operator { return exec.NewFilter(in, r.pred) })
	case *projectRel:
		return l.unary(r.input, func(in exec.Operator) exec.Operator { return exec.NewProject(in, r.exprs, r.out) })
	case *aggRel:
		in, err := l.lower(r.input)
		if err != nil {
			return nil, err
		}
		return exec.NewAggregate(in, r.keys, r.aggs)
	case *windowRel:
		in, err := l.lower(r.input)
		if err != nil {
			return nil, err
		}
		return exec.NewWindow(in, r.partition, r.order, r.calls)
	case *sortRel:
		return l.unary(r.input, func(in exec.Operator) exec.Operator { return exec.NewSort(in, r.keys) })
	case *limitRel:
		return l.limit(r)
	case *distinctRel:
		return l.unary(r.input, func(in exec.Operator) exec.Operator { return exec.NewDistinct(in) })
	case *oneRowRel:
		return l.unary(r.input, func(in exec.Operator) exec.Operator { return newMaxRows(in, 1, sql.ErrExpectedSingleRow.New()) })
	case *unionRel:
		return l.union(r)
	case *joinRel:
		return l.join(r)
	case *sharedRel:
		return l.readShared(r)
	case *valuesRel:
		return l.values(r)
	case *rowsRel:
		return l.rows(r), nil
	case *fileRel:
		return exec.NewSections(r.name, r.out, r.serial, r.open), nil
	}
	return nil, fmt.Errorf("no operator for %T", r)
}

func (l *lowering) noteRead(s *scanRel) error {
	if l.dry {
		return nil
	}
	return l.c.noteRead(s)
}

func (l *lowering) unary(in rel, build func(exec.Operator) exec.Operator) (exec.Operator, error) {
	op, err := l.lower(in)
	if err != nil {
		return nil, err
	}
	return build(op), nil
}

func (l *lowering) limit(r *limitRel) (exec.Operator, error) {
	if s, ok := r.input.(*sortRel); ok && r.n >= 0 {
		return l.unary(s.input, func(in exec.Operator) exec.Operator { return exec.NewTopN(in, s.keys, r.n, r.offset) })
	}
	if p, ok := r.input.(*projectRel); ok && r.n >= 0 { // ORDER BY … LIMIT arrives as Limit(Project(Sort))
		if s, ok := p.input.(*sortRel); ok {
			resolved, err := l.resolveSubqueries(p)
			if err != nil {
				return nil, err
			}
			p = resolved.(*projectRel)
			top, err := l.limit(&limitRel{input: s, n: r.n, offset: r.offset})
			if err != nil {
				return nil, err
			}
			return exec.NewProject(top, p.exprs, p.out), nil
		}
	}
	in := r.input
	if r.n >= 0 && r.n <= math.MaxInt64-r.offset {
		in = withLimit(in, r.n+r.offset)
	}
	return l.unary(in, func(in exec.Operator) exec.Operator { return exec.NewLimit(in, r.n, r.offset) })
}

// withLimit tells the scan that r is over, if each of its rows is one of r, how many are needed.
func withLimit(r rel, n int64) rel {
	switch in := r.(type) {
	case *projectRel:
		p := *in
		p.input = withLimit(in.input, n)
		return &p
	case *scanRel:
		s := *in
		s.limit = n
		return &s
	}
	return r
}

func (l *lowering) union(r *unionRel) (exec.Operator, error) {
	var parts []exec.Operator
	for _, p := range r.parts {
		op, err := l.lower(p)
		if err != nil {
			return nil, err
		}
		parts = append(parts, op)
	}
	return exec.NewUnion(parts...), nil
}

// join splits the conditions into equal keys and a residual. The smaller side of an inner join is built.
func (l *lowering) join(r *joinRel) (exec.Operator, error) {
	width := len(r.left.fields())
	var leftKeys, rightKeys, residual []expr.Expr
	for _, p := range r.on {
		a, b := joinKeys(p, width)
		if len(a) == 0 {
			residual = append(residual, p)
		}
		leftKeys, rightKeys = append(leftKeys, a...), append(rightKeys, b...)
	}
	left, err := l.lower(r.left)
	if err != nil {
		return nil, err
	}
	right, err := l.lower(r.right)
	if err != nil {
		return nil, err
	}
	var rest expr.Expr
	if len(residual) > 0 {
		rest = expr.And(residual...)
	}
	switch {
	case r.asof != nil:
		return l.asofJoin(r, left, right, leftKeys, rightKeys, rest)
	case len(leftKeys) == 0:
		return exec.NewNestedLoop(left, right, r.kind, rest)
	case r.kind == exec.JoinInner && r.left.estimate() < r.right.estimate():
		return l.swappedInner(left, right, leftKeys, rightKeys, rest, width)
	case (r.kind == exec.JoinSemi || r.kind == exec.JoinAnti) && r.left.estimate()*flipShare < r.right.estimate():
		kind := exec.JoinBuildSemi
		if r.kind == exec.JoinAnti {
			kind = exec.JoinBuildAnti
		}
		return exec.NewHashJoin(right, left, kind, rightKeys, leftKeys, changePlaces(rest, width, len(right.Fields())))
	}
	return exec.NewHashJoin(left, right, r.kind, leftKeys, rightKeys, rest)
}

// swappedInner builds the left input and puts its columns back in front.
func (l *lowering) swappedInner(left, right exec.Operator, leftKeys, rightKeys []expr.Expr, rest expr.Expr, width int) (exec.Operator, error) {
	lf, rf := left.Fields(), right.Fields()
	rest = changePlaces(rest, width, len(rf))
	j, err := exec.NewHashJoin(right, left, exec.JoinInner, rightKeys, leftKeys, rest)
	if err != nil {
		return nil, err
	}
	in := j.Fields()
	var exprs []expr.Expr
	for i := range lf {
		exprs = append(exprs, columnOf(in, len(rf)+i))
	}
	for i := range rf {
		exprs = append(exprs, columnOf(in, i))
	}
	return exec.NewProject(j, exprs, append(append([]exec.Field(nil), lf...), rf...)), nil
}

// flipShare is how many times smaller the left input of a semi or anti join must be to be built in place of the right
// one, of which only the keys are kept.
const flipShare = 2

// changePlaces returns e over right ++ left columns; nil stays nil.
func changePlaces(e expr.Expr, left, right int) expr.Expr {
	if e == nil {
		return nil
	}
	return mapColumns(e, func(c *expr.Column) expr.Expr {
		moved := *c
		if c.Index < left {
			moved.Index += right
		} else {
			moved.Index -= left
		}
		return &moved
	})
}

func (l *lowering) asofJoin(r *joinRel, left, right exec.Operator, leftKeys, rightKeys []expr.Expr, rest expr.Expr) (exec.Operator, error) {
	if rest != nil {
		return nil, &UnsupportedError{What: "a condition other than equalities and one time comparison in ASOF JOIN (" + rest.String() + ")"}
	}
	var ties []exec.SortKey
	for _, t := range r.asof.ties {
		ties = append(ties, exec.SortKey{Expr: t})
	}
	op, err := exec.NewAsOfJoin(left, right, leftKeys, rightKeys, r.asof.leftTime, r.asof.rightTime, r.asof.strict, r.kind == exec.JoinLeft, ties...)
	if err == nil && r.left.estimate() <= r.right.estimate() {
		op.HoldLeft()
	}
	return op, err
}

// joinKeys are the keys of both inputs that are equal exactly where p is true; none if p is no equality. Where NULL equals
// NULL, whether a value is NULL is a key of its own.
func joinKeys(p expr.Expr, width int) (left, right []expr.Expr) {
	if a, b, ok := equiKeys(p, width); ok {
		return []expr.Expr{a}, []expr.Expr{b}
	}
	c, isCall := p.(*expr.Call)
	if !isCall || c.Name != "<=>" {
		return nil, nil
	}
	eq := *c
	eq.Name = "="
	a, b, ok := equiKeys(&eq, width)
	switch {
	case !ok:
		return nil, nil
	case !a.Nullable() || !b.Nullable():
		return []expr.Expr{a}, []expr.Expr{b}
	}
	return []expr.Expr{mustCall("isnull", a), notNull(a)}, []expr.Expr{mustCall("isnull", b), notNull(b)}
}

// notNull is e with a value in place of NULL.
func notNull(e expr.Expr) expr.Expr {
	zero := types.Value{Type: e.Type(), Valid: true}
	if e.Type().Kind == types.Null {
		zero = types.BoolValue(false)
	}
	return expr.Cast(mustCall("case", mustCall("isnull", e), &expr.Literal{Val: zero}, e), zero.Type)
}

// equiKeys splits p into keys of the left and of the right input if it is an equality between them.
func equiKeys(p expr.Expr, width int) (left, right expr.Expr, ok bool) {
	c, isCall := p.(*expr.Call)
	if !isCall || c.Name != "=" {
		return nil, nil, false
	}
	al, ar := side(c.Args[0], width)
	bl, br := side(c.Args[1], width)
	switch {
	case al && !ar && br && !bl:
		return c.Args[0], shift(c.Args[1], -width), true
	case ar && !al && bl && !br:
		return c.Args[1], shift(c.Args[0], -width), true
	}
	return nil, nil, false
}

func (l *lowering) values(r *valuesRel) (exec.Operator, error) {
	var batches []*vector.Batch
	for start := 0; start < len(r.rows); start += vector.MaxRows {
		rows := r.rows[start:min(len(r.rows), start+vector.MaxRows)]
		b := &vector.Batch{Len: len(rows), First: int64(start)}
		for col, f := range r.out {
			v := vector.New(f.Type, 0)
			for _, row := range rows {
				val, err := expr.EvalConst(row[col], l.c.env)
				if err != nil {
					return nil, err
				}
				if val, err = convertValue(val, f.Type, l.c.env); err != nil {
					return nil, err
				}
				v.AppendValue(val)
			}
			b.Cols = append(b.Cols, v)
		}
		batches = append(batches, b)
	}
	return exec.NewValues(r.out, batches), nil
}

// rows runs a host node and boxes its rows into batches.
func (l *lowering) rows(r *rowsRel) exec.Operator {
	return exec.NewRows(fmt.Sprintf("of %T (row fallback)", r.node), r.out, func(context.Context) (exec.RowIter, error) {
		it, err := l.rt.hostExec.Build(l.ctx, r.node, nil)
		if err != nil {
			return nil, err
		}
		return &hostRows{ctx: l.ctx, iter: it, fields: r.out, loc: l.c.env.Location, row: make([]types.Value, len(r.out))}, nil
	})
}

// hostRows boxes the rows of a host iterator.
type hostRows struct {
	ctx    *sql.Context
	iter   sql.RowIter
	fields []exec.Field
	loc    *time.Location
	row    []types.Value
}

func (h *hostRows) Next(context.Context) ([]types.Value, error) {
	hostRow, err := h.iter.Next(h.ctx)
	if err != nil {
		return nil, err
	}
	for i, f := range h.fields {
		if h.row[i], err = fromHost(hostRow[i], f.Type, h.loc); err != nil {
			return nil, err
		}
	}
	return h.row, nil
}

func (h *hostRows) Close() error { return h.iter.Close(h.ctx) }

// answerFromLog answers an ungrouped COUNT(*), MIN and MAX over an unfiltered scan, which it returns, from the table's log.
func (l *lowering) answerFromLog(r rel) (exec.Operator, *scanRel) {
	a, ok := r.(*aggRel)
	if !ok || len(a.keys) > 0 {
		return nil, nil
	}
	s, ok := a.input.(*scanRel)
	if !ok || s.filter != nil {
		return nil, nil
	}
	src, ok := s.source.(exec.ExactSource)
	if !ok {
		return nil, nil
	}
	b := &vector.Batch{Len: 1}
	for i, ag := range a.aggs {
		v, ok := exactAggregate(src, s, ag)
		if !ok {
			return nil, nil
		}
		col := vector.New(a.out[i].Type, 0)
		v.Type = a.out[i].Type
		col.AppendValue(v)
		b.Cols = append(b.Cols, col)
	}
	return logAnswer{exec.NewValues(a.out, []*vector.Batch{b}), s.label}, s
}

func exactAggregate(src exec.ExactSource, s *scanRel, a exec.Aggregate) (types.Value, bool) {
	if a.Name == "count" && len(a.Args) == 0 {
		n, ok := src.RowCount()
		return types.IntValue(types.Of(types.Int64), n), ok
	}
	if (a.Name != "min" && a.Name != "max") || len(a.Args) != 1 {
		return types.Value{}, false
	}
	c, ok := a.Args[0].(*expr.Column)
	if !ok || c.Index >= len(s.cols) {
		return types.Value{}, false
	}
	lo, hi, ok := src.MinMax(s.cols[c.Index])
	if a.Name == "max" {
		lo = hi
	}
	return lo, ok && (!lo.Valid || lo.Type == a.Type)
}

// resolveSubqueries runs the uncorrelated subqueries in r's own expressions.
func (l *lowering) resolveSubqueries(r rel) (rel, error) {
	found := false
	eachExpr(r, func(e expr.Expr) { found = found || hasSubquery(e) })
	if !found || l.dry {
		return r, nil
	}
	var failed error
	out := mapExprs(r, func(e expr.Expr) expr.Expr {
		return rewriteExpr(e, func(x expr.Expr) expr.Expr {
			s, ok := x.(*subqueryExpr)
			if !ok || failed != nil {
				return x
			}
			v, err := l.subqueryLiteral(s)
			if err != nil {
				failed = err
				return x
			}
			return v
		})
	})
	return out, failed
}

func hasSubquery(e expr.Expr) bool {
	found := false
	expr.Walk(e, func(x expr.Expr) bool {
		_, is := x.(*subqueryExpr)
		found = found || is
		return !found
	})
	return found
}

func (l *lowering) subqueryLiteral(s *subqueryExpr) (expr.Expr, error) {
	if s.kind == inSubquery {
		return l.inList(s)
	}
	v, err := l.rt.subqueryResult(l.ctx, l.c, s.kind, s.query, operands{}, s.typ)
	return &expr.Literal{Val: v}, err
}
