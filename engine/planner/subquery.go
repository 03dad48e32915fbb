package planner

import (
	"fmt"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/expression"
	"github.com/dolthub/go-mysql-server/sql/plan"

	"github.com/featuresql/featuresql/engine/exec"
	"github.com/featuresql/featuresql/engine/expr"
	"github.com/featuresql/featuresql/engine/types"
)

// subqueryKind is how a subquery is used as an expression.
type subqueryKind uint8

const (
	scalarSubquery subqueryKind = iota
	existsSubquery
	inSubquery
)

// subqueryExpr is an uncorrelated subquery used as a value. It is executed once, when the plan starts,
// and replaced by a literal (scalar, EXISTS) or a list (IN).
type subqueryExpr struct {
	kind  subqueryKind
	query rel
	left  expr.Expr // inSubquery: the operand
	typ   types.Type
}

func (s *subqueryExpr) Type() types.Type { return s.typ }
func (s *subqueryExpr) Nullable() bool   { return s.kind != existsSubquery }
func (s *subqueryExpr) Children() []expr.Expr {
	if s.left == nil {
		return nil
	}
	return []expr.Expr{s.left}
}

func (s *subqueryExpr) String() string {
	switch s.kind {
	case existsSubquery:
		return "exists(subquery)"
	case inSubquery:
		return s.left.String() + " in (subquery)"
	}
	return "(subquery)"
}

// filterRel adds a host condition above in. Conjuncts that are IN or EXISTS subqueries become semi and anti joins.
func (c *converter) filterRel(in rel, cond sql.Expression, outer []exec.Field) (rel, error) {
	s := c.scopeOf(in, outer)
	var preds []expr.Expr
	for _, e := range expression.SplitConjunction(cond) {
		joined, err := c.unnest(in, e, s)
		if err != nil {
			return nil, err
		}
		if joined != nil {
			in = joined
			continue
		}
		x, err := c.scalar(e, s)
		if err != nil {
			return nil, err
		}
		preds = append(preds, x)
	}
	if len(preds) == 0 {
		return in, nil
	}
	return &filterRel{input: in, pred: expr.And(preds...)}, nil
}

// unnest turns one conjunct into a join with in, or returns nil if it cannot.
func (c *converter) unnest(in rel, e sql.Expression, s scope) (rel, error) {
	negated := false
	for {
		n, ok := e.(*expression.Not)
		if !ok {
			break
		}
		negated, e = !negated, n.Child
	}
	switch e := e.(type) {
	case *plan.ExistsSubquery:
		return c.unnestExists(in, e.Query, s, negated)
	case *plan.InSubquery:
		if sq, ok := e.Right().(*plan.Subquery); ok {
			return c.unnestIn(in, e.Left(), sq, s, negated)
		}
	}
	return nil, nil
}

// subqueryRel converts a subquery's plan; correlated columns of the enclosing query appear as outerRefs.
func (c *converter) subqueryRel(sq *plan.Subquery, s scope) (rel, error) {
	if c.outerRow != nil { // within a running correlated subquery the enclosing rows are known
		return nil, errNoKernel
	}
	all := append(append([]exec.Field(nil), s.outer...), s.visible()...)
	return c.convert(sq.Query, all)
}

func (c *converter) unnestExists(in rel, sq *plan.Subquery, s scope, negated bool) (rel, error) {
	sub, err := c.subqueryRel(sq, s)
	if err != nil {
		return nil, nil //nolint:nilerr // what cannot be unnested is evaluated as an expression, which reports its own error
	}
	inner, on, ok := liftOuter(dropProjection(sub), len(s.outer), len(s.fields))
	if !ok {
		return nil, nil
	}
	kind := exec.JoinSemi
	if negated {
		kind = exec.JoinAnti
	}
	return &joinRel{kind: kind, left: in, right: inner, on: on}, nil
}

func (c *converter) unnestIn(in rel, left sql.Expression, sq *plan.Subquery, s scope, negated bool) (rel, error) {
	if _, tuple := left.(expression.Tuple); tuple {
		return nil, nil
	}
	sub, err := c.subqueryRel(sq, s)
	if err != nil {
		return nil, nil //nolint:nilerr // as above
	}
	operand, err := c.scalar(left, s)
	if err != nil {
		return nil, err
	}
	value := expr.Expr(columnOf(sub.fields(), 0))
	if p, ok := sub.(*projectRel); ok && hasOuter(sub) {
		sub, value = p.input, p.exprs[0]
	}
	inner, on, ok := liftOuter(sub, len(s.outer), len(s.fields))
	if !ok || hasOuterExpr(value) || (negated && len(on) > 0) {
		return nil, nil
	}
	eq, err := expr.New("=", operand, shift(value, len(s.fields)))
	if err != nil {
		return nil, err
	}
	kind := exec.JoinSemi
	if negated {
		kind = exec.JoinAntiNullAware
	}
	return &joinRel{kind: kind, left: in, right: inner, on: append([]expr.Expr{eq}, on...)}, nil
}

// dropProjection removes projections that EXISTS does not look at.
func dropProjection(r rel) rel {
	for {
		switch p := r.(type) {
		case *projectRel:
			r = p.input
		case *sortRel:
			r = p.input
		case *limitRel:
			if p.n == 0 || p.offset > 0 {
				return r
			}
			r = p.input
		default:
			return r
		}
	}
}

// liftOuter takes the conditions with outer references out of the filters at the top of r and returns them as join
// conditions over (enclosing columns, r's columns). ok is false if references remain deeper, or reach beyond the nearest query.
func liftOuter(r rel, outerBefore, width int) (inner rel, on []expr.Expr, ok bool) {
	var lifted []expr.Expr
	inner = r
	if f, isFilter := r.(*filterRel); isFilter {
		var kept []expr.Expr
		for _, p := range expr.Conjuncts(f.pred) {
			if hasOuterExpr(p) {
				lifted = append(lifted, p)
			} else {
				kept = append(kept, p)
			}
		}
		inner = f.input
		if len(kept) > 0 {
			inner = &filterRel{input: inner, pred: expr.And(kept...)}
		}
	}
	if hasOuter(inner) {
		return nil, nil, false
	}
	for _, p := range lifted {
		x, good := outerToJoin(p, outerBefore, width)
		if !good {
			return nil, nil, false
		}
		on = append(on, x)
	}
	return inner, on, true
}

// outerToJoin moves p's own columns behind the enclosing query's and turns its outer references into columns of the latter.
func outerToJoin(p expr.Expr, outerBefore, width int) (expr.Expr, bool) {
	good := true
	out := rewriteExpr(p, func(e expr.Expr) expr.Expr {
		switch e := e.(type) {
		case *outerRef:
			if e.index < outerBefore {
				good = false
				return e
			}
			return &expr.Column{Index: e.index - outerBefore, Name: e.name, Typ: e.typ, Null: true}
		case *expr.Column:
			moved := *e
			moved.Index += width
			return &moved
		}
		return e
	})
	return out, good
}

// shift moves the columns of e by n positions.
func shift(e expr.Expr, n int) expr.Expr {
	return mapColumns(e, func(c *expr.Column) expr.Expr {
		moved := *c
		moved.Index += n
		return &moved
	})
}

func hasOuterExpr(e expr.Expr) bool {
	found := false
	expr.Walk(e, func(x expr.Expr) bool {
		_, isOuter := x.(*outerRef)
		found = found || isOuter
		return !found
	})
	return found
}

func hasOuter(r rel) bool {
	found := false
	eachExpr(r, func(e expr.Expr) { found = found || hasOuterExpr(e) })
	for _, in := range r.inputs() {
		found = found || hasOuter(in)
	}
	return found
}

// subqueryScalar converts a subquery in any place of an expression.
func (c *converter) subqueryScalar(e sql.Expression, s scope) (expr.Expr, error) {
	switch e := e.(type) {
	case *plan.Subquery:
		return c.subqueryValue(scalarSubquery, e, nil, s)
	case *plan.ExistsSubquery:
		return c.subqueryValue(existsSubquery, e.Query, nil, s)
	case *plan.InSubquery:
		sq, ok := e.Right().(*plan.Subquery)
		if _, tuple := e.Left().(expression.Tuple); tuple || !ok {
			return nil, &UnsupportedError{What: "a row constructor on the left of IN (SELECT …)"}
		}
		left, err := c.scalar(e.Left(), s)
		if err != nil {
			return nil, err
		}
		return c.subqueryValue(inSubquery, sq, left, s)
	}
	return nil, errNoKernel
}

func (c *converter) subqueryValue(kind subqueryKind, sq *plan.Subquery, left expr.Expr, s scope) (expr.Expr, error) {
	sub, err := c.subqueryRel(sq, s)
	switch {
	case err == nil && !hasOuter(sub):
		out := &subqueryExpr{kind: kind, query: sub, left: left, typ: types.Of(types.Bool)}
		if kind == scalarSubquery {
			if len(sub.fields()) != 1 {
				return nil, sql.ErrInvalidOperandColumns.New(1, len(sub.fields()))
			}
			out.typ = sub.fields()[0].Type
		}
		return out, nil
	case err == nil || err == errNoKernel:
		var t types.Type
		if err == nil && kind == scalarSubquery {
			t = sub.fields()[0].Type
		}
		return c.apply(kind, sq, left, s, t)
	}
	return nil, err
}

// apply evaluates a correlated subquery once per row of the enclosing query; it is a counted fallback.
func (c *converter) apply(kind subqueryKind, sq *plan.Subquery, left expr.Expr, s scope, t types.Type) (expr.Expr, error) {
	if kind != scalarSubquery {
		t = types.Of(types.Bool)
	} else if t == (types.Type{}) {
		var ok bool
		if t, ok = EngineType(sq.Type()); !ok {
			return nil, &UnsupportedError{What: "the type of a correlated subquery"}
		}
	}
	var args []expr.Expr
	if left != nil {
		args = append(args, left)
	}
	known := c.outerRow
	if len(s.outer) > 0 && known == nil {
		for i, f := range s.outer {
			args = append(args, &outerRef{index: i, name: f.Name, typ: f.Type})
		}
	}
	for i := range s.visible() {
		args = append(args, columnOf(s.fields, i))
	}
	fields := append(append([]exec.Field(nil), s.outer...), s.visible()...)
	c.countFallback("correlated subquery")
	call := func(vals []types.Value) (types.Value, error) {
		row := append(append([]types.Value(nil), known...), vals...)
		var operand types.Value
		if left != nil {
			operand, row = vals[0], append(append([]types.Value(nil), known...), vals[1:]...)
		}
		return c.evalCorrelated(kind, sq, fields, row, operand, t)
	}
	return &expr.RowFunc{Name: "correlated subquery", Args: args, Typ: t, Call: call}, nil
}

// evalCorrelated plans and runs the subquery with the enclosing row's values in place of its outer columns.
func (c *converter) evalCorrelated(kind subqueryKind, sq *plan.Subquery, fields []exec.Field, row []types.Value, operand types.Value, t types.Type) (types.Value, error) {
	sub := &converter{ctx: c.ctx, env: c.env, rt: c.rt, outerRow: row, sources: c.sources}
	r, err := sub.convert(sq.Query, fields)
	if err != nil {
		return types.Value{}, err
	}
	return c.rt.subqueryResult(c.ctx, sub, kind, r, operand, t)
}

// subqueryResult runs r and reduces its rows to the value of the expression.
func (rt *Runtime) subqueryResult(ctx *sql.Context, c *converter, kind subqueryKind, r rel, operand types.Value, t types.Type) (types.Value, error) {
	limit := int64(2)
	if kind == existsSubquery {
		limit = 1
	}
	if kind != inSubquery {
		r = &limitRel{input: r, n: limit}
	}
	rows, err := rt.collect(ctx, c, r)
	if err != nil {
		return types.Value{}, err
	}
	switch kind {
	case existsSubquery:
		return types.BoolValue(len(rows) > 0), nil
	case inSubquery:
		return inRows(operand, rows)
	}
	switch len(rows) {
	case 0:
		return types.NullOf(t), nil
	case 1:
		return convertValue(rows[0][0], t, c.env)
	}
	return types.Value{}, sql.ErrExpectedSingleRow.New()
}

// inRows is the three-valued result of operand IN (rows).
func inRows(operand types.Value, rows [][]types.Value) (types.Value, error) {
	args := []expr.Expr{&expr.Literal{Val: operand}}
	for _, r := range rows {
		args = append(args, &expr.Literal{Val: r[0]})
	}
	if len(rows) == 0 {
		return types.BoolValue(false), nil
	}
	in, err := expr.New("in", args...)
	if err != nil {
		return types.Value{}, err
	}
	return expr.EvalConst(in, defaultEnv())
}

func convertValue(v types.Value, t types.Type, env *expr.Env) (types.Value, error) {
	if v.Type == t {
		return v, nil
	}
	out, err := expr.EvalConst(expr.Cast(&expr.Literal{Val: v}, t), env)
	if err != nil {
		return types.Value{}, fmt.Errorf("subquery value %s: %w", v, err)
	}
	return out, nil
}
