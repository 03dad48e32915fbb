package planner

import (
	"errors"
	"fmt"
	"slices"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/expression"
	"github.com/dolthub/go-mysql-server/sql/plan"

	"github.com/featuresql/featuresql/engine/exec"
	"github.com/featuresql/featuresql/engine/expr"
	"github.com/featuresql/featuresql/engine/parser"
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
	left  operands // inSubquery
	typ   types.Type
}

func (s *subqueryExpr) Type() types.Type { return s.typ }
func (s *subqueryExpr) Nullable() bool   { return s.kind != existsSubquery }
func (s *subqueryExpr) Children() []expr.Expr {
	return s.left.list
}

func (s *subqueryExpr) String() string {
	switch s.kind {
	case existsSubquery:
		return "exists(subquery)"
	case inSubquery:
		return s.left.list[0].String() + " in (subquery)"
	}
	return "(subquery)"
}

// attached is the input of a node while its expressions are converted: a correlated subquery in one of them
// joins its value to in as a further column.
type attached struct {
	in  rel
	ins map[*plan.Subquery]expr.Expr // values of IN that are joined to in; an expression may be converted more than once
}

func (a *attached) note(sq *plan.Subquery, value expr.Expr) {
	if a == nil || value == nil {
		return
	}
	if a.ins == nil {
		a.ins = map[*plan.Subquery]expr.Expr{}
	}
	a.ins[sq] = value
}

// filterRel adds a host condition above in. Conjuncts that are IN or EXISTS subqueries become semi and anti joins.
func (c *converter) filterRel(in rel, cond sql.Expression, outer []exec.Field) (rel, error) {
	s := c.attachedScope(in, outer)
	var preds []expr.Expr
	plain, withSubquery := bySubquery(expression.SplitConjunction(cond))
	for _, e := range plain { // first, so that subqueries are asked for fewer rows
		if l, ok := e.(*expression.Literal); ok && l.Value() == true {
			continue
		}
		x, err := c.scalar(e, s)
		if err != nil {
			return nil, err
		}
		preds = append(preds, x)
	}
	s.attach.in, preds = filtered(s.attach.in, preds), nil
	for _, e := range withSubquery {
		joined, err := c.unnest(e, s)
		if err != nil {
			return nil, err
		}
		if joined != nil {
			s.attach.in = joined
			continue
		}
		x, err := c.scalar(e, s)
		if err != nil {
			return nil, err
		}
		preds = append(preds, x)
	}
	return reorder(filtered(s.attach.in, preds), identity(len(s.fields))), nil
}

// bySubquery tells the conditions with a subquery from those without.
func bySubquery(conds []sql.Expression) (plain, with []sql.Expression) {
	for _, e := range conds {
		found := false
		sql.Inspect(e, func(e sql.Expression) bool {
			_, is := e.(*plan.Subquery)
			found = found || is
			return !found
		})
		if found {
			with = append(with, e)
		} else {
			plain = append(plain, e)
		}
	}
	return plain, with
}

// attachedScope is the scope of expressions that may join subqueries to their input.
func (c *converter) attachedScope(in rel, outer []exec.Field) scope {
	s := c.scopeOf(in, outer)
	s.attach = &attached{in: in}
	return s
}

// unnest turns one conjunct into a join with the scope's input, or returns nil if it cannot.
func (c *converter) unnest(e sql.Expression, s scope) (rel, error) {
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
		return c.unnestExists(e.Query, s, negated)
	case *plan.InSubquery:
		if sq, ok := e.Right().(*plan.Subquery); ok {
			if err := c.noCollation("IN (SELECT …)", e.Left()); err != nil {
				return nil, err
			}
			return c.unnestIn(e.Left(), sq, s, negated)
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
	return c.within(c.gaps, func() (rel, error) { return c.convert(sq.Query, all) })
}

func (c *converter) unnestExists(sq *plan.Subquery, s scope, negated bool) (rel, error) {
	sub, err := c.subqueryRel(sq, s)
	if err != nil {
		return nil, passOn(err)
	}
	p, ok := c.unnesting(s).rows(dropProjection(sub))
	if !ok {
		return nil, nil
	}
	in := s.attach.in
	kind := exec.JoinSemi
	if negated {
		kind = exec.JoinAnti
	}
	return &joinRel{kind: kind, left: in, right: p.rel, on: toJoinConds(p.conds, len(s.outer), len(in.fields()))}, nil
}

// passOn is err, or nil where the enclosing rows are known and the subquery is run for each of them.
func passOn(err error) error {
	if errors.Is(err, errNoKernel) {
		return nil
	}
	return err
}

func (c *converter) unnestIn(operand sql.Expression, sq *plan.Subquery, s scope, negated bool) (rel, error) {
	sub, err := c.subqueryRel(sq, s)
	if err != nil {
		return nil, passOn(err)
	}
	p, ok := c.unnesting(s).rows(sub)
	if !ok {
		return nil, nil
	}
	operands := []sql.Expression{operand}
	if tuple, is := operand.(expression.Tuple); is {
		operands = tuple
	}
	fields := p.rel.fields()
	if len(operands) != len(sub.fields()) {
		return nil, sql.ErrInvalidOperandColumns.New(len(operands), len(sub.fields()))
	}
	j := &joinRel{kind: exec.JoinSemi, right: p.rel}
	plainNotIn := negated && len(operands) == 1 && len(p.conds) == 0
	left, err := c.scalars(operands, s)
	if err != nil {
		return nil, err
	}
	width := len(s.attach.in.fields())
	for i, x := range left {
		y := shift(columnOf(fields, i), width)
		eq, err := expr.New("=", x, y)
		if err != nil {
			return nil, err
		}
		if negated && !plainNotIn { // a comparison that is not known counts as a match
			eq = mustCall("or", eq, mustCall("isnull", x), mustCall("isnull", y))
		}
		j.on = append(j.on, eq)
	}
	j.left, j.on = s.attach.in, append(j.on, toJoinConds(p.conds, len(s.outer), width)...)
	switch {
	case plainNotIn:
		j.kind = exec.JoinAntiNullAware
	case negated:
		j.kind = exec.JoinAnti
	}
	return j, nil
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

// attachScalar joins the value of a correlated subquery to the input of the expressions that are being converted. ok
// is false where that cannot be done.
func (c *converter) attachScalar(sub rel, s scope) (value expr.Expr, ok bool) {
	if s.attach == nil {
		return nil, false
	}
	level, typ := len(s.outer), sub.fields()[0].Type
	single := oneRowAtMost(sub)
	if !single {
		f := sub.fields()
		a := &aggRel{input: sub, aggs: []exec.Aggregate{{Name: "any_value", Args: []expr.Expr{columnOf(f, 0)}, Type: typ}, {Name: "count", Type: types.Of(types.Int64)}}}
		a.out = []exec.Field{{Name: f[0].Name, Type: typ, Nullable: true}, {Name: "rows", Type: types.Of(types.Int64)}}
		sub = a
	}
	p, ok := c.unnesting(s).pullUp(sub)
	if !ok {
		return nil, false
	}
	found := len(p.rel.fields())
	width := len(s.attach.in.fields())
	join := &joinRel{kind: exec.JoinLeft, left: s.attach.in, right: markFound(p.rel), on: toJoinConds(p.conds, level, width)}
	s.attach.in = join
	fields := join.fields()
	value = columnOf(fields, width)
	if !single {
		raise := &expr.RowFunc{Name: "more than one row", Args: []expr.Expr{columnOf(fields, width+1)}, Typ: typ,
			Call: func([]types.Value) (types.Value, error) { return types.Value{}, sql.ErrExpectedSingleRow.New() }}
		return mustCall("case", mustCall(">", columnOf(fields, width+1), intLiteral(1)), raise, value), true
	}
	if p.missing == nil {
		return value, true
	}
	empty := p.missing[0]
	if v, err := expr.EvalConst(empty, c.env); err == nil && movable(empty) && !hasOuterExpr(empty) {
		empty = &expr.Literal{Val: v}
	}
	if empty = toJoinConds([]expr.Expr{empty}, level, width)[0]; !isNullLiteral(empty) { // else the left join's NULL is it
		value = mustCall("case", mustCall("isnull", columnOf(fields, width+found)), empty, value)
	}
	return value, true
}

func isNullLiteral(e expr.Expr) bool {
	l, ok := e.(*expr.Literal)
	return ok && !l.Val.Valid
}

// columnsOf are the columns of r as expressions.
func columnsOf(r rel) []expr.Expr {
	in := r.fields()
	out := make([]expr.Expr, len(in))
	for i := range in {
		out[i] = columnOf(in, i)
	}
	return out
}

// oneRowAtMost reports whether r gives no more than one row for each enclosing row.
func oneRowAtMost(r rel) bool {
	switch n := r.(type) {
	case *aggRel:
		return len(n.keys) == 0
	case *projectRel, *filterRel, *sortRel:
		return oneRowAtMost(r.inputs()[0])
	case *limitRel:
		return n.n == 0 || n.n == 1 || oneRowAtMost(n.input)
	case *valuesRel:
		return len(n.rows) <= 1
	}
	return false
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
		return c.subqueryValue(scalarSubquery, e, operands{}, s)
	case *plan.ExistsSubquery:
		return c.subqueryValue(existsSubquery, e.Query, operands{}, s)
	case *plan.InSubquery:
		if sq, ok := e.Right().(*plan.Subquery); ok {
			if err := c.noCollation("IN (SELECT …)", e.Left()); err != nil {
				return nil, err
			}
			return c.membership("=", e.Left(), sq, s)
		}
	case *parser.Quantified:
		if err := c.noCollation("ANY and ALL", e.Left); err != nil {
			return nil, err
		}
		return c.membership(e.Op, e.Left, e.Query, s)
	}
	return nil, errNoKernel
}

func (c *converter) subqueryValue(kind subqueryKind, sq *plan.Subquery, left operands, s scope) (expr.Expr, error) {
	sub, err := c.subqueryRel(sq, s)
	if err == nil && kind == inSubquery && len(sub.fields()) != len(left.list) {
		return nil, sql.ErrInvalidOperandColumns.New(len(left.list), len(sub.fields()))
	}
	switch {
	case err == nil && !hasOuter(sub):
		if kind == scalarSubquery && len(sub.fields()) == 1 && sharesRows(sub) { // in one plan, rows are computed once
			if value, ok := c.attachScalar(sub, s); ok {
				return value, nil
			}
		}
		if kind == inSubquery {
			if value, err := c.memberValue(sq, sub, left, s); value != nil || err != nil {
				return value, err
			}
		}
		out := &subqueryExpr{kind: kind, query: sub, left: left, typ: types.Of(types.Bool)}
		if kind == scalarSubquery {
			if len(sub.fields()) != 1 {
				return nil, sql.ErrInvalidOperandColumns.New(1, len(sub.fields()))
			}
			out.typ = sub.fields()[0].Type
		}
		return out, nil
	case err == nil || errors.Is(err, errNoKernel):
		var t types.Type
		if err == nil {
			if t = sub.fields()[0].Type; kind == scalarSubquery && len(sub.fields()) != 1 {
				return nil, sql.ErrInvalidOperandColumns.New(1, len(sub.fields()))
			}
			if value, ok := c.attachValue(kind, sub, left, s); ok {
				return value, nil
			}
		}
		return c.apply(kind, sq, left, s, t)
	}
	return nil, err
}

// attachValue joins what the value of a correlated subquery is computed from to the input of the expressions that are
// being converted.
func (c *converter) attachValue(kind subqueryKind, sub rel, left operands, s scope) (expr.Expr, bool) {
	if kind == scalarSubquery {
		return c.attachScalar(sub, s)
	}
	integer := types.Of(types.Int64)
	a := &aggRel{input: dropProjection(sub), aggs: []exec.Aggregate{{Name: "count", Type: integer}}, out: []exec.Field{{Name: "rows", Type: integer}}}
	if kind == inSubquery {
		known, err := left.compared(columnsOf(sub), func(e expr.Expr) expr.Expr { return toOuter(e, len(s.outer)) })
		if err != nil {
			return nil, false
		}
		// 2: equal, 1: not known
		match := mustCall("case", known, intLiteral(2), mustCall("isnull", known), intLiteral(1), intLiteral(0))
		a.input = sub
		a.aggs = []exec.Aggregate{{Name: "max", Args: []expr.Expr{match}, Type: match.Type()}}
		a.out = []exec.Field{{Name: "match", Type: match.Type(), Nullable: true}}
	}
	n, ok := c.attachScalar(a, s)
	switch {
	case !ok:
		return nil, false
	case kind == existsSubquery:
		return mustCall(">", n, intLiteral(0)), true
	}
	yes, no := &expr.Literal{Val: types.BoolValue(true)}, &expr.Literal{Val: types.BoolValue(false)}
	unknown := &expr.Literal{Val: types.NullOf(types.Of(types.Bool))}
	return mustCall("case", mustCall("=", n, intLiteral(2)), yes, mustCall("=", n, intLiteral(1)), unknown, no), true
}

// toOuter is e, which reads the enclosing rows, as the subquery sees it.
func toOuter(e expr.Expr, level int) expr.Expr {
	return mapColumns(e, func(c *expr.Column) expr.Expr { return &outerRef{index: level + c.Index, name: c.Name, typ: c.Typ} })
}

// unnesting is for a subquery whose enclosing rows are the scope's.
func (c *converter) unnesting(s scope) *unnesting {
	u := &unnesting{level: len(s.outer)}
	if s.attach == nil {
		return u
	}
	var again rel
	u.domain = func(columns []int) (rel, bool) {
		if again == nil {
			places, err := c.readers(s.attach.in, 2)
			if err != nil {
				return nil, false
			}
			again, s.attach.in = places[0], places[1]
		}
		in := again.fields()
		p := &projectRel{input: again}
		for _, i := range columns {
			p.exprs, p.out = append(p.exprs, columnOf(in, i-u.level)), append(p.out, in[i-u.level])
		}
		return &distinctRel{input: p}, true
	}
	return u
}

// apply evaluates a correlated subquery once per row of the enclosing query; it is a counted fallback.
func (c *converter) apply(kind subqueryKind, sq *plan.Subquery, left operands, s scope, t types.Type) (expr.Expr, error) {
	if kind != scalarSubquery {
		t = types.Of(types.Bool)
	} else if t == (types.Type{}) {
		var ok bool
		if t, ok = EngineType(sq.Type()); !ok {
			return nil, &UnsupportedError{What: "the type of a correlated subquery"}
		}
	}
	args := slices.Clone(left.list)
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
	gaps := c.gaps
	call := func(vals []types.Value) (types.Value, error) {
		n := len(left.list)
		return c.evalCorrelated(kind, sq, fields, gaps, slices.Concat(known, vals[n:]), left.with(vals[:n]), t)
	}
	return &expr.RowFunc{Name: "correlated subquery", Args: args, Typ: t, Call: call}, nil
}

// evalCorrelated plans and runs the subquery with the enclosing row's values in place of its outer columns.
func (c *converter) evalCorrelated(kind subqueryKind, sq *plan.Subquery, fields []exec.Field, gaps []gap, row []types.Value, left operands, t types.Type) (types.Value, error) {
	sub := &converter{ctx: c.ctx, env: c.env, rt: c.rt, outerRow: row, gaps: gaps, newest: c.newest, onRead: c.onRead}
	r, err := sub.convert(sq.Query, fields)
	if err != nil {
		return types.Value{}, err
	}
	return c.rt.subqueryResult(c.ctx, sub, kind, r, left, t)
}

// subqueryResult runs r and reduces its rows to the value of the expression.
func (rt *Runtime) subqueryResult(ctx *sql.Context, c *converter, kind subqueryKind, r rel, left operands, t types.Type) (types.Value, error) {
	limit := int64(2)
	if kind == existsSubquery {
		limit = 1
	}
	if kind == inSubquery {
		return rt.inRows(ctx, c, left, r)
	}
	r = &limitRel{input: r, n: limit}
	rows, err := rt.collect(ctx, c, r)
	if err != nil {
		return types.Value{}, err
	}
	if kind == existsSubquery {
		return types.BoolValue(len(rows) > 0), nil
	}
	switch len(rows) {
	case 0:
		return types.NullOf(t), nil
	case 1:
		return convertValue(rows[0][0], t, c.env)
	}
	return types.Value{}, sql.ErrExpectedSingleRow.New()
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
