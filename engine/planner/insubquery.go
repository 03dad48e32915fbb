package planner

import (
	"errors"
	"slices"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/expression"
	"github.com/dolthub/go-mysql-server/sql/plan"

	"github.com/featuresql/featuresql/engine/exec"
	"github.com/featuresql/featuresql/engine/expr"
	"github.com/featuresql/featuresql/engine/types"
)

// operands are the left side of IN, or of another comparison with ANY (SELECT …): one, or those of a row constructor.
type operands struct {
	op       string
	list     []expr.Expr
	computed []bool // literals that are values of an expression, and are not compared as constants; nil: none
}

// compared compares the operands, each after f, with columns of the subquery.
func (o operands) compared(columns []expr.Expr, f func(expr.Expr) expr.Expr) (expr.Expr, error) {
	var all []expr.Expr
	for i, x := range o.list {
		e, err := expr.New(o.op, f(x), columns[i])
		if err != nil {
			return nil, err
		}
		all = append(all, e)
	}
	return expr.And(all...), nil
}

// with returns the operands with their values.
func (o operands) with(values []types.Value) operands {
	out := operands{op: o.op}
	for i, x := range o.list {
		_, constant := x.(*expr.Literal)
		out.list, out.computed = append(out.list, &expr.Literal{Val: values[i]}), append(out.computed, !constant)
	}
	return out
}

// membership converts left op ANY (sq).
func (c *converter) membership(op string, left sql.Expression, sq *plan.Subquery, s scope) (expr.Expr, error) {
	list := []sql.Expression{left}
	if tuple, ok := left.(expression.Tuple); ok {
		if list = tuple; op != "=" {
			return nil, &UnsupportedError{What: "a row constructor on the left of " + op + " ANY or ALL (SELECT …)"}
		}
	}
	converted, err := c.scalars(list, s)
	if err != nil {
		return nil, err
	}
	return c.subqueryValue(inSubquery, sq, operands{op: op, list: converted}, s)
}

// memberValue is the value of left op ANY (sub), an uncorrelated subquery; nil where it is to be made a list.
func (c *converter) memberValue(sq *plan.Subquery, sub rel, left operands, s scope) (expr.Expr, error) {
	if s.attach != nil && s.attach.ins[sq] != nil {
		return s.attach.ins[sq], nil
	}
	var value expr.Expr
	var ok bool
	var err error
	switch {
	case len(left.list) > 1:
		value, ok = c.attachValue(inSubquery, sub, left, s)
	case left.op == "=":
		value, ok, err = c.attachIn(sub, left.list[0], s)
	default:
		value, ok, err = c.attachBounds(sub, left, s)
	}
	switch {
	case err != nil:
		return nil, err
	case ok:
		s.attach.note(sq, value)
		return value, nil
	case len(left.list) == 1 && left.op == "=":
		return nil, nil
	}
	return c.apply(inSubquery, sq, left, s, types.Of(types.Bool))
}

// attachBounds joins the least and the greatest value of sub, which say all about the other comparisons with ANY, to the input
// of the expressions that are being converted. ok is false where that cannot be done.
func (c *converter) attachBounds(sub rel, left operands, s scope) (value expr.Expr, ok bool, err error) {
	x := left.list[0]
	if s.attach == nil || hasOuterExpr(x) || !movable(x) {
		return nil, false, nil
	}
	width := len(s.attach.in.fields())
	keys, ok, err := inKeys(x, sub, width)
	if !ok || err != nil {
		return nil, false, err
	}
	typ, count := keys.right.Type(), types.Of(types.Int64)
	args := []expr.Expr{keys.right}
	bounds := &aggRel{input: sub,
		aggs: []exec.Aggregate{{Name: "count", Type: count}, {Name: "count", Args: args, Type: count}, {Name: "min", Args: args, Type: typ}, {Name: "max", Args: args, Type: typ}},
		out:  []exec.Field{{Name: "rows", Type: count}, {Name: "known", Type: count}, {Name: "least", Type: typ, Nullable: true}, {Name: "greatest", Type: typ, Nullable: true}}}
	joined := &joinRel{kind: exec.JoinInner, left: s.attach.in, right: bounds}
	f := joined.fields()
	least, greatest := columnOf(f, width+2), columnOf(f, width+3)
	var match expr.Expr
	switch left.op {
	case "<", "<=":
		match, err = expr.New(left.op, keys.left, greatest)
	case ">", ">=":
		match, err = expr.New(left.op, keys.left, least)
	default:
		match = mustCall("or", mustCall("not", mustCall("=", keys.left, least)), mustCall("not", mustCall("=", keys.left, greatest)))
	}
	if err != nil {
		return nil, false, err
	}
	s.attach.in = joined
	return inResult(match, mustCall("isnull", keys.left), columnOf(f, width), columnOf(f, width+1)), true, nil
}

// inColumns are the operands of "left = the column of a subquery" after the conversions that a join condition has, too.
type inColumns struct {
	left  expr.Expr // over the input
	right expr.Expr // over the subquery
}

// inKeys converts the sides of left IN (sub); ok is false if they are not compared as one value with another.
func inKeys(left expr.Expr, sub rel, width int) (keys inColumns, ok bool, err error) {
	eq, err := expr.New("=", left, shift(columnOf(sub.fields(), 0), width))
	if err != nil {
		return keys, false, err
	}
	l, r, ok := equiKeys(eq, width)
	return inColumns{l, r}, ok, nil
}

// attachIn joins the value of left IN (sub), an uncorrelated subquery, to the input of the expressions that are being
// converted: by a left join with the values of sub, each once, and with how many there are. Both read the rows of sub,
// which are computed once. ok is false where that cannot be done.
func (c *converter) attachIn(sub rel, left expr.Expr, s scope) (value expr.Expr, ok bool, err error) {
	if s.attach == nil || hasOuterExpr(left) || !movable(left) {
		return nil, false, nil
	}
	width := len(s.attach.in.fields())
	keys, ok, err := inKeys(left, sub, width)
	if !ok || err != nil {
		return nil, false, err
	}
	shared := &definition{name: "IN", input: sub, out: sub.fields(), places: 2}
	keyType, count := keys.right.Type(), types.Of(types.Int64)
	values := &aggRel{input: &sharedRel{of: shared}, keys: []expr.Expr{keys.right}, out: []exec.Field{{Name: "value", Type: keyType, Nullable: true}}}
	found := &projectRel{input: values, exprs: append(columnsOf(values), intLiteral(1)), out: append(values.out[:1:1], exec.Field{Name: "found", Type: count})}
	counts := &aggRel{input: &sharedRel{of: shared}, out: []exec.Field{{Name: "rows", Type: count}, {Name: "known", Type: count}},
		aggs: []exec.Aggregate{{Name: "count", Type: count}, {Name: "count", Args: []expr.Expr{keys.right}, Type: count}}}
	eq, err := expr.New("=", keys.left, shift(columnOf(found.out, 0), width))
	if err != nil {
		return nil, false, err
	}
	matched := &joinRel{kind: exec.JoinLeft, left: s.attach.in, right: found, on: []expr.Expr{eq}}
	counted := &joinRel{kind: exec.JoinInner, left: matched, right: counts}
	s.attach.in = counted
	f := counted.fields()
	return inResult(mustCall("not", mustCall("isnull", columnOf(f, width+1))), mustCall("isnull", keys.left), columnOf(f, width+2), columnOf(f, width+3)), true, nil
}

// inResult is the three-valued result of IN: match says that a value is equal, unknown that the operand is NULL, rows and
// known how many values there are, and how many of them are not NULL.
func inResult(match, unknown, rows, known expr.Expr) expr.Expr {
	null := mustCall("or", unknown, mustCall("<", known, rows))
	no, yes := &expr.Literal{Val: types.BoolValue(false)}, &expr.Literal{Val: types.BoolValue(true)}
	return mustCall("case", match, yes, mustCall("=", rows, intLiteral(0)), no, null, &expr.Literal{Val: types.NullOf(types.Of(types.Bool))}, no)
}

// inRows is the value of left op ANY (r) for operands that are literals.
func (rt *Runtime) inRows(ctx *sql.Context, c *converter, left operands, r rel) (types.Value, error) {
	width := len(r.fields())
	if width != len(left.list) {
		return types.Value{}, sql.ErrInvalidOperandColumns.New(len(left.list), width)
	}
	with := &projectRel{input: r, exprs: append(columnsOf(r), left.list...), out: slices.Clone(r.fields())}
	for _, x := range left.list {
		with.out = append(with.out, exec.Field{Name: "operand", Type: x.Type(), Nullable: true})
	}
	i := 0
	eq, err := left.compared(columnsOf(with), func(x expr.Expr) expr.Expr {
		i++
		if _, constant := x.(*expr.Literal); constant && !left.computed[i-1] {
			return x
		}
		return columnOf(with.out, width+i-1)
	})
	if err != nil {
		return types.Value{}, err
	}
	count := types.Of(types.Int64)
	counts := &aggRel{input: with, out: []exec.Field{{Name: "rows", Type: count}, {Name: "known", Type: count}, {Name: "matches", Type: count}}, aggs: []exec.Aggregate{
		{Name: "count", Type: count}, {Name: "count", Args: []expr.Expr{eq}, Type: count},
		{Name: "count", Args: []expr.Expr{mustCall("case", eq, intLiteral(1))}, Type: count}}}
	rows, err := rt.collect(ctx, c, counts)
	if err != nil {
		return types.Value{}, err
	}
	if len(rows) != 1 {
		return types.Value{}, errors.New("an aggregate without groups gave no row")
	}
	switch all, known, matches := rows[0][0].I, rows[0][1].I, rows[0][2].I; {
	case matches > 0:
		return types.BoolValue(true), nil
	case known < all:
		return types.NullOf(types.Of(types.Bool)), nil
	}
	return types.BoolValue(false), nil
}

// inList runs an uncorrelated left IN (SELECT …) where it cannot be joined to the input, and makes it a list. Its values have
// the type of the comparison before they are constants.
func (l *lowering) inList(s *subqueryExpr) (expr.Expr, error) {
	left := s.left.list[0]
	if len(expr.Columns(left)) == 0 {
		v, err := expr.EvalConst(left, l.c.env)
		if err != nil {
			return nil, err
		}
		v, err = l.rt.inRows(l.ctx, l.c, s.left.with([]types.Value{v}), s.query)
		return &expr.Literal{Val: v}, err
	}
	keys, ok, err := inKeys(left, s.query, slices.Max(expr.Columns(left))+1)
	if err != nil {
		return nil, err
	}
	if !ok {
		return nil, &UnsupportedError{What: "IN (SELECT …) with an operand of this type in this place"}
	}
	out := []exec.Field{{Name: "value", Type: keys.right.Type(), Nullable: true}}
	rows, err := l.rt.collect(l.ctx, l.c, &aggRel{input: s.query, keys: []expr.Expr{keys.right}, out: out})
	if err != nil || len(rows) == 0 {
		return &expr.Literal{Val: types.BoolValue(false)}, err
	}
	args := []expr.Expr{keys.left}
	for _, row := range rows {
		args = append(args, &expr.Literal{Val: row[0]})
	}
	return expr.New("in", args...)
}
