package parser

import (
	"fmt"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/expression"
	"github.com/dolthub/go-mysql-server/sql/types"
)

// AsOfCondition is the conjunct that makes a join an ASOF JOIN: each row of the join's left side meets at most one
// row of its right side, the newest for which the conjunct and the rest of ON hold. The planner takes it out of
// the ON condition; without that it is just the comparison, so evaluating it joins too many rows.
//
// It reads LeftTime >= RightTime (or >, if Strict), operands turned round where the text has <= or <. In the
// usual join the left side's time is LeftTime; where the text asks for the nearest later row, it is the other way.
type AsOfCondition struct {
	expression.BinaryExpressionStub
	Strict bool
}

var _ sql.Expression = (*AsOfCondition)(nil)

// NewAsOfCondition returns left >= right, or left > right if strict, as the mark of an ASOF JOIN.
func NewAsOfCondition(left, right sql.Expression, strict bool) *AsOfCondition {
	return &AsOfCondition{expression.BinaryExpressionStub{LeftChild: left, RightChild: right}, strict}
}

func (e *AsOfCondition) String() string {
	op := ">="
	if e.Strict {
		op = ">"
	}
	return fmt.Sprintf("%s(%s, %s, '%s')", markAsOfJoin, e.LeftChild, e.RightChild, op)
}

// Type implements sql.Expression.
func (e *AsOfCondition) Type() sql.Type { return types.Boolean }

// IsNullable implements sql.Expression.
func (e *AsOfCondition) IsNullable() bool { return true }

// WithChildren implements sql.Expression.
func (e *AsOfCondition) WithChildren(c ...sql.Expression) (sql.Expression, error) {
	if len(c) != 2 {
		return nil, sql.ErrInvalidChildrenNumber.New(e, len(c), 2)
	}
	return NewAsOfCondition(c[0], c[1], e.Strict), nil
}

// Eval implements sql.Expression: the comparison alone.
func (e *AsOfCondition) Eval(ctx *sql.Context, row sql.Row) (any, error) {
	if e.Strict {
		return expression.NewGreaterThan(e.LeftChild, e.RightChild).Eval(ctx, row)
	}
	return expression.NewGreaterThanOrEqual(e.LeftChild, e.RightChild).Eval(ctx, row)
}

type asOfJoinInjectable string // > or >=

// WithResolvedChildren implements ast.Injectable.
func (op asOfJoinInjectable) WithResolvedChildren(children []any) (any, error) {
	left, ok1 := children[0].(sql.Expression)
	right, ok2 := children[1].(sql.Expression)
	if !ok1 || !ok2 {
		return nil, &SyntaxError{Reason: "ASOF JOIN compares two values"}
	}
	return NewAsOfCondition(left, right, op == ">"), nil
}

// DefaultValue stands for DEFAULT in the rows of an INSERT, or for the default of the column it names.
type DefaultValue struct{ Column string }

var _ sql.Expression = (*DefaultValue)(nil)

func (*DefaultValue) String() string { return "DEFAULT" }

// Resolved implements sql.Expression.
func (*DefaultValue) Resolved() bool { return true }

// Type implements sql.Expression.
func (*DefaultValue) Type() sql.Type { return types.Null }

// IsNullable implements sql.Expression.
func (*DefaultValue) IsNullable() bool { return true }

// Children implements sql.Expression.
func (*DefaultValue) Children() []sql.Expression { return nil }

// WithChildren implements sql.Expression.
func (d *DefaultValue) WithChildren(c ...sql.Expression) (sql.Expression, error) {
	if len(c) != 0 {
		return nil, sql.ErrInvalidChildrenNumber.New(d, len(c), 0)
	}
	return d, nil
}

// Eval implements sql.Expression. The planner puts the column's default in its place, so it is never evaluated.
func (*DefaultValue) Eval(*sql.Context, sql.Row) (any, error) {
	return nil, &UnsupportedError{"DEFAULT outside the values of a column"}
}

type defaultInjectable string // the column's name

// WithResolvedChildren implements ast.Injectable.
func (d defaultInjectable) WithResolvedChildren([]any) (any, error) {
	return &DefaultValue{Column: string(d)}, nil
}

func (defaultInjectable) String() string { return "DEFAULT" }
