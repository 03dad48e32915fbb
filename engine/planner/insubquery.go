package planner

import (
	"errors"
	"slices"

	"github.com/dolthub/go-mysql-server/sql"

	"github.com/featuresql/featuresql/engine/exec"
	"github.com/featuresql/featuresql/engine/expr"
	"github.com/featuresql/featuresql/engine/types"
)

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

// inOperand is the operand of one execution of IN.
type inOperand struct {
	types.Value
	constant bool // it was written as a literal, and is compared as one
}

// inRows is the result of operand IN (r), compared as a column with a column.
func (rt *Runtime) inRows(ctx *sql.Context, c *converter, operand inOperand, r rel) (types.Value, error) {
	if len(r.fields()) != 1 {
		return types.Value{}, sql.ErrInvalidOperandColumns.New(1, len(r.fields()))
	}
	with := &projectRel{input: r, exprs: append(columnsOf(r), &expr.Literal{Val: operand.Value}), out: append(r.fields()[:1:1], exec.Field{Name: "operand", Type: operand.Type, Nullable: true})}
	var left expr.Expr = columnOf(with.out, 1)
	if operand.constant {
		left = &expr.Literal{Val: operand.Value}
	}
	eq, err := expr.New("=", left, columnOf(with.out, 0))
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
	if len(expr.Columns(s.left)) == 0 {
		v, err := expr.EvalConst(s.left, l.c.env)
		if err != nil {
			return nil, err
		}
		_, constant := s.left.(*expr.Literal)
		v, err = l.rt.inRows(l.ctx, l.c, inOperand{v, constant}, s.query)
		return &expr.Literal{Val: v}, err
	}
	keys, ok, err := inKeys(s.left, s.query, slices.Max(expr.Columns(s.left))+1)
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
